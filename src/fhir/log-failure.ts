import type { FastifyBaseLogger } from 'fastify';

/** Logs a bug by name and frames only: a message may quote what was being worked on. */
export function logFailure(log: FastifyBaseLogger, error: unknown): void {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  log.error({ name: error instanceof Error ? error.name : typeof error, frames }, 'FHIR request failed');
}
