import { randomUUID } from 'node:crypto';
import type { Consent } from '@medplum/fhirtypes';
import { randomBytes } from '#crypto/platform';
import type { Caller } from '../../../auth/caller.ts';
import { commitWrites } from '../../../fhir/commit-write.ts';
import { r4Conformance } from '../../../fhir/conformance.ts';
import type { FhirContext } from '../../../fhir/context.ts';
import { loadDefinitions } from '../../../fhir/definitions/load-definitions.ts';
import { exactJson } from '../../../fhir/exact-json.ts';
import { LIMITS } from '../../../fhir/limits.ts';
import { prepareWrites } from '../../../fhir/prepare-write.ts';
import { typeIn } from '../../../fhir/write.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { utf8 } from '../../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../../std/canonical-json.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { accountTranslation } from '../api/account-translation.ts';
import { consentToPolicy, type PolicyContent } from '../api/consent-to-policy.ts';
import { reject } from './codes.ts';

/** Documents of the vault that say which Consent a policy was granted by. */
const LINK_KIND = 'consent-document';

export interface KeptConsent {
  readonly row: VersionRow;
  readonly policy: PolicyContent;
}

/**
 * Keeps a Consent as a FHIR version under the patient's account, as if it had come in at /fhir: validated, journalled,
 * with a leaf. The route has decided who may. Nothing is kept that is no policy.
 * Throws what FHIR and the translation refuse, and Reject CONSENT_DOCUMENT_OTHER_PATIENT.
 */
export async function keepConsent(
  organisation: OrganisationContext,
  caller: Caller,
  { patientId, account, consent }: { patientId: string; account: string; consent: string },
): Promise<KeptConsent> {
  const context = await documentContext(organisation, caller);
  const text = exactJson(utf8(consent));
  if (typeIn(text) !== 'Consent') throw reject('CONSENT_REQUEST_INVALID', { member: 'consent' });
  const writes = await prepareWrites(context, [{ action: 'create', type: 'Consent', id: randomUUID(), text }]);
  const [prepared] = writes;
  if (prepared?.patient !== patientId) throw reject('CONSENT_DOCUMENT_OTHER_PATIENT');
  const translation = accountTranslation(await organisation.vault.tagKey(account), randomBytes);
  const policy = consentToPolicy(prepared.resource as unknown as Consent, translation);
  const [written] = await commitWrites(context, writes);
  if (written === undefined) throw new Error('a create wrote nothing');
  return { row: written.row, policy };
}

async function documentContext({ vault, clock, log }: OrganisationContext, caller: Caller): Promise<FhirContext> {
  return {
    ...{ vault, caller, clock, limits: LIMITS },
    ...r4Conformance(await loadDefinitions()),
    // References of a Consent are relative or somebody else's.
    baseUrl: '',
    access: {
      read: async () => ({ decision: 'deny', rules: [], visible: [] }),
      write: () => ({ decision: 'permit', rules: ['default:consent-document'], visible: [] }),
    },
    registration: { register: noPatients, registerMany: noPatients },
    reportFailure: (error) => log.error({ err: error }, 'keeping a consent failed'),
  };
}

async function noPatients(): Promise<never> {
  throw new Error('a Consent opens no account');
}

/** The kept Consent of a patient; undefined when there is none of that id. */
export async function keptConsent(
  { vault }: OrganisationContext,
  account: string,
  id: string,
): Promise<VersionRow | undefined> {
  const row = await vault.current('Consent', id);
  return row === undefined || row.deleted || row.account !== account ? undefined : row;
}

/** Notes which version a policy is granted by. Written before the grant: a link to a policy that never came harms nobody. */
export async function linkConsent({ vault }: OrganisationContext, policy: string, row: VersionRow): Promise<void> {
  await vault.putDocument(LINK_KIND, policy, canonicalBytes({ id: row.id, version: row.version }));
}

/** `Consent/id/_history/n` that a policy was granted by, to be read at /fhir, which decides and journals; undefined if not here. */
export async function consentReference({ vault }: OrganisationContext, policy: string): Promise<string | undefined> {
  const bytes = await vault.getDocument(LINK_KIND, policy);
  const link = bytes === undefined ? undefined : (parseCanonical(bytes) as { id: string; version: number } | undefined);
  return link === undefined ? undefined : `Consent/${link.id}/_history/${link.version}`;
}
