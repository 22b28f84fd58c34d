import { Type } from 'typebox';
import {
  FoundingValidatorSchema,
  type ValidatorRecord,
  validatorAddress,
  validators,
} from '../../../chain/validators.ts';
import { isSmallOrderEd25519 } from '../../../crypto/small-order.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import { hexToBytes } from '../../../std/bytes.ts';
import { type Ballot, ballot, ballots, requireActive } from './ballots.ts';
import { reject } from './codes.ts';
import { accountOf, activeMembers } from './queries.ts';
import { AccountId, strict } from './schemas.ts';
import { retiredValidatorKeys } from './state.ts';

type Entry = readonly [account: string, record: ValidatorRecord];

/** Validators by account in byte order. */
export function validatorEntries(state: StateReader): readonly Entry[] {
  return Array.from(state.entries(validators, []), ([[account], record]) => [account, record] as const);
}

/** Validators but that of `account`. Rejects VALIDATORS_NONE on a ledger that never had any. */
function requireOthers(state: StateReader, account: string): readonly Entry[] {
  const entries = validatorEntries(state);
  if (entries.length === 0) throw reject('VALIDATORS_NONE');
  return entries.filter(([other]) => other !== account);
}

/** Rejects VALIDATORS_EMPTY unless one of those who stay votes. */
function requirePower(others: readonly Entry[]): void {
  if (!others.some(([, { power }]) => power > 0)) throw reject('VALIDATORS_EMPTY');
}

/**
 * Rejects KEY_INVALID and VALIDATOR_KEY_TAKEN. Of accounts' keys only members' count: whoever registers a practitioner
 * vouches for a key without its signature, and could thus claim the key that somebody else is about to validate with.
 */
function checkNewKey(state: StateReader, others: readonly Entry[], publicKey: string): void {
  if (isSmallOrderEd25519(hexToBytes(publicKey) as Uint8Array)) throw reject('KEY_INVALID', { publicKey });
  const isTaken =
    others.some(([, other]) => other.publicKey === publicKey) ||
    activeMembers(state).some(([member]) => accountOf(state, member)?.keys.some((key) => key.publicKey === publicKey));
  if (isTaken) throw reject('VALIDATOR_KEY_TAKEN', { publicKey });
}

const setValidator = ballot({
  schema: FoundingValidatorSchema,
  check(state, _block, { account, publicKey, node, power }) {
    const others = requireOthers(state, account);
    requireActive(state, account);
    const before = state.get(validators, account);
    if (before?.publicKey === publicKey && before.node === node && before.power === power)
      throw reject('VALIDATOR_UNCHANGED', { account });
    // A key that stays is not asked about again: it must always be possible to take power from it.
    if (before?.publicKey !== publicKey) checkNewKey(state, others, publicKey);
    if (others.some(([, other]) => other.node === node)) throw reject('VALIDATOR_NODE_TAKEN', { node });
    if (power === 0) requirePower(others);
    else if (state.get(retiredValidatorKeys, validatorAddress(publicKey)) !== undefined)
      throw reject('VALIDATOR_KEY_RETIRED', { publicKey });
  },
  execute(state, { account, ...record }) {
    state.set(validators, [account], record);
    return { account };
  },
});

const dropValidator = ballot({
  schema: Type.Object({ account: AccountId }, strict),
  // Of no matter whom: a member that version 1 removed may have left its validator behind.
  check(state, _block, { account }) {
    const others = requireOthers(state, account);
    if (state.get(validators, account) === undefined) throw reject('VALIDATOR_UNKNOWN', { account });
    requirePower(others);
  },
  execute(state, { account }) {
    state.delete(validators, [account]);
    return { account };
  },
});

const before = ballots['membership.remove'];

/** Removal as in version 1; the member's validator goes with it. */
const remove: Ballot = {
  schema: before.schema,
  check(state, block, body) {
    before.check(state, block, body);
    const { account } = body as { readonly account: string };
    if (state.get(validators, account) !== undefined) requirePower(requireOthers(state, account));
  },
  execute(state: StateWriter, body) {
    const { account } = body as { readonly account: string };
    const data = before.execute(state, body);
    if (state.get(validators, account) !== undefined) state.delete(validators, [account]);
    return data;
  },
};

/** What members vote on in version 2, by the message type that proposes it: also who validates. */
export const ballotsOfVersion2 = {
  ...ballots,
  'membership.remove': remove,
  'membership.setValidator': setValidator,
  'membership.dropValidator': dropValidator,
} as const satisfies Readonly<Record<string, Ballot>>;
