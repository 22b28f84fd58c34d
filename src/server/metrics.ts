import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Values of a metric's labels by name. */
export type MetricLabels = Readonly<Record<string, string>>;

/** One line that a gauge reads out when it is scraped. */
export interface Reading {
  readonly labels?: MetricLabels;
  readonly value: number;
}

export interface MetricOptions {
  /** `aceso_…`, with its unit at the end: `_seconds`, `_bytes`, `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  /** Names of labels. Their values come from a small set: patterns, codes, names of parts; never an id or a path. */
  readonly labels?: readonly string[];
}

/** Where a part of the node puts its figures. A room below is given what it needs of this by whoever wires it. */
export interface MetricsPort {
  /** A number that only grows; returns what adds to it, by 1 unless it is told. */
  counter(options: MetricOptions): (labels?: MetricLabels, by?: number) => void;
  /** Numbers that are read when somebody scrapes. A reading that throws is left out, so that the others are seen. */
  gauge(options: MetricOptions, read: () => Iterable<Reading> | Promise<Iterable<Reading>>): void;
  /** How long things take, in seconds, or how large they are; returns what takes a value down. */
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Observe;
}

export type Observe = (labels: MetricLabels, value: number) => void;

/** The figures of one node: a registry of its own, so that two nodes of a process do not share any. */
export interface Metrics extends MetricsPort {
  /** All figures in Prometheus's text format (version 0.0.4), with the media type of that. */
  scrape(): Promise<{ readonly mediaType: string; readonly text: string }>;
}

/** Most combinations of labels that a counter or histogram keeps; later ones are counted together as `other`. */
export const MAX_SERIES = 1000;
const OTHER = 'other';
/** Coarser than the library's 10 ms: the loop is waited for some 50 times a second and no more. */
const LOOP_RESOLUTION_MS = 20;

/**
 * Makes the figures of a node. What the process itself says (memory, processor, collections of garbage, lag of the
 * event loop) is taken from the first scrape on, so a node that nobody scrapes pays nothing for it.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  let hasProcess = false;
  return {
    counter(options) {
      const labelNames = [...(options.labels ?? [])];
      const counter = new Counter({ name: options.name, help: options.help, labelNames, registers: [registry] });
      const limit = createSeriesLimit(labelNames);
      return (labels = {}, by = 1) => counter.inc(limit(labels), by);
    },
    gauge(options, read) {
      new Gauge({
        name: options.name,
        help: options.help,
        labelNames: [...(options.labels ?? [])],
        registers: [registry],
        async collect() {
          // A series that is read no more, as of a vault that failed, must not stand at its last value.
          this.reset();
          const readings = await readingsOf(read);
          if (options.labels === undefined && readings.length === 0) this.set(Number.NaN);
          for (const { labels = {}, value } of readings) this.set(labels, value);
        },
      });
    },
    histogram(options) {
      const labelNames = [...(options.labels ?? [])];
      const { name, help, buckets } = options;
      const histogram = new Histogram({ name, help, labelNames, buckets: [...buckets], registers: [registry] });
      const limit = createSeriesLimit(labelNames);
      return (labels, value) => histogram.observe(limit(labels), value);
    },
    async scrape() {
      if (!hasProcess) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS });
      hasProcess = true;
      return { mediaType: registry.contentType, text: await registry.metrics() };
    },
  };
}

async function readingsOf(read: () => Iterable<Reading> | Promise<Iterable<Reading>>): Promise<Reading[]> {
  try {
    return [...(await read())];
  } catch {
    return [];
  }
}

/** Keeps a metric from growing without end, whatever its labels come from. */
function createSeriesLimit(names: readonly string[]): (labels: MetricLabels) => MetricLabels {
  const known = new Set<string>();
  const other = Object.fromEntries(names.map((name) => [name, OTHER]));
  return (labels) => {
    let key = '';
    for (const name of names) key += `${labels[name]}\n`;
    if (known.has(key)) return labels;
    if (known.size >= MAX_SERIES) return other;
    known.add(key);
    return labels;
  };
}
