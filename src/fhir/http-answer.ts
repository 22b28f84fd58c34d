import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Reject } from '../std/reject.ts';
import { encode, encodingFor } from './content-encoding.ts';
import type { FhirResult } from './context.ts';
import { FHIR_JSON } from './http-request.ts';
import { rejectToOutcome, statusOf } from './outcome.ts';
import { prettyJson } from './pretty-json.ts';

/** Sends what an interaction came to; long bodies compressed as the client accepts. */
export async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  result: FhirResult,
  isPretty = false,
): Promise<FastifyReply> {
  reply.code(result.status);
  if (result.etag !== undefined) reply.header('etag', result.etag);
  if (result.lastModifiedMs !== undefined) reply.header('last-modified', new Date(result.lastModifiedMs).toUTCString());
  if (result.location !== undefined) reply.header('location', result.location);
  if (result.body === undefined) return reply.send();
  reply.type(`${FHIR_JSON}; charset=utf-8`).header('cache-control', 'no-store');
  const body = isPretty ? prettyJson(result.body) : result.body;
  const encoding = encodingFor(request.headers['accept-encoding'], body);
  if (encoding === undefined) return reply.send(body);
  reply.header('vary', withVary(reply.getHeader('vary'))).header('content-encoding', encoding);
  return reply.send(await encode(body, encoding));
}

/** What the answer differs by: CORS may have said something before. */
function withVary(before: unknown): string {
  return typeof before === 'string' ? `${before}, accept-encoding` : 'accept-encoding';
}

/** RFC 6750 §3. */
function challengeOf(code: string, status: number): string | undefined {
  if (code === 'SCOPE_INSUFFICIENT') return 'Bearer error="insufficient_scope"';
  if (status !== 401) return undefined;
  return code === 'TOKEN_UNKNOWN' ? 'Bearer error="invalid_token"' : 'Bearer';
}

/** Sends a refusal as an OperationOutcome, never compressed: it is short. */
export function sendRefusal(reply: FastifyReply, refusal: Reject): FastifyReply {
  reply.refusalCode = refusal.code;
  const { allow } = refusal.data;
  if (refusal.code === 'INTERACTION_UNSUPPORTED' && typeof allow === 'string') reply.header('allow', allow);
  const status = statusOf(refusal);
  const challenge = challengeOf(refusal.code, status);
  if (challenge !== undefined) reply.header('www-authenticate', challenge);
  return reply
    .code(status)
    .type(`${FHIR_JSON}; charset=utf-8`)
    .header('cache-control', 'no-store')
    .send(JSON.stringify(rejectToOutcome(refusal)));
}
