import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { sha256 } from '#crypto/platform';
import { isSmallOrderEd25519 } from '../crypto/small-order.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject, jsonFault } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { APP_SCHEMA, appHash } from './app-hash.ts';
import { LimitsSchema } from './limits.ts';
import { FoundingValidatorSchema } from './validators.ts';

export const GENESIS_FORMAT = 'aceso.genesis/1';

const strict = { additionalProperties: false } as const;
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Capability = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });
const Section = Type.Unsafe<JsonObject>(Type.Object({}));

/** The kernel's own section: limits, and the rule versions that hold from the first block on. */
const ChainSection = Type.Object(
  {
    limits: Type.Optional(LimitsSchema),
    rules: Type.Array(
      Type.Object({ capability: Capability, version: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }, strict),
      {
        maxItems: 64,
      },
    ),
  },
  strict,
);

/**
 * The ledger that a moved one goes on from: its genesis hash and last head, whose log goes on. With `treeRoot`, the
 * root that the head's app hash covers, its state goes on too; without, the state begins anew from the sections.
 */
const Previous = Type.Object(
  {
    head: Type.Object({ genesis: Hash, height: Count, logSize: Count, logRoot: Hash, appHash: Hash }, strict),
    treeRoot: Type.Optional(Hash),
  },
  strict,
);

const GenesisSchema = Type.Object(
  {
    format: Type.Literal(GENESIS_FORMAT),
    name: Type.String({ minLength: 1, maxLength: 120 }),
    createdMs: Count,
    /** Who proves heads; the other members depend on the kind of host. */
    operator: Type.Unsafe<JsonObject & { readonly kind: string }>(
      Type.Object({ kind: Type.String({ minLength: 1, maxLength: 32 }) }),
    ),
    witnesses: Type.Optional(
      Type.Array(Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }), publicKey: Hash }, strict), {
        maxItems: 64,
      }),
    ),
    previous: Type.Optional(Previous),
    sections: Type.Unsafe<
      { readonly chain: Static<typeof ChainSection> } & { readonly [capability: string]: JsonObject }
    >(Type.Intersect([Type.Object({ chain: ChainSection }), Type.Record(Capability, Section)])),
  },
  strict,
);

/** The first block, written down: canonical JSON, the same on both hosts. */
export type Genesis = Static<typeof GenesisSchema>;

const EmbeddedOperator = Type.Object({ kind: Type.Literal('embedded'), publicKey: Hash }, strict);

/** A consortium: the validators it begins with, and the most bytes that its blocks have. */
const CometBftOperator = Type.Object(
  {
    kind: Type.Literal('cometbft'),
    validators: Type.Array(FoundingValidatorSchema, { minItems: 1, maxItems: 128 }),
    blockBytes: Type.Integer({ minimum: 128 * 1024, maximum: 16 * 1024 * 1024 }),
  },
  strict,
);
export type CometBftOperator = Static<typeof CometBftOperator>;

/** The genesis document of a parsed value; undefined when it is none. Whether its rules exist is for `createKernel`. */
export function parseGenesis(value: Json): Genesis | undefined {
  if (jsonFault(value) !== undefined || !Value.Check(GenesisSchema, value)) return undefined;
  const { operator, previous, sections, witnesses } = value;
  if (operator.kind === 'embedded' && !Value.Check(EmbeddedOperator, operator)) return undefined;
  if (operator.kind === 'cometbft' && cometBftOperator(operator) === undefined) return undefined;
  if (previous !== undefined && !isPlausible(previous)) return undefined;
  const { rules } = sections.chain;
  if (hasRepeats(rules.map(({ capability }) => capability)) || rules.some(({ capability }) => capability === 'chain'))
    return undefined;
  return hasRepeats((witnesses ?? []).map(({ name }) => name)) ? undefined : value;
}

/** The operator member of a consortium's genesis; undefined for any other. */
export function cometBftOperator(operator: Json): CometBftOperator | undefined {
  if (!Value.Check(CometBftOperator, operator)) return undefined;
  const { validators } = operator;
  const lists = [validators.map((one) => one.account), validators.map((one) => one.publicKey)];
  const isDistinct = ![...lists, validators.map(({ node }) => node)].some(hasRepeats);
  // Under such a key anybody could sign a member's votes.
  const isSafe = validators.every(({ publicKey }) => !isSmallOrderEd25519(hexToBytes(publicKey) as Uint8Array));
  return isDistinct && isSafe && validators.some(({ power }) => power > 0) ? operator : undefined;
}

/** A carried state's root must be the one that the old head committed to. */
function isPlausible({ head, treeRoot }: Static<typeof Previous>): boolean {
  if (treeRoot === undefined) return true;
  const [tree, log] = [hexToBytes(treeRoot) as Uint8Array, hexToBytes(head.logRoot) as Uint8Array];
  return bytesToHex(appHash(tree, log, head.logSize, APP_SCHEMA)) === head.appHash;
}

/** SHA-256(frame('aceso/genesis/1', canonical document)), hexadecimal: the name of the ledger. */
export function genesisHash(genesis: Genesis): string {
  return bytesToHex(sha256(frame('aceso/genesis/1', canonicalBytes(genesis as unknown as JsonObject))));
}

function hasRepeats(names: readonly string[]): boolean {
  return new Set(names).size !== names.length;
}
