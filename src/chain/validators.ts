import { type Static, Type } from 'typebox';
import { sha256 } from '#crypto/platform';
import { compareKeys } from '../state/memory-store.ts';
import { type StateMap, type StateReader, type StateWriter, stateMap } from '../state/typed-map.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';

const strict = { additionalProperties: false } as const;

/** Largest voting power of one validator: 128 of them stay far below CometBFT's limit for the sum, 2^60. */
export const MAX_VALIDATOR_POWER = 1_000_000;

/** Ed25519 key that signs votes, hexadecimal; its power; the id of the node that it runs on. */
const recordMembers = {
  publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  /** Zero: the node is let in by the others, and does not vote. */
  power: Type.Integer({ minimum: 0, maximum: MAX_VALIDATOR_POWER }),
  /** Address of the node's own key (CometBFT's node id): first 20 bytes of its SHA-256, hexadecimal. */
  node: Type.String({ pattern: '^[0-9a-f]{40}$' }),
};

export const ValidatorRecordSchema = Type.Object(recordMembers, strict);
export type ValidatorRecord = Static<typeof ValidatorRecordSchema>;

/** A validator as a genesis document names it; `account` is its member's. */
export const FoundingValidatorSchema = Type.Object(
  { account: Type.String({ pattern: '^[0-9a-f]{32}$' }), ...recordMembers },
  strict,
);

/** Validators by their members' accounts. Empty on an embedded ledger. The membership contract's votes write it. */
export const validators: StateMap<readonly [account: string], ValidatorRecord> = stateMap('chain.validators', 1);

/** One of those who vote: what a header's `validators_hash` is made of. */
export type Validator = { readonly publicKey: string; readonly power: number };

/**
 * Every set of validators that there was, by the height of the block that made it, 16 digits. The block after the next
 * is the first that it votes on; the header between carries its hash as `next_validators_hash`. Written by the kernel,
 * so that a node which joined yesterday knows which headers an old receipt needs.
 */
export const validatorSets: StateMap<readonly [height: string], readonly Validator[]> = stateMap(
  'chain.validatorSets',
  1,
);

/** Key part of a height: its digits sort as the numbers do. */
export function heightKey(height: number): string {
  return String(height).padStart(16, '0');
}

/** CometBFT's address of an Ed25519 key: first 20 bytes of its SHA-256, hexadecimal in lower case. */
export function validatorAddress(publicKey: string): string {
  return bytesToHex(sha256(hexToBytes(publicKey) as Uint8Array).subarray(0, 20));
}

/** CometBFT's order of a set: power from the greatest on, then address (types/validator_set.go, ValidatorsByVotingPower). */
export function sortValidators(set: readonly Validator[]): readonly Validator[] {
  return set
    .map((validator) => ({ validator, address: validatorAddress(validator.publicKey) }))
    .sort((a, b) => b.validator.power - a.validator.power || compareKeys(a.address, b.address))
    .map(({ validator: { publicKey, power } }) => ({ publicKey, power }));
}

/** Those who vote by the records of a state, in CometBFT's order. */
export function votingSet(state: StateReader): readonly Validator[] {
  const set: Validator[] = [];
  for (const [, { publicKey, power }] of state.entries(validators, [])) if (power > 0) set.push({ publicKey, power });
  return sortValidators(set);
}

/** The newest set that the kernel noted; empty on an embedded ledger. */
export function latestSet(state: StateReader): readonly Validator[] {
  let latest: readonly Validator[] = [];
  for (const [, set] of state.entries(validatorSets, [])) latest = set;
  return latest;
}

/** What turns one set into another; a validator that leaves has power 0. In byte order of keys. */
export function validatorUpdates(before: readonly Validator[], after: readonly Validator[]): readonly Validator[] {
  const powers = new Map<string, number>();
  for (const { publicKey } of before) powers.set(publicKey, 0);
  for (const { publicKey, power } of after) {
    if (before.some((one) => one.publicKey === publicKey && one.power === power)) powers.delete(publicKey);
    else powers.set(publicKey, power);
  }
  return [...powers].sort(([a], [b]) => compareKeys(a, b)).map(([publicKey, power]) => ({ publicKey, power }));
}

/** Notes the set of the state when the block changed it; returns what changed. For the kernel, at the end of a block. */
export function noteValidators(state: StateWriter, height: number): readonly Validator[] {
  const [before, after] = [latestSet(state), votingSet(state)];
  const updates = validatorUpdates(before, after);
  if (updates.length > 0) state.set(validatorSets, [heightKey(height)], after);
  return updates;
}
