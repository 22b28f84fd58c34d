/** Why the clock cannot be believed. */
export type ClockFault = { readonly kind: 'went-back' | 'jumped'; readonly byMs: number };

/** A step back that is no fault: the slewing of a time service. Block time stands still meanwhile. */
export const BACK_TOLERANCE_MS = 10_000;
/** How far the clock may depart from the monotonic one while the node runs. */
export const DEPARTURE_TOLERANCE_MS = 60 * 60 * 1000;

export interface BlockClock {
  /** Time for a block after one of `previousMs`, never before it; a fault when the clock is not to be believed. */
  next(previousMs: number): number | ClockFault;
  /** The operator says that the clock is right as it is now. */
  confirm(previousMs: number): void;
}

/**
 * Block time from the node's clock. A gap forward at the start is normal (the node was off); a clock behind the last
 * block, or one that runs away from the monotonic clock, is not: blocks dated by it would expire permits and consents
 * at the wrong moment, on every member. After `confirm` block time stands still until the clock has caught up.
 */
export function createBlockClock(clock: () => number, monotonic: () => number): BlockClock {
  let origin = { clockMs: clock(), monotonicMs: monotonic() };
  /** How far behind the last block the operator has seen the clock. */
  let allowedBackMs = BACK_TOLERANCE_MS;
  return {
    next(previousMs) {
      const nowMs = clock();
      const departureMs = nowMs - origin.clockMs - (monotonic() - origin.monotonicMs);
      if (Math.abs(departureMs) >= DEPARTURE_TOLERANCE_MS) return { kind: 'jumped', byMs: Math.round(departureMs) };
      const backMs = previousMs - nowMs;
      if (backMs > allowedBackMs) return { kind: 'went-back', byMs: backMs };
      if (backMs <= BACK_TOLERANCE_MS) allowedBackMs = BACK_TOLERANCE_MS;
      return Math.max(previousMs, nowMs);
    },
    confirm(previousMs) {
      origin = { clockMs: clock(), monotonicMs: monotonic() };
      allowedBackMs = Math.max(BACK_TOLERANCE_MS, previousMs - origin.clockMs + BACK_TOLERANCE_MS);
    },
  };
}
