import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Reject } from '../../std/reject.ts';
import { sendRefusal } from '../http-answer.ts';
import { FHIR_JSON } from '../http-request.ts';
import { informationOutcome } from '../outcome.ts';
import { rejectBulk } from './codes.ts';

/** Sends a refusal as every other of the FHIR server, with how long to wait where it is for a while. */
export function sendBulkRefusal(reply: FastifyReply, refusal: Reject): FastifyReply {
  const { retryAfterSeconds } = refusal.data;
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', retryAfterSeconds);
  return sendRefusal(reply, refusal);
}

/** 202: it is taken on, and `at` says how far it is; also in the body, for who does not see headers. */
export function sendAccepted(reply: FastifyReply, text: string, at?: string): FastifyReply {
  const { resourceType, issue } = informationOutcome(text);
  if (at !== undefined) reply.header('content-location', at);
  return reply
    .code(202)
    .type(`${FHIR_JSON}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .send(
      JSON.stringify({
        resourceType,
        issue: issue.map((one) => ({ ...one, ...(at === undefined ? {} : { diagnostics: at }) })),
      }),
    );
}

/** 202 of a job that still runs (Bulk Data 2.0.0, "Response - In-Progress Status"). */
export function sendUnderWay(reply: FastifyReply, progress: string, retryAfterSeconds: number): FastifyReply {
  return reply
    .code(202)
    .header('x-progress', progress.slice(0, 99))
    .header('retry-after', retryAfterSeconds)
    .header('cache-control', 'no-store')
    .send();
}

/** The longer it has taken, the less often one need ask. */
export function retryAfterSeconds(runningMs: number, pollMs: number): number {
  return Math.max(Math.ceil(pollMs / 1000), Math.min(30, Math.round(runningMs / 10_000)), 1);
}

/**
 * Throws EXPORT_POLLED_TOO_SOON when a job that runs was asked about less than `pollMs` ago. What is refused does not
 * count, so that who asks too often still hears something at each interval.
 */
export function requirePatience(entry: { polledMs: number }, nowMs: number, pollMs: number): void {
  if (nowMs - entry.polledMs < pollMs)
    throw rejectBulk('EXPORT_POLLED_TOO_SOON', { retryAfterSeconds: Math.max(1, Math.ceil(pollMs / 1000)) });
  entry.polledMs = nowMs;
}

/** True when the client takes gzip (RFC 9110 §12.5.3). */
export function acceptsGzip({ headers }: FastifyRequest): boolean {
  return String(headers['accept-encoding'] ?? '')
    .split(',', 32)
    .some((part) => /^\s*(?:x-)?gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)|$)/i.test(part));
}

/** `Prefer: respond-async` (RFC 7240 §4.1). */
export function prefersAsync({ headers }: FastifyRequest): boolean {
  const { prefer } = headers;
  const text = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '');
  return /(?:^|[,;\s])respond-async(?=[,;\s]|$)/i.test(text);
}
