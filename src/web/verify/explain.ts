import type { JournalEntry } from '../../chain/receipt/receipt.ts';
import type { Statement } from '../../chain/receipt/subject.ts';
import type { ProvenTransaction } from '../../chain/receipt/transaction-proof.ts';
import type { Verdict } from '../../chain/receipt/verify.ts';
import { canonicalText } from '../../std/canonical-json.ts';
import { msToInstant } from '../../std/instant.ts';

/** What a receipt proves, in words for people who never saw a ledger. */
export interface Explanation {
  readonly headline: string;
  /** When and by whom, or where: what tells this receipt from its neighbours at a glance. */
  readonly context: string;
  /** Label and value; values in full, to be compared with other papers. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** What one has to trust for it. */
  readonly standing: readonly string[];
  readonly warnings: readonly string[];
}

/** Explains a verified receipt. */
export function explain(verdict: Verdict): Explanation {
  const { statement } = verdict;
  return { ...explainStatement(statement), standing: standingOf(verdict), warnings: warningsOf(verdict) };
}

type Told = Pick<Explanation, 'headline' | 'context' | 'facts'>;

function explainStatement(statement: Statement): Told {
  if (statement.kind === 'transaction') return explainTransaction(statement.transaction);
  if (statement.kind === 'state') {
    const { map, key, value } = statement;
    const context = `${map}/${key.join('/')}`;
    const place = ['Exact key', context] as const;
    if (value === undefined)
      return { headline: 'The ledger held nothing under this exact key', context, facts: [place] };
    return {
      headline: 'The ledger held a value under this key',
      context,
      facts: [place, ['Value', canonicalText(value)]],
    };
  }
  const { custodian, generation, index, entry, anchor } = statement;
  const told = explainEntry(entry);
  return {
    ...told,
    facts: [
      ...told.facts,
      ['Kept by custodian', custodian],
      ['Journal entry', `${index} of generation ${generation}`],
      ['On the ledger since', msToInstant(anchor.timeMs)],
    ],
  };
}

function explainTransaction({ id, message, code, sender, approvers, timeMs, data }: ProvenTransaction): Told {
  const isAccepted = code === 'OK';
  return {
    headline: isAccepted ? `The ledger accepted “${message.type}”` : `The ledger refused “${message.type}”: ${code}`,
    context: `${msToInstant(timeMs)}, by account ${short(sender)}`,
    facts: [
      ['Signed by', sender],
      ...[...new Set(approvers)].map((account) => ['Also signed by', account] as const),
      ['When', msToInstant(timeMs)],
      ['Outcome', Object.keys(data).length === 0 ? code : `${code} ${canonicalText(data)}`],
      ['Transaction', id],
    ],
  };
}

const ACTIONS = { create: 'was written', update: 'was written', delete: 'was deleted' } as const;

const INTERACTIONS: Readonly<Record<Extract<JournalEntry, { kind: 'interaction' }>['header']['kind'], string>> = {
  read: 'Records were read',
  release: 'Records were released to another organisation',
  receipt: 'A receipt was given out',
  refusal: 'Access to records was refused',
  'break-glass': 'Emergency access was used',
  revocation: 'A revocation was obeyed',
  erasure: 'Records were erased',
};

function explainEntry(entry: JournalEntry): Told {
  if (entry.kind === 'version') {
    const { type, id, version, action, timeMs, author, account } = entry.header;
    return {
      headline: `${type}/${id}, version ${version}, ${ACTIONS[action]}`,
      context: `${msToInstant(timeMs)}, by ${short(author)}, for account ${short(account)}`,
      facts: [
        ['When', msToInstant(timeMs)],
        ['By', author],
        ['Patient’s account', account],
        ['SHA-256 of content', entry.contentHash],
      ],
    };
  }
  const { kind, decision, purpose, actor, organisation, account, timeMs, versions, rules } = entry.header;
  return {
    headline: INTERACTIONS[kind],
    context: `${msToInstant(timeMs)}, by ${short(actor)} of ${short(organisation)} for ${purpose}, account ${short(account)}`,
    facts: [
      ['When', msToInstant(timeMs)],
      ['Who', actor],
      ['Of organisation', organisation],
      ['Patient’s account', account],
      ['Purpose', purpose],
      ['Decision', `${decision}${rules.length === 0 ? '' : `, by ${rules.join(', ')}`}`],
      ['Versions concerned', String(versions.length)],
    ],
  };
}

const CHECKPOINTS: Readonly<Record<Verdict['checkpoint'], readonly string[]>> = {
  none: [],
  same: ['It is of the very ledger state that your checkpoint names.'],
  extended: ['Its ledger is proved to go on from your checkpoint.'],
  'not tied': ['The receipt does not tie its ledger to your checkpoint; ask for one that does.'],
};

const UNSEEN = 'No witness has seen it:';
/** Who could rewrite the ledger unseen, by the kind of host. */
const REWRITERS: Readonly<Record<string, string>> = {
  embedded: 'whoever holds that key alone could have rewritten the ledger.',
  cometbft:
    'members with more than two thirds of the votes could have rewritten the ledger, together and not otherwise.',
};

function standingOf({ standing, operator, witnesses, checkpoint }: Verdict): string[] {
  const seen = witnesses.map(({ name, timeS }) => `Seen by ${name} at ${msToInstant(timeS * 1000)}.`);
  return [
    `Signed by ${standing}.`,
    ...(seen.length > 0 ? seen : [`${UNSEEN} ${REWRITERS[operator.kind] ?? 'its operators could have rewritten it.'}`]),
    ...CHECKPOINTS[checkpoint],
  ];
}

const VERSION_WARNING =
  'This receipt is personal data: it holds the salt and hash of a health record, so whoever has it can test a guess of its content. Guard it like the record.';
const INTERACTION_WARNING = 'This receipt is personal data: it tells who came near whose records, and when.';
function warningsOf({ statement }: Verdict): string[] {
  if (statement.kind !== 'journal') return [];
  return [statement.entry.kind === 'version' ? VERSION_WARNING : INTERACTION_WARNING];
}

/** The beginning of an account id; details have it in full. */
function short(account: string): string {
  return `${account.slice(0, 8)}…`;
}
