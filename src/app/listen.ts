import type { FastifyInstance } from 'fastify';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const UNUSABLE = new Set(['EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAFNOSUPPORT', 'EINVAL', 'EAI_AGAIN']);

/** Listens; resolves to the URL. Throws Reject PORT_IN_USE, ADDRESS_UNUSABLE. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    throw listenRefusal(error, port);
  }
}

/** What keeps a server from listening, as a Reject; any other error as it is. */
export function listenRefusal(error: unknown, port: number): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return reject('PORT_IN_USE', { port });
  return UNUSABLE.has(code) ? reject('ADDRESS_UNUSABLE', { reason: code }) : error;
}
