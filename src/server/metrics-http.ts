import type { MetricLabels, MetricsPort } from './metrics.ts';

/** What the HTTP host tells of requests. Routes are patterns, never paths: ids of patients are in those. */
export interface RequestObserver {
  began(): void;
  /** `status` 0 for one whose client went away before it was answered. */
  ended(route: string, method: string, status: number, durationMs: number): void;
  /** A refusal was answered. */
  refused(code: string): void;
}

export interface HttpMetrics extends RequestObserver {
  /** Requests that are being answered. */
  open(): number;
}

/** Seconds: reads lie in the first ones, searches in the middle, exports and large Bundles at the end. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const CLASSES = ['aborted', '1xx', '2xx', '3xx', '4xx', '5xx'];

/** Requests by route, method and class of status; how many are under way; refusals by code. */
export function createHttpMetrics(metrics: MetricsPort): HttpMetrics {
  let open = 0;
  const observe = metrics.histogram({
    name: 'aceso_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer, by route pattern, method and class of status.',
    labels: ['route', 'method', 'status'],
    buckets: BUCKETS,
  });
  const countRefusal = metrics.counter({
    name: 'aceso_refusals_total',
    help: 'Refusals that were answered, by code (docs/errors.md).',
    labels: ['code'],
  });
  metrics.gauge({ name: 'aceso_http_requests_open', help: 'Requests that are being answered.' }, () => [
    { value: open },
  ]);
  /** Labels are made once for each series: there are few, and every request needs some. */
  const series = new Map<string, MetricLabels>();

  function labelsOf(route: string, method: string, status: number): MetricLabels {
    const at = CLASSES[Math.floor(status / 100)] ?? 'other';
    const key = `${method} ${at} ${route}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    const labels = { route, method, status: at };
    // Routes are what was registered, and methods what the parser takes: the map cannot grow by what clients send.
    series.set(key, labels);
    return labels;
  }

  return {
    began: () => {
      open++;
    },
    ended(route, method, status, durationMs) {
      open--;
      observe(labelsOf(route, method, status), durationMs / 1000);
    },
    refused: (code) => countRefusal({ code }),
    open: () => open,
  };
}
