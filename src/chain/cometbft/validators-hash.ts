import { Value } from 'typebox/value';
import { concatBytes, hexToBytes } from '../../std/bytes.ts';
import { sortValidators, type Validator } from '../validators.ts';
import { ValidatorSet } from './light-block.ts';
import { merkleRoot } from './merkle-root.ts';
import { bytesField, messageField, varintField } from './protobuf.ts';

/** A header's `validators_hash`, 32 bytes: the Merkle root over SimpleValidator of each (types/validator_set.go, Hash). */
export function validatorsHash(set: readonly Validator[]): Uint8Array {
  return merkleRoot(sortValidators(set).map(simpleValidator));
}

/**
 * Whether a list is a set of validators as CometBFT keeps it: in its order, no key twice, powers within bounds. So one
 * set has one form, and nobody votes twice.
 */
export function isValidatorSet(list: readonly Validator[]): boolean {
  if (!Value.Check(ValidatorSet, list)) return false;
  const keys = list.map(({ publicKey }) => publicKey);
  return (
    new Set(keys).size === keys.length && sortValidators(list).every(({ publicKey }, at) => publicKey === keys[at])
  );
}

/** SimpleValidator: its key, as the Ed25519 member of PublicKey, and its power (tendermint/types/validator.proto). */
function simpleValidator({ publicKey, power }: Validator): Uint8Array {
  const key = bytesField(1, hexToBytes(publicKey) as Uint8Array);
  return concatBytes(messageField(1, key), varintField(2, power));
}
