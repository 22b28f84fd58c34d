import type { EngineLog } from '../../src/ledger/cometbft/engine/engine-log.ts';

/** Errors of the ledger or its engine, on standard error: a figure beside one is worth nothing. */
export function loudLog(who: string): EngineLog {
  return {
    debug() {},
    info() {},
    warn(detail, message) {
      if (process.env.ACESO_BENCH_LOG === '1') console.error(who, message, JSON.stringify(detail).slice(0, 400));
    },
    error: (detail, message) => console.error(who, message, JSON.stringify(detail).slice(0, 400)),
  };
}
