import type { BlockHeader, Misbehaviour } from '../../../chain/block.ts';
import { heightKey, validatorAddress, validators } from '../../../chain/validators.ts';
import { compareKeys } from '../../../state/memory-store.ts';
import type { StateWriter } from '../../../state/typed-map.ts';
import { misbehaviours, retiredValidatorKeys } from './state.ts';
import { validatorEntries } from './validator-ballots.ts';

/** Reports of one block that are written down; all of them are acted on. */
export const MISBEHAVIOUR_PER_BLOCK = 256;

/**
 * What the ledger does about equivocation, version 2: the key never votes again and the validator that has it loses its
 * power, at once and without a vote, since two thirds of honest power are what every block stands on. Its node stays
 * let in. The last one with power keeps it: a ledger without validators could not even vote. Reports are taken by
 * height, address and kind, whatever order the block has them in; of one height and address the first stays on record.
 */
export function actOnMisbehaviour(state: StateWriter, _block: BlockHeader, reports: readonly Misbehaviour[]): void {
  const entries = validatorEntries(state);
  const byAddress = new Map(entries.map((entry) => [validatorAddress(entry[1].publicKey), entry]));
  let voting = entries.filter(([, { power }]) => power > 0).length;
  let written = 0;
  const acted = new Set<string>();
  for (const { validator: address, kind, height, timeMs } of [...reports].sort(compareReports)) {
    const [account = '', record] = byAddress.get(address) ?? [];
    const key = [heightKey(height), address] as const;
    if (written < MISBEHAVIOUR_PER_BLOCK && state.get(misbehaviours, ...key) === undefined) {
      state.set(misbehaviours, key, { account, kind, height, timeMs });
      written += 1;
    }
    if (acted.has(address)) continue;
    acted.add(address);
    if (state.get(retiredValidatorKeys, address) === undefined) state.set(retiredValidatorKeys, [address], { height });
    if (record === undefined || record.power === 0 || voting === 1) continue;
    state.set(validators, [account], { ...record, power: 0 });
    voting -= 1;
  }
}

function compareReports(a: Misbehaviour, b: Misbehaviour): number {
  return a.height - b.height || compareKeys(a.validator, b.validator) || compareKeys(a.kind, b.kind);
}
