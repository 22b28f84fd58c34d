import type { OrganisationContext } from '../../../server/organisation.ts';
import { msToInstant } from '../../../std/instant.ts';
import { ruleText } from '../../consent/contract/rule-text.ts';
import { DISORDER_MS } from './audit-page.ts';
import { deliveryEndpoints } from './delivery-endpoints.ts';
import { type EventFacts, eventId, factsOf } from './event-facts.ts';
import { type ConsentOf, type EventNames, namesFor } from './event-names.ts';

/*
 * An accounting of disclosures (45 CFR 164.528(b)): for each its date, who received it and on whose behalf, what it was
 * of, and for what purpose. The law leaves out what was for treatment, payment and operations, and what the patient saw
 * herself; here all is listed, and each line says whether it is one that the law asks for.
 */

/** Most lines of one report; a longer one is asked for in spans. */
const MOST_LINES = 10_000;
const STEP = 500;
/** 45 CFR 164.528(a)(1): six years before the day on which it is asked for. */
const YEARS = 6;

export interface AccountingLine {
  /** Id of the AuditEvent. */
  readonly event: string;
  readonly date: string;
  readonly who: string;
  readonly organisation: string;
  /** App that asked. */
  readonly app: string;
  readonly purpose: string;
  readonly what: string;
  readonly why: string;
  readonly decision: 'permit' | 'deny';
  /** What 45 CFR 164.528 asks to be accounted for. */
  readonly isDisclosure: boolean;
}

export interface AccountingReport {
  readonly patient: string;
  readonly custodian: string;
  readonly start: string;
  readonly end: string;
  readonly lines: readonly AccountingLine[];
  /** False when there is more: ask again with `end` at the date of the last line. */
  readonly isWhole: boolean;
}

/** The accounting of a patient from `fromMs` to `untilMs`, newest first; the last six years where they are not given. */
export async function accountingReport(
  organisation: OrganisationContext,
  patient: { readonly id: string; readonly account: string },
  span: { readonly fromMs: number | undefined; readonly untilMs: number | undefined },
  consentOf: ConsentOf,
): Promise<AccountingReport> {
  const { vault, clock, name } = organisation;
  const untilMs = span.untilMs ?? clock();
  const fromMs = span.fromMs ?? yearsBefore(untilMs);
  const facts: EventFacts[] = [];
  let after: string | undefined = await vault.journalBefore(untilMs + DISORDER_MS);
  let isWhole = true;
  for (let isOver = false; !isOver; ) {
    const page = await vault.journalEntries(patient.account, STEP, after);
    for (const entry of page.rows) {
      const one = factsOf(entry);
      isOver ||= one.timeMs < fromMs - DISORDER_MS;
      if (one.timeMs >= fromMs && one.timeMs <= untilMs) facts.push(one);
    }
    after = page.next;
    isOver ||= after === undefined;
    if (facts.length >= MOST_LINES) [isWhole, isOver] = [isOver && facts.length === MOST_LINES, true];
  }
  const listed = facts.slice(0, MOST_LINES);
  const names = await namesFor(organisation, listed, consentOf);
  const endpointOf = await deliveryEndpoints(vault, listed);
  return {
    ...{ patient: patient.id, custodian: name, start: msToInstant(fromMs), end: msToInstant(untilMs) },
    lines: listed.map((one) => lineOf(one, names, organisation.account, endpointOf(one))),
    isWhole,
  };
}

function lineOf(facts: EventFacts, names: EventNames, custodian: string, endpoint: string | undefined): AccountingLine {
  const { timeMs, purpose, decision, rules } = facts;
  return {
    event: eventId(facts),
    date: msToInstant(timeMs),
    who: endpoint === undefined ? whoText(facts, names) : `${endpoint}, asked for by ${whoText(facts, names)}`,
    organisation: organisationText(facts, names),
    app: appText(facts),
    purpose: purposeText(purpose),
    what: whatText(facts),
    why: rules.length === 0 ? '' : rules.slice(0, 8).map(ruleText).join(' '),
    decision,
    isDisclosure: isDisclosure(facts, custodian, endpoint !== undefined),
  };
}

function whoText({ actor, account, organisation }: EventFacts, names: EventNames): string {
  if (actor === account) return 'the patient';
  const display = names.person(actor)?.display ?? '';
  if (display !== '') return `${display} (account ${actor})`;
  return actor === organisation ? 'a system of the organisation' : `account ${actor}`;
}

function organisationText({ organisation }: EventFacts, names: EventNames): string {
  if (organisation === '') return 'not recorded';
  return names.organisation(organisation) ?? `account ${organisation}`;
}

function appText({ client }: EventFacts): string {
  if (client === undefined) return 'not recorded';
  return client === '' ? 'none: a token that the organisation issued' : client;
}

const PURPOSE_TEXTS: Readonly<Record<string, string>> = {
  TREAT: 'treatment',
  ETREAT: 'emergency treatment',
  BTG: 'emergency: the glass was broken',
  HPAYMT: 'payment',
  HOPERAT: 'healthcare operations',
  HRESCH: 'research',
  PATRQT: 'request of the patient',
  PUBHLTH: 'public health',
};

function purposeText(purpose: string): string {
  if (purpose === '') return 'not recorded';
  const text = PURPOSE_TEXTS[purpose];
  return text === undefined ? purpose : `${text} (${purpose})`;
}

/** What was looked at, in words; the versions themselves are named in the AuditEvent and its receipt. */
export function whatText({ kind, decision, interaction, path, parameters, leaves }: EventFacts): string {
  const versions = `${leaves.length} ${leaves.length === 1 ? 'version' : 'versions'}`;
  const name = interaction === '' ? kind : interaction;
  const by = parameters === '' ? '' : ` by ${parameters.split('&').join(', ')}`;
  const of = path === '' ? '' : ` of ${path}`;
  const did = `${kind === 'read' || kind === 'write' ? name : `${kind}${interaction === '' ? '' : ` (${interaction})`}`}${of}${by}`;
  return decision === 'deny' ? `refused: ${did}` : kind === 'write' ? did : `${did}, ${versions}`;
}

/** Purposes that the law exempts (45 CFR 164.528(a)(1)(i)), and what goes to the individual herself. */
const EXEMPT: ReadonlySet<string> = new Set(['TREAT', 'ETREAT', 'BTG', 'HPAYMT', 'HOPERAT', 'PATRQT']);

function isDisclosure(
  { kind, organisation, actor, account, decision, purpose }: EventFacts,
  custodian: string,
  isSent: boolean,
): boolean {
  const hasLeft = kind === 'release' || isSent || (kind === 'read' && organisation !== custodian);
  return hasLeft && decision === 'permit' && actor !== account && !EXEMPT.has(purpose);
}

function yearsBefore(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear() - YEARS, date.getUTCMonth(), date.getUTCDate());
}
