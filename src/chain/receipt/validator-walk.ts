import { type Static, Type } from 'typebox';
import { rejecter } from '../../std/reject.ts';
import { CommitJson, Header, int64Of, ValidatorSet } from '../cometbft/light-block.ts';
import { bytesToUpperHex } from '../cometbft/upper-hex.ts';
import { isValidatorSet, validatorsHash } from '../cometbft/validators-hash.ts';
import { verifyHeader, verifySignedHeader } from '../cometbft/verify-light-block.ts';
import type { Validator } from '../validators.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Most changes of the set that a receipt carries; who needs more starts from a later checkpoint. */
export const MAX_SET_CHANGES = 256;

/** A change of the set: `validators` vote from the height after the header's, which names them as the next. */
export const SetChange = Type.Object(
  { header: Header, commit: CommitJson, validators: ValidatorSet },
  { additionalProperties: false },
);
export type SetChange = Static<typeof SetChange>;

/** A set that the reader trusts, and the height of the head that it trusts with it (0 for a genesis). */
export interface TrustedSet {
  readonly set: readonly Validator[];
  readonly height: number;
}

/**
 * Walks from a trusted set to the one that votes at `finalHeight`: each change is in a header that more than two thirds
 * of the set before it signed. Changes up to the trusted height are not walked, since whoever holds keys that were
 * retired by then could have made them up; they must end in the trusted set. Throws a Reject of codes.ts, here or of
 * cometbft.
 */
export async function walkToSet(
  changes: readonly SetChange[],
  trusted: TrustedSet,
  { chainId, finalHeight }: { readonly chainId: string; readonly finalHeight: number },
): Promise<readonly Validator[]> {
  requireOrder(changes, finalHeight);
  const later = changes.filter(({ header }) => int64Of(header.height) > trusted.height);
  await checkEarlier(changes.slice(0, changes.length - later.length), trusted.set, chainId);
  let { set } = trusted;
  for (const change of later) {
    await verifySignedHeader(change, set, chainId);
    set = nextSet(change);
  }
  return set;
}

/** Heights ascend and stay below the last header's, whose set a change at that very height would not touch. */
function requireOrder(changes: readonly SetChange[], finalHeight: number): void {
  let below = 0;
  for (const { header } of changes) {
    const height = int64Of(header.height);
    if (height <= below || height >= finalHeight) throw reject('RECEIPT_HEAD_UNPROVEN', { height });
    below = height;
  }
}

/**
 * What can be checked of changes before the trusted height: each by itself, each against the one before, and the last
 * against the trusted set. Nothing rests on them; another reader, who starts from genesis, walks them.
 */
async function checkEarlier(
  changes: readonly SetChange[],
  trusted: readonly Validator[],
  chainId: string,
): Promise<void> {
  let set: readonly Validator[] | undefined;
  for (const change of changes) {
    if (set === undefined) verifyHeader(change, chainId);
    else await verifySignedHeader(change, set, chainId);
    set = nextSet(change);
  }
  if (set !== undefined && bytesToUpperHex(validatorsHash(set)) !== bytesToUpperHex(validatorsHash(trusted)))
    throw reject('RECEIPT_CHECKPOINT_CONTRADICTED');
}

/** The set that a change names, when it is the one of which its header holds the hash. */
function nextSet({ header, validators }: SetChange): readonly Validator[] {
  const isNamed =
    isValidatorSet(validators) && bytesToUpperHex(validatorsHash(validators)) === header.next_validators_hash;
  if (!isNamed) throw reject('RECEIPT_HEAD_UNPROVEN', { height: int64Of(header.height) });
  return validators;
}
