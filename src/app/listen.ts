import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { isLoopbackHost } from '../std/loopback-address.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const UNUSABLE = new Set(['EADDRNOTAVAIL', 'EACCES', 'ENOTFOUND', 'EAFNOSUPPORT', 'EINVAL', 'EAI_AGAIN']);
/** What `localhost` leads to; the first of them that answers has the visitor. */
const LOOPBACK = ['127.0.0.1', '::1'];
/** No such address on this machine, so nobody else is there either. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
const FREE_PORT_TRIES = 10;

/** Where a node is: for itself, and for others. */
export interface NodeAddress {
  /** Addresses to listen on. A node that is called by a name has all that the name leads to, or somebody else has it. */
  readonly hosts: readonly [string, ...string[]];
  /** Address at which the node reaches its own routes. */
  readonly ownUrl: string;
  /** Address under which others reach it, without a slash at its end. */
  readonly baseUrl: string;
}

/**
 * By the host and port that it listens on and the address that the operator names, if one. On the loopback interface a
 * node is called `localhost` unless it is told otherwise: passkeys are made for a name and never for a number (WebAuthn L3
 * §5.1.2), and browsers take that name without TLS (Secure Contexts §3.1).
 */
export function nodeAddress(host: string, port: number, baseUrl?: string): NodeAddress {
  const ownUrl = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const local = `http://localhost:${port}`;
  const called = baseUrl ?? (isLoopbackHost(host) ? local : ownUrl);
  if (called !== local || !isLoopbackHost(host)) return { hosts: [host], ownUrl, baseUrl: called };
  const first = host === 'localhost' ? '127.0.0.1' : host;
  return { hosts: [first, ...LOOPBACK.filter((one) => one !== first)], ownUrl, baseUrl: called };
}

export interface Listening {
  /** Of the first host. */
  readonly url: string;
  /** To be awaited beside the server's close: when the connections by the other hosts have ended too. */
  readonly closed: Promise<unknown>;
}

/**
 * Listens on every host; further ones that this machine does not have are left out. Throws Reject PORT_IN_USE,
 * ADDRESS_UNUSABLE.
 */
export async function listen(
  app: FastifyInstance,
  hosts: readonly [string, ...string[]],
  port: number,
): Promise<Listening> {
  const [first, ...others] = hosts;
  const doors: Door[] = [];
  app.addHook('preClose', async () => {
    for (const { close } of doors) close();
  });
  await app.ready();
  // A connection is the server's own from then on (node:http, event 'connection'): its limits, its requests, its closing.
  for (const host of others) doors.push(openDoor(host, port, (socket) => app.server.emit('connection', socket)));
  try {
    await Promise.all(doors.map(({ opened }) => opened));
    const url = await app.listen({ host: first, port });
    return { url, closed: Promise.all(doors.map(({ closed }) => closed)) };
  } catch (error) {
    for (const { close } of doors) close();
    throw listenRefusal(error, port);
  }
}

/** As `node:http` makes its sockets. */
const AS_HTTP = { allowHalfOpen: true, noDelay: true } as const;

interface Door {
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
  close(): void;
}

function openDoor(host: string, port: number, take: (socket: Socket) => void): Door {
  const server = createServer(AS_HTTP, take);
  const [opened, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  server.once('close', closed.resolve);
  server.on('error', (error: NodeJS.ErrnoException) => {
    closed.resolve();
    if (ABSENT.has(error.code ?? '')) opened.resolve();
    else opened.reject(error);
  });
  server.listen({ host, port }, opened.resolve);
  return {
    opened: opened.promise,
    closed: closed.promise,
    close: () => {
      if (server.listening) server.close();
    },
  };
}

/** A port that was free a moment ago on every host: links and metadata name the address before it is listened on. */
export async function freePort(hosts: readonly [string, ...string[]], tries = FREE_PORT_TRIES): Promise<number> {
  try {
    const port = await probe(hosts[0], 0);
    await requireFree(hosts, port);
    return port;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && tries > 1) return freePort(hosts, tries - 1);
    throw listenRefusal(error, 0);
  }
}

/** Whether a node could listen on them: rejects with what keeps it from that. */
export async function requireFree(hosts: readonly [string, ...string[]], port: number): Promise<void> {
  const [first, ...others] = hosts;
  await probe(first, port);
  for (const host of others)
    await probe(host, port).catch((error: NodeJS.ErrnoException) => {
      if (!ABSENT.has(error.code ?? '')) throw error;
    });
}

/** Listens for a moment; resolves to the port. */
function probe(host: string, port: number): Promise<number> {
  const server = createServer();
  return new Promise((resolve, fail) => {
    server.once('error', fail);
    server.listen({ host, port }, () => {
      const at = server.address() as AddressInfo;
      server.close(() => resolve(at.port));
    });
  });
}

/** What keeps a server from listening, as a Reject; any other error as it is. */
export function listenRefusal(error: unknown, port: number): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return reject('PORT_IN_USE', { port });
  return UNUSABLE.has(code) ? reject('ADDRESS_UNUSABLE', { reason: code }) : error;
}
