import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Job } from '../../jobs/job.ts';
import { isReject } from '../../std/reject.ts';
import { rejectFhir } from '../codes.ts';
import { parseBodies } from '../http-request.ts';
import { refusalOf } from '../outcome.ts';
import { sendBulkRefusal } from './bulk-answer.ts';
import { BULK_LIMITS, type BulkLimits } from './bulk-limits.ts';
import type { BulkParts } from './bulk-parts.ts';
import { createTurns } from './bulk-turns.ts';
import { exportRoutes } from './export-routes.ts';
import { importRoutes } from './import-routes.ts';

/** What the node gives; bounds are those of BULK_LIMITS but for the ones given. */
export interface BulkOptions extends Omit<BulkParts, 'limits' | 'turns'> {
  readonly limits?: Partial<BulkLimits>;
}

/** Bulk export and import of a node: routes beside those of the FHIR server, and what goes on behind them. */
export interface Bulk {
  /** To be registered with the prefix that the FHIR server's `baseUrl` ends in. */
  readonly plugin: FastifyPluginAsync;
  /** Removal of what has expired. */
  readonly jobs: readonly Job[];
  /** Goes on with what the last stop left behind. */
  resume(): Promise<void>;
  /** Ends after the chunks under way. */
  stop(): Promise<void>;
}

const SWEEP_MS = 60_000;

/** HL7 FHIR Bulk Data Access 2.0.0 (STU 2), `$export`; and `$import` of NDJSON. */
export function createBulk(options: BulkOptions): Bulk {
  const limits = { ...BULK_LIMITS, ...options.limits };
  const parts = { ...options, limits, turns: createTurns(limits.running) };
  const [exporting, importing] = [exportRoutes(parts), importRoutes(parts)];
  const both = [exporting.jobs, importing.jobs];
  return {
    plugin: async (app) => {
      parseBodies(app);
      app.setErrorHandler((error, request, reply) => refuse(error, request, reply));
      exporting.register(app);
      await app.register(async (inner) => importing.register(inner));
    },
    jobs: both.map((jobs, at) => ({ name: `bulk sweep ${at}`, intervalMs: SWEEP_MS, run: () => jobs.sweep() })),
    resume: async () => void (await Promise.all(both.map((jobs) => jobs.resume()))),
    stop: async () => void (await Promise.all(both.map((jobs) => jobs.stop()))),
  };
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (isReject(error)) return sendBulkRefusal(reply, error);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return sendBulkRefusal(reply, rejectFhir('BODY_TOO_LARGE'));
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return sendBulkRefusal(reply, rejectFhir('MEDIA_TYPE_UNSUPPORTED'));
  if (statusCode === 400) return sendBulkRefusal(reply, rejectFhir('BODY_EMPTY'));
  // A message may quote what was being worked on.
  request.log.error({ name: error instanceof Error ? error.name : typeof error }, 'bulk request failed');
  return sendBulkRefusal(reply, refusalOf(error));
}
