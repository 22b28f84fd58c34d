/** One figure of a benchmark. */
export interface BenchResult {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the machine could do at best, measured in the same run; null for latency, start and memory. */
  readonly bound: number | null;
  readonly ratio: number | null;
}

/** A rate beside its bound, both per second. */
export function rate(name: string, value: number, bound: number): BenchResult {
  return { name, value: Math.round(value), unit: '1/s', bound: Math.round(bound), ratio: round(value / bound) };
}

/** A figure that no bound belongs to. */
export function figure(name: string, value: number, unit: 'ms' | 'MB'): BenchResult {
  return { name, value: round(value), unit, bound: null, ratio: null };
}

/** Calls per second of one core: warms up for a tenth of `forMs`, then calls until it has passed. */
export function callsPerSecond(forMs: number, call: () => unknown): number {
  for (const untilMs = performance.now() + forMs / 10; performance.now() < untilMs; ) call();
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < forMs; count++) call();
  return (count * 1000) / (performance.now() - startMs);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
