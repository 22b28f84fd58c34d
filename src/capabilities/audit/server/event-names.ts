import { labelOf } from '../../../auth/sign-in/people.ts';
import { systemAndCode } from '../../../fhir/search/token-forms.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import { isReject } from '../../../std/reject.ts';
import type { IndexQuery } from '../../../vault/index/index-query.ts';
import type { Vault, VersionRow } from '../../../vault/vault.ts';
import { ACCOUNT_SYSTEM } from '../../membership/contract/account-systems.ts';
import type { EventFacts } from './event-facts.ts';

/** What an account is called here, as far as it is known; for those who see the audit, never for the ledger. */
export interface EventNames {
  /** Id of the Patient resource of an account. */
  patient(account: string): string | undefined;
  /**
   * Somebody of this custodian's: as the administration named them when it hired them, else by the one Practitioner whose
   * identifier is the account. A name is no proof of who it was, so whoever shows it shows the account, too.
   */
  person(account: string): NamedPerson | undefined;
  organisation(account: string): string | undefined;
  /** `Consent/id/_history/n` by which a rule's policy was granted. */
  consent(rule: string): string | undefined;
}

interface NamedPerson {
  /** Of the Practitioner, where there is just one. */
  readonly id?: string;
  readonly display: string;
}

export const NO_NAMES: EventNames = {
  patient: () => undefined,
  person: () => undefined,
  organisation: () => undefined,
  consent: () => undefined,
};

export type ConsentOf = (organisation: OrganisationContext, policy: string) => Promise<string | undefined>;

/** Looks up what the accounts and rules of some facts are called: each once. */
export async function namesFor(
  organisation: OrganisationContext,
  facts: readonly EventFacts[],
  consentOf: ConsentOf,
): Promise<EventNames> {
  const { vault } = organisation;
  const patients = new Map<string, string>();
  const people = new Map<string, NamedPerson>();
  const consents = new Map<string, string>();
  const accounts = new Set(facts.map(({ account }) => account));
  accounts.delete(vault.custodian);
  const actors = new Set(facts.map(({ actor }) => actor));
  const policies = new Set(facts.flatMap(({ rules }) => rules.map(policyOf)));
  await Promise.all([
    ...[...accounts].map(async (account) => {
      const id = await patientIdOf(organisation, account);
      if (id !== undefined) patients.set(account, id);
    }),
    ...[...actors].map(async (actor) => {
      const person = await personOf(organisation, actor);
      if (person !== undefined) people.set(actor, person);
    }),
    ...[...policies].map(async (policy) => {
      const reference = policy === '' ? undefined : await consentOf(organisation, policy);
      if (reference !== undefined) consents.set(policy, reference);
    }),
  ]);
  return {
    patient: (account) => patients.get(account),
    person: (account) => people.get(account),
    organisation: (account) => (account === organisation.account ? organisation.name : undefined),
    consent: (rule) => consents.get(policyOf(rule)),
  };
}

/** Id of the Patient of an account; undefined when there is none, as after a deletion. */
export async function patientIdOf({ vault }: OrganisationContext, account: string): Promise<string | undefined> {
  return (await onlyOf(vault, { type: 'Patient', criteria: [{ kind: 'account', accounts: [account] }] }))?.id;
}

/** Undefined where there are several. Names are good to have: while the index is being built there are none. */
async function onlyOf(vault: Vault, query: Pick<IndexQuery, 'type' | 'criteria'>): Promise<VersionRow | undefined> {
  try {
    const [hit, other] = (await vault.find({ ...query, sort: [], limit: 2 })).hits;
    return other === undefined ? hit?.row : undefined;
  } catch (thrown) {
    if (isReject(thrown) && (thrown.code === 'INDEX_BUILDING' || thrown.code === 'TOO_COSTLY')) return undefined;
    throw thrown;
  }
}

/** Of two Practitioners with the same account neither names it. */
async function personOf({ vault }: OrganisationContext, account: string): Promise<NamedPerson | undefined> {
  const label = await labelOf(vault, account);
  const tokens = [{ parameter: 'identifier', value: systemAndCode(ACCOUNT_SYSTEM, account) }];
  const row = await onlyOf(vault, { type: 'Practitioner', criteria: [{ kind: 'token', tokens }] });
  if (row === undefined) return label === undefined ? undefined : { display: label };
  if (label !== undefined) return { id: row.id, display: label };
  const { name } = JSON.parse(utf8ToText(await vault.open(row))) as { name?: readonly PersonName[] };
  return { id: row.id, display: displayOf(name?.[0]) };
}

interface PersonName {
  readonly text?: string;
  readonly prefix?: readonly string[];
  readonly given?: readonly string[];
  readonly family?: string;
}

function displayOf(name: PersonName = {}): string {
  const parts = [...(name.prefix ?? []), ...(name.given ?? []), name.family ?? ''];
  return (name.text ?? parts.filter((part) => part !== '').join(' ')).slice(0, 200);
}

function policyOf(rule: string): string {
  return /^[0-9a-f]{64}#/.test(rule) ? rule.slice(0, 64) : '';
}
