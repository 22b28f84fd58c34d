import type { AuditEvent } from '@medplum/fhirtypes';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { aboutEntities } from './audit-entities.ts';
import type { AuditSearch } from './audit-search.ts';
import { type EventFacts, factsOf } from './event-facts.ts';
import { type ConsentOf, NO_NAMES, namesFor } from './event-names.ts';
import type { AuditSource } from './event-parts.ts';
import { hasDecision, renderDecision, renderEvent } from './render-event.ts';

/** Entries looked at for one page, and at a time. A page that finds fewer than asked for goes on behind its next link. */
const MOST_LOOKED_AT = 4000;
const STEP = 200;

/** How far an entry's place in the journal may be from that of its time: clocks, and requests side by side. */
export const DISORDER_MS = 5 * 60_000;

export interface AuditPage {
  readonly events: readonly AuditEvent[];
  readonly next?: string;
}

/** Events of an account, or of all, that a search asks for, newest first. Throws CURSOR_INVALID, AUDIT_PARAMETER_INVALID. */
export async function auditPage(
  organisation: OrganisationContext,
  source: AuditSource,
  account: string | undefined,
  search: Omit<AuditSearch, 'after'> & { readonly after: string | undefined },
  consentOf: ConsentOf,
): Promise<AuditPage> {
  const { vault } = organisation;
  const found: { readonly facts: EventFacts; readonly isDecision: boolean }[] = [];
  const isAbout = await aboutEntities(vault, source.fhirUrl, search.entities);
  let after = search.after ?? (await startOf(organisation, search));
  let next: string | undefined;
  for (let looked = 0; ; ) {
    const page = await vault.journalEntries(account, STEP, after);
    let [isOver, taken] = [false, 0];
    for (const entry of page.rows) {
      if (found.length >= search.count) break;
      taken += 1;
      const facts = factsOf(entry);
      isOver ||= facts.timeMs < search.fromMs - DISORDER_MS;
      for (const isDecision of search.wantsDecisions && hasDecision(facts) ? [false, true] : [false]) {
        const event = eventOf(facts, isDecision, source);
        if (search.matches(event, (value) => isAbout(value, facts))) found.push({ facts, isDecision });
      }
    }
    // Full before the end of what was read: the next page goes on behind the last entry that was taken.
    const rest = taken < page.rows.length ? (await vault.journalEntries(account, taken, after)).next : page.next;
    next = isOver ? undefined : rest;
    looked += page.rows.length;
    after = next;
    if (next === undefined || found.length >= search.count || looked >= MOST_LOOKED_AT) break;
  }
  const names = await namesFor(
    organisation,
    found.map(({ facts }) => facts),
    consentOf,
  );
  const events = found.map(({ facts, isDecision }) =>
    isDecision ? renderDecision(facts, names, source) : renderEvent(facts, names, source),
  );
  return { events, ...(next === undefined ? {} : { next }) };
}

/** What is looked for in an event is in it without names, but for resources that are named by reference. */
function eventOf(facts: EventFacts, isDecision: boolean, source: AuditSource): AuditEvent {
  return isDecision ? renderDecision(facts, NO_NAMES, source) : renderEvent(facts, NO_NAMES, source);
}

async function startOf(
  { vault, clock }: OrganisationContext,
  { untilMs }: Pick<AuditSearch, 'untilMs'>,
): Promise<string | undefined> {
  return untilMs >= clock() ? undefined : vault.journalBefore(untilMs + DISORDER_MS);
}
