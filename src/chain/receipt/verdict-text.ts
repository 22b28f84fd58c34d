import { canonicalText } from '../../std/canonical-json.ts';
import { msToInstant } from '../../std/instant.ts';
import type { JournalEntry } from './receipt.ts';
import type { Statement } from './subject.ts';
import type { ProvenTransaction } from './transaction-proof.ts';
import type { Verdict } from './verify.ts';

/** What a verified receipt says, in sentences for people; the same on the command line and on the verify page. */
export function verdictLines({ statement, head, standing, witnesses, checkpoint }: Verdict): string[] {
  return [
    ...statementLines(statement),
    `stands behind it: ${standing}, ${witnessText(witnesses)}`,
    `ledger ${head.genesis.slice(0, 16)}…, height ${head.height}, log of ${head.logSize} entries${CHECKPOINT_TEXT[checkpoint]}`,
  ];
}

const CHECKPOINT_TEXT: Readonly<Record<Verdict['checkpoint'], string>> = {
  none: '',
  same: '; it is the log of your checkpoint',
  extended: '; its log extends that of your checkpoint',
  'not tied': '; the receipt does not tie its log to your checkpoint, ask for one that does',
};

function witnessText(witnesses: Verdict['witnesses']): string {
  if (witnesses.length === 0) return 'no witness';
  return `seen by ${witnesses.map(({ name, timeS }) => `${name} at ${msToInstant(timeS * 1000)}`).join(', ')}`;
}

function statementLines(statement: Statement): string[] {
  if (statement.kind === 'transaction') return [transactionText(statement.transaction)];
  if (statement.kind === 'state') {
    const { map, key, value } = statement;
    const place = `${map}/${key.join('/')}`;
    return [value === undefined ? `the ledger held nothing under ${place}` : `the ledger held under ${place}: ${canonicalText(value)}`];
  }
  const { custodian, generation, index, entry, anchor, content } = statement;
  return [
    ...entryLines(entry),
    `entry ${index} of journal generation ${generation} of custodian ${custodian}, anchored ${msToInstant(anchor.timeMs)}`,
    ...(content === 'matches' ? ['the given content is the content that was written'] : []),
  ];
}

function transactionText({ id, message, code, sender, approvers, timeMs }: ProvenTransaction): string {
  const approved = approvers.length === 0 ? '' : `, approved by ${approvers.join(', ')}`;
  return `${message.type} by ${sender}${approved}: ${code}, ${msToInstant(timeMs)} (transaction ${id.slice(0, 16)}…)`;
}

function entryLines(entry: JournalEntry): string[] {
  if (entry.kind === 'version') {
    const { type, id, version, action, timeMs, author, account } = entry.header;
    return [`${action} of ${type}/${id} version ${version} for account ${account} by ${author}, ${msToInstant(timeMs)}`];
  }
  const { kind, decision, purpose, actor, organisation, account, timeMs, versions, rules } = entry.header;
  return [
    `${kind} for ${purpose}: ${decision}, by ${actor} of ${organisation}, on account ${account}, ${msToInstant(timeMs)}`,
    `${versions.length} ${versions.length === 1 ? 'version' : 'versions'}; rules ${rules.length === 0 ? 'none' : rules.join(', ')}`,
  ];
}
