import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { ACCOUNT_SYSTEM } from '../../membership/contract/account-systems.ts';
import { practitioners } from '../../membership/contract/state.ts';
import { type AccessFact, type ActorFacts, type Anomaly, findAnomalies, type SubjectFacts } from './anomalies.ts';
import { DISORDER_MS } from './audit-page.ts';
import { factsOf } from './event-facts.ts';
import { type PersonFacts, personFacts } from './person-facts.ts';

/** Most entries, patients and practitioners that one list is made of. What was left out is said with the answer. */
const MOST_ENTRIES = 20_000;
const MOST_SUBJECTS = 2000;
const MOST_STAFF = 1000;
const STEP = 500;

/** HL7 v3 ActCode of persons of public interest, and what is in use for the same. */
const VIP_LABELS: ReadonlySet<string> = new Set(
  ['VIP', 'CEL'].map((code) => `http://terminology.hl7.org/CodeSystem/v3-ActCode|${code}`),
);

export interface AnomalyReport {
  readonly anomalies: readonly (Anomaly & { readonly patient?: string })[];
  /** The window that was looked at: it begins later than asked for where the journal holds too much. */
  readonly fromMs: number;
  readonly untilMs: number;
  readonly entries: number;
  /** Patients and staff were all compared. */
  readonly isWhole: boolean;
}

/** Anomalies among what the journal holds of a window. Reads at most `MOST_ENTRIES` entries, newest first. */
export async function anomaliesOf(
  organisation: OrganisationContext,
  window: { readonly fromMs: number; readonly untilMs: number },
): Promise<AnomalyReport> {
  const { accesses, fromMs, entries } = await accessesWithin(organisation, window);
  const staff = await staffOf(organisation);
  const accounts = [...new Set(accesses.map(({ account }) => account))];
  const compared = accounts.slice(0, MOST_SUBJECTS);
  const patients = await patientsOf(organisation, compared);
  const subjects = new Map(
    [...patients].map(([account, { row, person, relatives }]) => [
      account,
      subjectOf(row, person, relatives, staff.people),
    ]),
  );
  const actors = actorsOf(organisation, accesses, staff.people);
  const anomalies = findAnomalies({ accesses, actors, subjects }).map((one) => {
    const patient = one.account === undefined ? undefined : patients.get(one.account)?.row.id;
    return patient === undefined ? one : { ...one, patient };
  });
  const isWhole = compared.length === accounts.length && staff.isWhole;
  return { anomalies, fromMs, untilMs: window.untilMs, entries, isWhole };
}

/** Looks of people at patients; what systems do and what patients do with their own is nobody's curiosity. */
async function accessesWithin(
  { vault, account: custodian, clock }: OrganisationContext,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): Promise<{ accesses: readonly AccessFact[]; fromMs: number; entries: number }> {
  const accesses: AccessFact[] = [];
  let after = untilMs >= clock() ? undefined : await vault.journalBefore(untilMs + DISORDER_MS);
  let [entries, oldestMs] = [0, untilMs];
  for (;;) {
    const page = await vault.journalEntries(undefined, STEP, after);
    let isOver = page.next === undefined;
    for (const entry of page.rows) {
      const { kind, account, actor, organisation, timeMs, decision, purpose } = factsOf(entry);
      isOver ||= timeMs < fromMs - DISORDER_MS;
      oldestMs = Math.min(oldestMs, timeMs);
      const isLook = kind === 'read' || kind === 'refusal' || kind === 'receipt' || kind === 'break-glass';
      const isPersons = actor !== organisation && actor !== account && account !== custodian;
      if (!isLook || !isPersons || timeMs < fromMs || timeMs > untilMs) continue;
      const breakGlass = kind === 'break-glass' || (purpose === 'BTG' && decision === 'permit');
      accesses.push({ actor, account, atMs: timeMs, refused: decision === 'deny', breakGlass });
    }
    entries += page.rows.length;
    if (isOver) return { accesses, fromMs, entries };
    if (entries >= MOST_ENTRIES) return { accesses, fromMs: Math.max(fromMs, oldestMs), entries };
    after = page.next;
  }
}

async function staffOf({ vault }: OrganisationContext) {
  const { hits, more } = await vault.find({ type: 'Practitioner', criteria: [], sort: [], limit: MOST_STAFF });
  const people: PersonFacts[] = [];
  for (const { row } of hits) people.push(personFacts(utf8ToText(await vault.open(row))));
  return { people, isWhole: !more };
}

interface Patient {
  readonly row: VersionRow;
  readonly person: PersonFacts;
  readonly relatives: readonly PersonFacts[];
}

async function patientsOf(
  { vault }: OrganisationContext,
  accounts: readonly string[],
): Promise<ReadonlyMap<string, Patient>> {
  const found = new Map<string, Patient>();
  for (const account of accounts) {
    const criteria = [{ kind: 'account', accounts: [account] } as const];
    const { hits } = await vault.find({ type: 'Patient', criteria, sort: [], limit: 1 });
    const row = hits[0]?.row;
    if (row === undefined) continue;
    const related = await vault.find({ type: 'RelatedPerson', criteria, sort: [], limit: 20 });
    const relatives: PersonFacts[] = [];
    for (const hit of related.hits) relatives.push(personFacts(utf8ToText(await vault.open(hit.row))));
    found.set(account, { row, person: personFacts(utf8ToText(await vault.open(row))), relatives });
  }
  return found;
}

function subjectOf(
  { labels }: VersionRow,
  person: PersonFacts,
  relatives: readonly PersonFacts[],
  staff: readonly PersonFacts[],
): SubjectFacts {
  const isSame = (one: PersonFacts): boolean =>
    (person.nameAndBirth !== undefined && one.nameAndBirth === person.nameAndBirth) ||
    one.identifiers.some((identifier) => person.identifiers.includes(identifier));
  return {
    families: person.families,
    addresses: person.addresses,
    relatives: [...person.contacts, ...relatives.flatMap(({ families }) => families)],
    isStaff: staff.some(isSame),
    isVip: labels.some((label) => VIP_LABELS.has(label)),
  };
}

/** Roles as the ledger attests them; who somebody is by the Practitioner that has the account as an identifier. */
function actorsOf(
  { ledger }: OrganisationContext,
  accesses: readonly AccessFact[],
  staff: readonly PersonFacts[],
): ReadonlyMap<string, ActorFacts> {
  const actors = [...new Set(accesses.map(({ actor }) => actor))];
  const roles = withState(
    ledger,
    (state) => new Map(actors.map((actor) => [actor, state.get(practitioners, actor)?.roleCodes ?? []])),
  );
  return new Map(
    actors.map((actor) => {
      const [person, other] = staff.filter(({ identifiers }) => identifiers.includes(`${ACCOUNT_SYSTEM}|${actor}`));
      // Of two Practitioners with the same account neither says who it is.
      const { families = [], addresses = [] } = other === undefined ? (person ?? {}) : {};
      return [actor, { roles: roles.get(actor) ?? [], families, addresses }];
    }),
  );
}
