import type { FastifyInstance } from 'fastify';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createMetrics, type Metrics } from '../server/metrics.ts';
import { createHttpMetrics, type HttpMetrics } from '../server/metrics-http.ts';
import {
  countRuns,
  observeConnections,
  observeLedger,
  observeOrganisations,
  timeCommits,
} from '../server/metrics-parts.ts';
import type { OrganisationContext } from '../server/organisation.ts';

/** The figures of a node, and what its parts are passed through on their way to it. */
export interface NodeMetrics {
  /** Where further parts put figures of their own. */
  readonly metrics: Metrics;
  readonly traffic: HttpMetrics;
  /** The organisations with their commits timed. */
  organisations(opened: readonly OrganisationContext[]): readonly OrganisationContext[];
  host(host: FastifyInstance): void;
  /** The jobs with their runs counted. */
  jobs(jobs: readonly Job[]): readonly Job[];
  close(): void;
}

export function createNodeMetrics({ ledger, clock }: { ledger: Ledger; clock: () => number }): NodeMetrics {
  const metrics = createMetrics();
  const close = observeLedger(metrics, ledger, clock);
  return {
    metrics,
    traffic: createHttpMetrics(metrics),
    organisations(opened) {
      const timed = timeCommits(metrics, opened);
      observeOrganisations(metrics, timed);
      return timed;
    },
    host: (host) => observeConnections(metrics, host),
    jobs: (jobs) => countRuns(metrics, jobs, clock),
    close,
  };
}
