import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalBytes, type Json, parseCanonical } from '../../std/canonical-json.ts';
import { ASKED_LIMITS } from '../journal-leaf.ts';

/**
 * The receipt: one self-contained file that proves one statement of the ledger offline (DESIGN §3). Its bytes are
 * RFC 8785; anything unknown in it is refused, so that no two readers take it for different things. The format is
 * frozen: a later version gets another `format`, and a new consensus engine another `commit.kind`.
 */
export const RECEIPT_FORMAT = 'aceso.receipt/1';

/** Largest receipt that is parsed. A journal receipt of a ledger of 2^40 leaves takes about 20 KiB. */
export const MAX_RECEIPT_BYTES = 1024 * 1024;

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const AccountId = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]*$' });
const Index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
/** RFC 6962 path, from the leaf up. */
const Path = Type.Array(Hash, { maxItems: 64 });
const AnyJson = Type.Unsafe<Json>(Type.Unknown());

const SignerKey = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    algorithm: Type.Union([Type.Literal('ed25519'), Type.Literal('webauthn-es256')]),
    publicKey: Type.String({ pattern: '^(?:[0-9a-f]{2}){32,65}$' }),
    rpIdHash: Type.Optional(Hash),
    origin: Type.Optional(Type.String({ maxLength: 255 })),
  },
  strict,
);

const OutcomeLeaf = Type.Object(
  {
    id: Hash,
    height: Index,
    index: Index,
    timeMs: Index,
    signers: Type.Array(
      Type.Object(
        { account: AccountId, key: Hash, role: Type.Union([Type.Literal('sender'), Type.Literal('approver')]) },
        strict,
      ),
      { maxItems: 16 },
    ),
    code: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' }),
    data: Type.Record(Type.String(), AnyJson),
  },
  strict,
);

/** A transaction, its outcome's leaf and the leaf's path; `keys` are the signers' key records in the leaf's order. */
const TransactionProof = Type.Object(
  {
    wire: Base64url,
    keys: Type.Array(SignerKey, { maxItems: 16 }),
    leaf: OutcomeLeaf,
    leafIndex: Index,
    path: Path,
  },
  strict,
);

const VersionHeaderSchema = Type.Object(
  {
    account: AccountId,
    type: Type.String({ pattern: '^[A-Z][A-Za-z0-9]{0,63}$' }),
    id: Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' }),
    version: Type.Integer({ minimum: 1 }),
    action: Type.Union([Type.Literal('create'), Type.Literal('update'), Type.Literal('delete')]),
    timeMs: Index,
    author: AccountId,
    previous: Type.String({ pattern: '^(?:[0-9a-f]{64})?$' }),
  },
  strict,
);

const INTERACTION_OUTCOME = {
  kind: Type.Union([
    Type.Literal('read'),
    Type.Literal('release'),
    Type.Literal('receipt'),
    Type.Literal('refusal'),
    Type.Literal('break-glass'),
    Type.Literal('revocation'),
    Type.Literal('erasure'),
  ]),
  account: AccountId,
  timeMs: Index,
  actor: AccountId,
  organisation: AccountId,
  purpose: Type.String({ pattern: '^[A-Z]{1,16}$' }),
  decision: Type.Union([Type.Literal('permit'), Type.Literal('deny')]),
  rules: Type.Array(Type.String({ maxLength: 128 }), { maxItems: 256 }),
  versions: Type.Array(Hash, { maxItems: 4096 }),
  permit: Type.String({ pattern: '^(?:[0-9a-f]{64})?$' }),
} as const;

/** Of journal leaves of format 1 and of format 2. */
const InteractionHeaderSchema = Type.Union([
  Type.Object(INTERACTION_OUTCOME, strict),
  Type.Object(
    {
      ...INTERACTION_OUTCOME,
      client: Type.String({ pattern: `^[!-~]{0,${ASKED_LIMITS.client}}$` }),
      interaction: Type.String({ pattern: `^(?:\\$?[A-Za-z][A-Za-z0-9-]{0,${ASKED_LIMITS.interaction - 2}})?$` }),
      request: Type.String({ pattern: `^[!-~]{0,${ASKED_LIMITS.request}}$` }),
      query: Type.String({ pattern: `^[ -~]{0,${ASKED_LIMITS.query}}$` }),
    },
    strict,
  ),
]);

const Salt = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** What a journal leaf opens to. A version's salt and content hash make the receipt personal data. */
const JournalEntry = Type.Union([
  Type.Object({ kind: Type.Literal('version'), header: VersionHeaderSchema, contentHash: Hash, salt: Salt }, strict),
  Type.Object({ kind: Type.Literal('interaction'), header: InteractionHeaderSchema, salt: Salt }, strict),
]);

const Subject = Type.Union([
  Type.Object({ kind: Type.Literal('transaction'), transaction: TransactionProof }, strict),
  Type.Object(
    {
      kind: Type.Literal('journal'),
      custodian: AccountId,
      generation: Index,
      index: Index,
      entry: JournalEntry,
      path: Path,
      /** The `journal.anchor` transaction whose size and root the path leads to. */
      anchor: TransactionProof,
    },
    strict,
  ),
  Type.Object(
    {
      kind: Type.Literal('state'),
      /** Neither holds a slash, so that one place has one way to be written. */
      map: Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' }),
      key: Type.Array(Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$' }), { maxItems: 8 }),
      /** Hash of the key. One proof of absence serves many keys, and a damaged key shall not pass for another one. */
      keyHash: Hash,
      /** Absent when the receipt proves that there is nothing under the key. */
      value: Type.Optional(AnyJson),
      proof: AnyJson,
    },
    strict,
  ),
]);

export const ReceiptSchema = Type.Object(
  {
    format: Type.Literal(RECEIPT_FORMAT),
    subject: Subject,
    /** What app_hash is made of beside the head's log root and size. */
    app: Type.Object({ treeRoot: Hash, schema: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }) }, strict),
    head: Type.Object({ genesis: Hash, height: Index, logSize: Index, logRoot: Hash, appHash: Hash }, strict),
    /** Proves the head; its other members depend on the kind (commit.ts). */
    commit: Type.Intersect([
      Type.Object({ kind: Type.String({ maxLength: 32 }) }),
      Type.Record(Type.String(), AnyJson),
    ]),
    /** Witnesses' cosignatures of the head's log (c2sp.org/tlog-cosignature). */
    cosignatures: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1, maxLength: 255 }),
          type: Type.Literal('cosignature/v1'),
          timeS: Index,
          signature: Base64url,
        },
        strict,
      ),
      { maxItems: 64 },
    ),
    /** RFC 6962 consistency of an earlier log (a checkpoint that the reader holds) with the head's. */
    extends: Type.Optional(Type.Object({ logSize: Index, logRoot: Hash, path: Path }, strict)),
  },
  strict,
);

export type Receipt = Static<typeof ReceiptSchema>;
export type ReceiptSubject = Receipt['subject'];
export type TransactionProof = Static<typeof TransactionProof>;
export type JournalEntry = Static<typeof JournalEntry>;

/** Exact bytes of a receipt. Throws TypeError when it holds what canonical JSON cannot. */
export function receiptToBytes(receipt: Receipt): Uint8Array {
  return canonicalBytes(receipt as unknown as Json);
}

/** The receipt of exact bytes, unverified; undefined for other bytes, unknown members, or more than 1 MiB. */
export function parseReceipt(bytes: Uint8Array): Receipt | undefined {
  if (bytes.length > MAX_RECEIPT_BYTES) return undefined;
  const value = parseCanonical(bytes);
  return value !== undefined && Value.Check(ReceiptSchema, value) ? value : undefined;
}
