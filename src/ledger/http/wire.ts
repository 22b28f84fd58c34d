import { type Static, Type } from 'typebox';
import { base64urlToBytes, bytesToBase64url } from '../../std/bytes.ts';
import type { SignedBlock } from '../signed-blocks.ts';
import type { LogEntry } from './log-entry.ts';

/** JSON forms of what nodes tell each other about the ledger. Unknown members are refused. */

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Signature = Type.String({ pattern: '^[0-9a-f]{128}$' });

const HeadForm = Type.Object({ genesis: Hash, height: Count, logSize: Count, logRoot: Hash, appHash: Hash }, strict);

const MisbehaviourForm = Type.Object(
  {
    kind: Type.Union([Type.Literal('duplicate-vote'), Type.Literal('light-client-attack')]),
    validator: Type.String({ pattern: '^[0-9a-f]{40}$' }),
    height: Count,
    timeMs: Count,
  },
  strict,
);

const SignedBlockForm = Type.Object(
  {
    timeMs: Count,
    /** Exact wire bytes, base64url. */
    transactions: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: 100_000 }), { maxItems: 10_000 }),
    misbehaviour: Type.Array(MisbehaviourForm, { maxItems: 1_000 }),
    head: HeadForm,
    signature: Signature,
  },
  strict,
);
type SignedBlockForm = Static<typeof SignedBlockForm>;

/** Most blocks in one answer. */
export const MAX_BLOCKS = 256;
/** Longest that a request for blocks waits for a new one, in milliseconds. */
export const MAX_WAIT_MS = 25_000;

/** Answer of `GET /ledger/blocks`: blocks, and the newest signed head. */
export const BlocksForm = Type.Object(
  { blocks: Type.Array(SignedBlockForm, { maxItems: MAX_BLOCKS }), head: HeadForm, signature: Signature },
  strict,
);
export type BlocksForm = Static<typeof BlocksForm>;

/** Most entries of the log in one answer. */
export const MAX_ENTRIES = 4096;

/** Answer of `GET /ledger/entries`: leaves of the log in order; those of outcomes with their transaction's wire bytes. */
export const EntriesForm = Type.Object(
  {
    entries: Type.Array(
      Type.Object(
        {
          leaf: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 400_000 }),
          wire: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 100_000 })),
        },
        strict,
      ),
      { maxItems: MAX_ENTRIES },
    ),
  },
  strict,
);
export type EntriesForm = Static<typeof EntriesForm>;

/** Answer of `GET /ledger/snapshots`. */
export const SnapshotsForm = Type.Object({ heights: Type.Array(Count, { maxItems: 64 }) }, strict);
export type SnapshotsForm = Static<typeof SnapshotsForm>;

/** Answer of `GET /ledger/head`, as `Ledger.signedHead`. What proves the head is for the receiver to check. */
export const SignedHeadForm = Type.Object(
  {
    head: HeadForm,
    commit: Type.Object({ kind: Type.String({ maxLength: 32 }) }),
    cosignatures: Type.Array(Type.Object({}), { maxItems: 64 }),
    timeMs: Count,
  },
  strict,
);

/** A transaction's place, as `Committed`. */
export const CommittedForm = Type.Object(
  {
    outcome: Type.Object(
      { id: Hash, code: Type.String({ maxLength: 64 }), data: Type.Record(Type.String(), Type.Unknown()) },
      strict,
    ),
    height: Count,
    index: Count,
    timeMs: Count,
    leafIndex: Count,
  },
  strict,
);

/** Body of `POST /ledger/transactions`. */
export const SubmitForm = Type.Object(
  { wire: Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 100_000 }) },
  strict,
);

export function signedBlockToForm({ block, head, signature }: SignedBlock): SignedBlockForm {
  const { timeMs, misbehaviour } = block;
  return {
    timeMs,
    transactions: block.transactions.map(bytesToBase64url),
    misbehaviour: [...misbehaviour],
    head,
    signature,
  };
}

/** The block of a form; undefined when its base64url is not exact. */
export function formToSignedBlock({
  timeMs,
  transactions,
  misbehaviour,
  head,
  signature,
}: SignedBlockForm): SignedBlock | undefined {
  const wires = transactions.map(base64urlToBytes);
  if (!wires.every((wire) => wire !== undefined)) return undefined;
  return { block: { height: head.height, timeMs, transactions: wires, misbehaviour }, head, signature };
}

/** The entry of a form; undefined when its base64url is not exact. */
export function formToLogEntry({ leaf, wire }: EntriesForm['entries'][number]): LogEntry | undefined {
  const [leafBytes, wireBytes] = [base64urlToBytes(leaf), wire === undefined ? undefined : base64urlToBytes(wire)];
  if (leafBytes === undefined || (wire !== undefined && wireBytes === undefined)) return undefined;
  return { leaf: leafBytes, ...(wireBytes === undefined ? {} : { wire: wireBytes }) };
}
