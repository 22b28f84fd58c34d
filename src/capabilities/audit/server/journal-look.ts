import type { Caller } from '../../../auth/caller.ts';
import type { InteractionHeader } from '../../../chain/journal-leaf.ts';
import { askedBy } from '../../../fhir/asked.ts';
import type { AskedInteraction } from '../../../fhir/context.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';

/** Looks at the audit by one actor at one account within this time are one look: a page that renews itself fills no journal. */
const SAME_LOOK_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/** Journals that somebody looked at the audit of an account, or of the whole custodian under its own account. */
export type JournalLook = (
  organisation: OrganisationContext,
  caller: Caller,
  look: {
    readonly account: string;
    /** By which rule it was shown; undefined for a refusal. */
    readonly rule?: string;
    readonly asked: AskedInteraction;
  },
) => Promise<void>;

export function createJournalLook(): JournalLook {
  const seen = new Map<string, number>();
  return async ({ vault, clock }, caller, { account, rule, asked }) => {
    const timeMs = clock();
    const { account: actor, organisation, purpose } = caller;
    const look = [vault.custodian, account, actor, purpose, rule ?? '', asked.interaction].join(' ');
    const before = seen.get(look);
    if (before !== undefined && timeMs >= before && timeMs - before < SAME_LOOK_MS) return;
    const about = {
      account,
      timeMs,
      actor,
      organisation,
      purpose,
      versions: [],
      permit: '',
      ...askedBy(caller, asked),
    };
    const entry: InteractionHeader =
      rule === undefined
        ? { ...about, kind: 'refusal', decision: 'deny', rules: ['default:not-entitled'] }
        : { ...about, kind: 'read', decision: 'permit', rules: [rule] };
    await vault.journal([entry]);
    if (seen.size >= MOST_REMEMBERED) seen.clear();
    seen.set(look, timeMs);
  };
}
