import { canonicalText, type Json } from '../../std/canonical-json.ts';
import { msToInstant } from '../../std/instant.ts';
import type { Asked } from '../journal-leaf.ts';
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
    return [
      value === undefined
        ? `the ledger held nothing under the exact key ${place}`
        : `the ledger held under ${place}: ${canonicalText(value)}`,
    ];
  }
  const { custodian, generation, index, entry, anchor, content } = statement;
  return [
    ...entryLines(entry),
    `entry ${index} of journal generation ${generation} of custodian ${custodian}, anchored ${msToInstant(anchor.timeMs)}`,
    ...(content === 'matches' ? ['the given content is the content that was written'] : []),
  ];
}

function transactionText({ id, message, code, data, sender, approvers, timeMs }: ProvenTransaction): string {
  const approved = approvers.length === 0 ? '' : `, approved by ${approvers.join(', ')}`;
  const decided = typeof data.decision === 'string' ? `: ${data.decision}${rulesText(data.rules)}` : '';
  const outcome = decided === '' || code !== 'OK' ? `: ${code}` : decided;
  return `${message.type} by ${sender}${approved}${outcome}, ${msToInstant(timeMs)} (transaction ${id.slice(0, 16)}\u2026)`;
}

function rulesText(rules: Json | undefined): string {
  const names = Array.isArray(rules) ? rules.filter((rule) => typeof rule === 'string') : [];
  return names.length === 0 ? '' : ` by ${names.map(shortRule).join(', ')}`;
}

/** A rule with a policy's id cut down to what people can tell apart; the receipt holds it whole. */
function shortRule(rule: string): string {
  return rule.replace(/^([0-9a-f]{12})[0-9a-f]{52}(?=#)/, '$1\u2026');
}

function entryLines(entry: JournalEntry): string[] {
  if (entry.kind === 'version') {
    const { type, id, version, action, timeMs, author, account } = entry.header;
    return [
      `${action} of ${type}/${id} version ${version} for account ${account} by ${author}, ${msToInstant(timeMs)}`,
    ];
  }
  const { header } = entry;
  const { kind, decision, purpose, actor, organisation, account, timeMs, versions, rules } = header;
  return [
    `${kind} for ${purpose}: ${decision}, by ${actor} of ${organisation}, on account ${account}, ${msToInstant(timeMs)}`,
    `${versions.length} ${versions.length === 1 ? 'version' : 'versions'}; rules ${rules.length === 0 ? 'none' : rules.map(shortRule).join(', ')}`,
    ...('client' in header ? askedLines(header) : []),
  ];
}

function askedLines({ client, interaction, request, query }: Asked): string[] {
  const parts = [
    ...(interaction === '' ? [] : [query === '' ? interaction : `${interaction} of ${query}`]),
    ...(client === '' ? [] : [`by app ${client}`]),
    ...(request === '' ? [] : [`request ${request}`]),
  ];
  return parts.length === 0 ? [] : [`asked as ${parts.join(', ')}`];
}
