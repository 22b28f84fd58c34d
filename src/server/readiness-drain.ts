import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Readiness } from './readiness.ts';

/** How a node ends. Both are milliseconds. */
export interface DrainLimits {
  /** For how long it goes on taking requests after it stopped being ready, so that a load balancer sees that first. */
  readonly noticeMs: number;
  /** For how long requests under way may go on after that. */
  readonly boundMs: number;
}

/** Nothing stands in front of a node of its own; requests get half a minute. */
export const DEFAULT_DRAIN: DrainLimits = { noticeMs: 0, boundMs: 30_000 };

interface Draining {
  readonly host: FastifyInstance;
  readonly readiness: Readiness;
  /** Requests that are being answered. */
  readonly open: () => number;
  readonly limits: DrainLimits;
  /** Resolves when the connections have ended that the host was handed by others who listen for it. */
  readonly closed?: Promise<unknown>;
}

/** First step of ending: not ready any more, while everything is still served for the notice. */
export async function announceEnd({ host, readiness, open, limits }: Draining): Promise<void> {
  readiness.drain();
  host.log.info({ open: open(), ...limits }, 'draining: not ready any more');
  if (limits.noticeMs > 0) await delay(limits.noticeMs);
}

/**
 * Closes the HTTP host: new requests are refused with NODE_CLOSING, those under way finish, and those that are still
 * open when the bound is over are cut off and counted in the log. Whoever was cut off got no answer, so what it wrote may
 * or may not have happened, as after a crash: acknowledged is only what was answered.
 */
export async function closeHost({ host, open, limits, closed }: Draining): Promise<void> {
  const startedMs = performance.now();
  let cut = 0;
  const bound = setTimeout(() => {
    cut = open();
    host.log.warn({ open: cut, boundMs: limits.boundMs }, 'draining took too long: cutting off what is still open');
    host.server.closeAllConnections();
  }, limits.boundMs);
  try {
    await Promise.all([host.close(), closed]);
  } finally {
    clearTimeout(bound);
  }
  host.log.info({ cut, ms: Math.round(performance.now() - startedMs) }, 'drained');
}
