import { sha256 } from '#crypto/platform';
import type { InteractionHeader } from '../../../chain/journal-leaf.ts';
import { askedBy } from '../../../fhir/asked.ts';
import type { JournalLook } from '../../../server/journal-look.ts';
import { bytesToHex, utf8 } from '../../../std/bytes.ts';

/** The same question within this time is one look: a page that renews itself fills no journal. */
const SAME_LOOK_MS = 60_000;
const MOST_REMEMBERED = 10_000;

/** Journals looks at the audit, and remembers those of the last minute. */
export function createJournalLook(): JournalLook {
  const seen = new Map<string, number>();
  return async ({ vault, clock }, caller, { account, rule, asked, question = '' }) => {
    const timeMs = clock();
    const { account: actor, organisation, purpose, client = '' } = caller;
    const { interaction, query } = asked;
    const who = [vault.custodian, actor, organisation, purpose, client];
    const look = bytesToHex(sha256(utf8(JSON.stringify([...who, account, rule ?? '', interaction, query, question]))));
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
