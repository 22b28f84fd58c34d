import { reject } from './codes.ts';
import { type Limits, WORK } from './limits.ts';

/** Counts the work of one transaction against two bounds: what a transaction may take, and what its payers have left. */
export interface Meter {
  readonly used: number;
  /** Charges units; throws Reject WORK_EXCEEDED or BUDGET_EXCEEDED at the bound that is reached first. */
  charge(units: number): void;
  /** Charges an access to state: what `createStateWriter` reports. */
  chargeState(op: 'get' | 'set' | 'delete' | 'entry', bytes: number): void;
}

/** A meter that starts at `used` units (the transaction's own cost); `left` is what its payers have. */
export function createMeter(limits: Limits, used: number, left: number): Meter {
  let total = used;
  const bound = Math.min(left, limits.workPerTransaction);
  function charge(units: number): void {
    if (!Number.isSafeInteger(units) || units < 0) throw new TypeError('work is a count of units');
    total += units;
    if (total <= bound) return;
    // A handler that caught the rejection would be charged to the bound and stopped again at its next step.
    total = bound;
    throw bound === limits.workPerTransaction ? reject('WORK_EXCEEDED', { limit: bound }) : reject('BUDGET_EXCEEDED');
  }
  return {
    get used() {
      return total;
    },
    charge,
    chargeState: (op, bytes) => charge(WORK[op] + bytes * WORK.stateByte),
  };
}
