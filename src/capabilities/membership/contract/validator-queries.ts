import { validatorAddress } from '../../../chain/validators.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import type { Json } from '../../../std/canonical-json.ts';
import { misbehaviours } from './state.ts';
import { validatorEntries } from './validator-ballots.ts';

/** Entries that the query of misbehaviour lists. */
export const MISBEHAVIOUR_LISTED = 100;

/** Validators by account: `[{ account, publicKey, node, power, address }]`; empty on a ledger of a single operator. */
export function queryValidators(state: StateReader): Json {
  return validatorEntries(state).map(([account, { publicKey, node, power }]) => {
    return { account, publicKey, node, power, address: validatorAddress(publicKey) };
  });
}

/** The newest hundred deeds, the newest first: `[{ address, account, kind, height, timeMs }]`; `account` may be empty. */
export function queryMisbehaviour(state: StateReader): Json {
  const newest: Json[] = [];
  for (const [[, address], record] of state.entries(misbehaviours, [])) {
    newest.push({ address, ...record });
    if (newest.length > MISBEHAVIOUR_LISTED) newest.shift();
  }
  return newest.reverse();
}
