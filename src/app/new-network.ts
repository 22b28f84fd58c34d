import { type CometBftOperator, GENESIS_FORMAT, type Genesis } from '../chain/genesis.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import type { FounderEntry } from '../wallet/node/organisation-keys.ts';

/** Rule versions that a new ledger starts with. */
const RULES = [
  { capability: 'access', version: 1 },
  { capability: 'consent', version: 1 },
  { capability: 'membership', version: 2 },
  { capability: 'records', version: 1 },
] as const;

/** Who proves heads: the seed of an embedded ledger's operator, its public key, or a consortium's validators. */
export type OperatorPlan =
  | { readonly operatorSeed: string }
  | { readonly operatorKey: string }
  | { readonly validators: CometBftOperator['validators']; readonly blockBytes?: number };

export type GenesisPlan = OperatorPlan & {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  readonly founders: readonly FounderEntry[];
  /** Named by their owners' word. */
  readonly witnesses?: readonly { readonly name: string; readonly publicKey: string }[];
};

/** A block every half second of so much is more than such a network verifies. */
const DEFAULT_BLOCK_BYTES = 4 * 1024 * 1024;

/** Genesis of a new ledger. */
export function newGenesis(plan: GenesisPlan): Genesis {
  const { name, createdMs, founders, witnesses = [] } = plan;
  return {
    format: GENESIS_FORMAT,
    name,
    createdMs,
    operator: operatorOf(plan),
    ...(witnesses.length === 0 ? {} : { witnesses: [...witnesses] }),
    sections: { chain: { rules: RULES }, membership: { members: founders }, consent: {} },
  } as unknown as Genesis;
}

/**
 * Genesis of a consortium that goes on from another ledger: its log and its whole state. Validators are members of that
 * one; rules stay as they were voted there, but for those of this software that are newer.
 */
export function movedGenesis(plan: {
  readonly name: string;
  readonly createdMs: number;
  readonly validators: CometBftOperator['validators'];
  readonly blockBytes?: number;
  readonly previous: NonNullable<Genesis['previous']>;
  readonly limits?: Genesis['sections']['chain']['limits'];
  readonly witnesses?: Genesis['witnesses'];
}): Genesis {
  const { name, createdMs, previous, limits, witnesses } = plan;
  return {
    format: GENESIS_FORMAT,
    name,
    createdMs,
    operator: operatorOf(plan),
    ...(witnesses === undefined ? {} : { witnesses }),
    previous,
    sections: { chain: { ...(limits === undefined ? {} : { limits }), rules: RULES } },
  } as unknown as Genesis;
}

function operatorOf(plan: OperatorPlan): Genesis['operator'] {
  if ('validators' in plan) {
    const { validators, blockBytes = DEFAULT_BLOCK_BYTES } = plan;
    return { kind: 'cometbft', validators, blockBytes };
  }
  if ('operatorKey' in plan) return { kind: 'embedded', publicKey: plan.operatorKey };
  const seed = hexToBytes(plan.operatorSeed) as Uint8Array;
  return { kind: 'embedded', publicKey: bytesToHex(ed25519PublicKey(seed)) };
}
