import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/*
 * Loaded into a node by `--import`, and by nothing else: puts a clock around the decision on reads, and writes what it
 * showed to ACESO_BENCH_REPORT when the node ends.
 */
const REPORT = process.env.ACESO_BENCH_REPORT ?? '';

/** What decisions took so far, in milliseconds; of one after the other, since the benchmark asks so. */
const decisions: number[] = [];

/** Told of each decision by `timed-port.ts`. */
export function tellDecision(ms: number): void {
  decisions.push(ms);
}

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const isPort = found.url.endsWith('/access/server/access-port.ts');
    if (!isPort || context.parentURL?.includes('/bench/smart/')) return found;
    return next(new URL('./timed-port.ts', import.meta.url).href, context);
  },
});
process.on('exit', () => writeFileSync(REPORT, JSON.stringify(decisions)));
