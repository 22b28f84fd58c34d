import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import { MAX_VALIDATOR_POWER } from '../validators.ts';
import { CODES } from './codes.ts';
import { TIME_PATTERN } from './timestamp.ts';

const reject = rejecter(CODES);

/** Most validators of a set; a consortium's genesis and its votes keep to it. */
export const MAX_VALIDATORS = 128;

/*
 * CometBFT's JSON word for word (types/block.go, libs/json): 64-bit numbers as text, hashes in upper-case hexadecimal,
 * signatures in base64. The patterns are so exact that a header or a commit has one form and no other; what a pattern
 * cannot say (a day that the month does not have, a number above 2^53−1, a stray bit of base64) is refused where the
 * text is read.
 */
const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9A-F]{64}$' });
const Address = Type.String({ pattern: '^[0-9A-F]{40}$' });
const Time = Type.String({ pattern: TIME_PATTERN });
const Int64 = Type.String({ pattern: '^(?:0|[1-9][0-9]{0,15})$' });
const Height = Type.String({ pattern: '^[1-9][0-9]{0,15}$' });

const BlockId = Type.Object(
  {
    hash: Hash,
    parts: Type.Object({ total: Type.Integer({ minimum: 1, maximum: 0xffff_ffff }), hash: Hash }, strict),
  },
  strict,
);
export type BlockId = Static<typeof BlockId>;

/** What the first block of a chain says of the one before it. */
const NoBlockId = Type.Object(
  { hash: Type.Literal(''), parts: Type.Object({ total: Type.Literal(0), hash: Type.Literal('') }, strict) },
  strict,
);

export const Header = Type.Object(
  {
    /** Another block protocol may hash its headers otherwise. */
    version: Type.Object({ block: Type.Literal('11'), app: Int64 }, strict),
    chain_id: Type.String({ pattern: '^[ -~]{1,50}$' }),
    height: Height,
    time: Time,
    last_block_id: Type.Union([BlockId, NoBlockId]),
    last_commit_hash: Hash,
    data_hash: Hash,
    validators_hash: Hash,
    next_validators_hash: Hash,
    consensus_hash: Hash,
    /** The application's own; ours has 32 bytes. */
    app_hash: Type.String({ pattern: '^(?:[0-9A-F]{2}){0,64}$' }),
    last_results_hash: Hash,
    evidence_hash: Hash,
    proposer_address: Address,
  },
  strict,
);
export type Header = Static<typeof Header>;

/** A commit with the votes that are for the block, in the order of the set. */
export const CommitJson = Type.Object(
  {
    height: Height,
    round: Type.Integer({ minimum: 0, maximum: 0x7fff_ffff }),
    block_id: BlockId,
    signatures: Type.Array(
      Type.Object(
        {
          block_id_flag: Type.Literal(2),
          validator_address: Address,
          timestamp: Time,
          signature: Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$' }),
        },
        strict,
      ),
      { maxItems: MAX_VALIDATORS },
    ),
  },
  strict,
);
export type CommitJson = Static<typeof CommitJson>;

/** Those who vote at a height, in CometBFT's order (`sortValidators`). */
export const ValidatorSet = Type.Array(
  Type.Object(
    {
      publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }),
      power: Type.Integer({ minimum: 1, maximum: MAX_VALIDATOR_POWER }),
    },
    strict,
  ),
  { minItems: 1, maxItems: MAX_VALIDATORS },
);

const LightBlock = Type.Object({ header: Header, commit: CommitJson }, strict);
export type LightBlock = Static<typeof LightBlock>;

/**
 * A header and its commit from the answer of CometBFT's RPC `/commit` (`signed_header`). Votes for no block, and those
 * that are absent, which the RPC gives with a null, are left out: they prove nothing, and canonical JSON has no null.
 * Throws Reject COMMIT_MALFORMED.
 */
export function lightBlockOf(signedHeader: { readonly header: unknown; readonly commit: unknown }): LightBlock {
  const { header, commit } = signedHeader;
  const signatures = isObject(commit) ? commit.signatures : undefined;
  if (!isObject(commit) || !Array.isArray(signatures)) throw reject('COMMIT_MALFORMED');
  const forBlock = signatures.filter((one) => isObject(one) && one.block_id_flag === 2);
  const lightBlock = { header, commit: { ...commit, signatures: forBlock } };
  if (!Value.Check(LightBlock, lightBlock)) throw reject('COMMIT_MALFORMED');
  return lightBlock;
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null;
}

/** A 64-bit number of CometBFT's JSON. Throws Reject COMMIT_MALFORMED beyond 2^53−1, which no ledger reaches. */
export function int64Of(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw reject('COMMIT_MALFORMED');
  return value;
}
