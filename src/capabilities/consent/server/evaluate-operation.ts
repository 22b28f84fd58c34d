import type { Consent, ParametersParameter } from '@medplum/fhirtypes';
import { randomBytes } from '#crypto/platform';
import { type Caller, isStaff } from '../../../auth/caller.ts';
import { askedBy } from '../../../fhir/asked.ts';
import { rejectFhir } from '../../../fhir/codes.ts';
import type { FhirContext, FhirResult } from '../../../fhir/context.ts';
import type { FhirOperation, OperationCall } from '../../../fhir/operations/operation.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { withState } from '../../../ledger/with-state.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import { isReject } from '../../../std/reject.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { accountTranslation } from '../api/account-translation.ts';
import { consentToPolicy } from '../api/consent-to-policy.ts';
import { type Decision, type DecisionRequest, decide, type Relation } from '../contract/decide.ts';
import type { VersionFacts } from '../contract/match.ts';
import type { Policy } from '../contract/policy.ts';
import { BREAK_GLASS } from '../contract/purposes.ts';
import { relationOf } from '../contract/queries.ts';
import { policiesOf } from '../contract/state.ts';
import { type TagKind, tag } from '../contract/tags.ts';
import { reject } from './codes.ts';
import { consentReference } from './consent-document.ts';
import { type EvaluateInput, evaluateInput } from './evaluate-input.ts';

/** Rules by which somebody may ask what policy would say. */
const OWN_POLICY = 'default:own-policy';
const OVERSIGHT = 'default:privacy-oversight';
const NOT_ENTITLED = 'default:not-entitled';

export interface EvaluateDependencies {
  readonly organisations: readonly OrganisationContext[];
  readonly ledger: Ledger;
  /** Policies whose end a custodian obeys before the ledger has it. */
  readonly revokedLocally: (custodian: string, account: string) => Promise<ReadonlySet<string>>;
  /** What a decision looks at of a stored version: the same as where versions are read. */
  readonly versionFacts: (row: VersionRow, tagger: { tag(kind: TagKind, code: string): string }) => VersionFacts;
  /** Role code of staff who watch over privacy. */
  readonly officerRole: string;
}

/**
 * `Consent/$evaluate` and `Consent/[id]/$evaluate`: what the decision function would say to an asker, with the rules
 * that make the decision and the obligations that come with it. On the type all policy of the patient's account counts,
 * on an instance that Consent alone. For the patient, and for the custodian's administration and privacy officers.
 * Nothing is released; that somebody asked is journalled.
 *
 * Asked for a resource, its current version is decided. Asked for categories or labels, a version that has these and no
 * others. Asked for neither, whether any version could be permitted, which `evaluate-versions` then says.
 */
export function createEvaluateOperation(deps: EvaluateDependencies): FhirOperation {
  return {
    name: '$evaluate',
    definition: 'urn:aceso:operation:consent-evaluate',
    on: ['type', 'instance'],
    types: ['Consent'],
    get: true,
    run: (context, call) => evaluate(deps, context, call),
  };
}

async function evaluate(deps: EvaluateDependencies, context: FhirContext, call: OperationCall): Promise<FhirResult> {
  const input = evaluateInput(call, context.baseUrl);
  const organisation = organisationOf(deps.organisations, context.caller.custodian);
  const consent = call.id === undefined ? undefined : await consentRow(context, call.id);
  const account = await accountAsked(context, input, consent);
  const rule = entitlement(context.caller, account, deps.officerRole);
  if (rule === undefined || account === undefined) {
    if (account !== undefined) await journal(context, account, undefined, []);
    // Whoever is not entitled learns nothing of who is a patient here, nor of which Consents there are.
    if (consent !== undefined) throw rejectFhir('NOT_FOUND');
    throw reject(rule === undefined ? 'CONSENT_CALLER_NOT_ENTITLED' : 'CONSENT_PATIENT_UNKNOWN');
  }
  const resource = await resourceRow(context, input, account);
  const request = await requestOf(deps, organisation, input, account, resource);
  const { policies, note } =
    consent === undefined
      ? { policies: await policiesInForce(deps, organisation, account), note: undefined }
      : await policiesOfConsent(organisation, account, consent);
  const decision = decide(policies, request);
  await journal(
    context,
    account,
    rule,
    [consent, resource].flatMap((row) => (row === undefined ? [] : [row.leaf])),
  );
  const notes = [note, input.purpose === BREAK_GLASS ? BREAK_GLASS_NOTE : undefined];
  const parameter = await answerParts(organisation, decision, resource, notes);
  return { status: 200, body: JSON.stringify({ resourceType: 'Parameters', parameter }) };
}

const BREAK_GLASS_NOTE = 'Break-glass takes an act of the asker for this patient as well, within its time.';

async function consentRow({ vault, caller }: FhirContext, id: string): Promise<VersionRow> {
  const row = await vault.current('Consent', id);
  // A Consent about nobody is the custodian's own record, and no policy.
  if (row === undefined || row.deleted || row.erased || row.account === caller.custodian) throw rejectFhir('NOT_FOUND');
  return row;
}

/** The account that is asked about; undefined for a patient who is not here. */
async function accountAsked(
  { vault }: FhirContext,
  { patient }: EvaluateInput,
  consent: VersionRow | undefined,
): Promise<string | undefined> {
  if (patient === undefined) {
    if (consent === undefined) throw rejectFhir('PARAMETER_INVALID', { parameter: 'patient' });
    return consent.account;
  }
  const account = await vault.accountOf('Patient', patient);
  if (consent !== undefined && account !== consent.account) throw rejectFhir('NOT_FOUND');
  return account;
}

/** The rule by which the caller may ask about the account; undefined when there is none. */
function entitlement(caller: Caller, account: string | undefined, officerRole: string): string | undefined {
  if (caller.kind === 'patient') return caller.account === account ? OWN_POLICY : undefined;
  return isStaff(caller) && (caller.kind === 'system' || caller.roles.includes(officerRole)) ? OVERSIGHT : undefined;
}

async function resourceRow(
  { vault }: FhirContext,
  { resource }: EvaluateInput,
  account: string,
): Promise<VersionRow | undefined> {
  if (resource === undefined) return undefined;
  const row = await vault.current(resource.type, resource.id);
  // Another patient's is as if it were not there.
  if (row === undefined || row.deleted || row.erased || row.account !== account)
    throw rejectFhir('PARAMETER_INVALID', { parameter: 'resource' });
  return row;
}

async function requestOf(
  { ledger, versionFacts }: EvaluateDependencies,
  { account: custodian, vault, clock }: OrganisationContext,
  input: EvaluateInput,
  account: string,
  resource: VersionRow | undefined,
): Promise<DecisionRequest> {
  const { accounts, roles, organisation = custodian, purpose, otherPurposes, categories, labels } = input;
  const tagKey = await vault.tagKey(account);
  const tagger = { tag: (kind: TagKind, code: string) => tag(tagKey, kind, code) };
  const tags = (kind: TagKind, codes: readonly string[]) => codes.map((code) => tagger.tag(kind, code));
  // As where versions are read: the later of both, so that nothing lives longer than it should.
  const atMs = Math.max(ledger.head().timeMs, clock());
  const asker = {
    ...{ atMs, purpose, organisation, relation: relationOfAny(ledger, account, accounts, atMs) },
    ...{ purposeTags: tags('purpose', otherPurposes), actorTags: tags('actor', [...accounts, ...roles]) },
  };
  if (resource !== undefined) return { ...asker, versions: [versionFacts(resource, tagger)] };
  if (categories === undefined && labels === undefined) return { ...asker, scope: {} };
  const version: VersionFacts = {
    categoryTags: tags('category', categories ?? []),
    labelTags: tags('label', labels ?? []),
    dataTags: [],
    authoredMs: atMs,
  };
  return { ...asker, versions: [version] };
}

function relationOfAny(ledger: Ledger, account: string, askers: readonly string[], atMs: number): Relation {
  const relations = withState(ledger, (state) => askers.map((asker) => relationOf(state, account, asker, atMs)));
  return (['self', 'delegate'] as const).find((one) => relations.includes(one)) ?? 'other';
}

async function policiesInForce(
  { ledger, revokedLocally }: EvaluateDependencies,
  { account: custodian }: OrganisationContext,
  account: string,
): Promise<readonly Policy[]> {
  const revoked = await revokedLocally(custodian, account);
  const held = withState(ledger, (state) => policiesOf(state, account));
  return held.map((policy) => (revoked.has(policy.id) ? { ...policy, status: 'revoked' } : policy));
}

/** A Consent as the policy it would be, by the leaf of its version; none where it is no policy, with the reason. */
async function policiesOfConsent(
  { vault }: OrganisationContext,
  account: string,
  row: VersionRow,
): Promise<{ policies: readonly Policy[]; note: string | undefined }> {
  const consent = JSON.parse(utf8ToText(await vault.open(row))) as Consent;
  const translation = accountTranslation(await vault.tagKey(account), randomBytes);
  try {
    const content = consentToPolicy(consent, translation);
    const policy: Policy = { ...content, id: row.leaf, status: 'active', grantor: account, sequence: 0 };
    return { policies: [policy], note: undefined };
  } catch (thrown) {
    if (!isReject(thrown)) throw thrown;
    return { policies: [], note: thrown.message };
  }
}

/** A refusal when no rule lets the caller ask. */
async function journal(
  { vault, caller, clock, asked }: FhirContext,
  account: string,
  rule: string | undefined,
  versions: readonly string[],
): Promise<void> {
  const { account: actor, organisation, purpose } = caller;
  const about = { account, timeMs: clock(), actor, organisation, purpose, versions, permit: '' };
  const entry = { ...about, ...askedBy(caller, asked) };
  await vault.journal([
    rule === undefined
      ? { ...entry, kind: 'refusal', decision: 'deny', rules: [NOT_ENTITLED] }
      : { ...entry, kind: 'read', decision: 'permit', rules: [rule] },
  ]);
}

async function answerParts(
  organisation: OrganisationContext,
  { decision, rules, obligations }: Decision,
  resource: VersionRow | undefined,
  notes: readonly (string | undefined)[],
): Promise<ParametersParameter[]> {
  const parts: ParametersParameter[] = [{ name: 'decision', valueCode: decision }];
  for (const rule of rules) {
    const [policy = ''] = rule.split('#');
    const consent = policy.startsWith('default:') ? undefined : await consentReference(organisation, policy);
    const granted = consent === undefined ? [] : [{ name: 'consent', valueReference: { reference: consent } }];
    parts.push({ name: 'rule', part: [{ name: 'id', valueString: rule }, ...granted] });
  }
  for (const obligation of obligations) parts.push({ name: 'obligation', valueCode: obligation });
  if (resource !== undefined) {
    const { type, id, version } = resource;
    parts.push({ name: 'version', valueUri: `${type}/${id}/_history/${version}` });
  }
  for (const note of notes) if (note !== undefined) parts.push({ name: 'note', valueString: note });
  return parts;
}
