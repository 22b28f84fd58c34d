import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Reject } from '../../../std/reject.ts';
import type { ChainLog } from '../../store/committed-chain.ts';
import type { AbciApplication } from './application.ts';
import { createApplicationCalls } from './application-calls.ts';
import { type CODES, reject } from './codes.ts';
import { type Connection, serveConnection } from './connection.ts';
import { clearSocketPath } from './socket-file.ts';

/** An engine opens four (consensus, mempool, query, snapshot); one that is started again may overlap the one before. */
const MAX_CONNECTIONS = 16;

/** Refusals of a connection that leave the engine which is connected already as it was. */
const STRANGERS: ReadonlySet<string> = new Set<keyof typeof CODES>(['ABCI_SECOND_ENGINE', 'ABCI_TOO_MANY_CONNECTIONS']);

export interface AbciServerOptions {
  readonly application: AbciApplication;
  /** Of the unix socket, at most 100 bytes. Its folder exists and is this user's alone. */
  readonly path: string;
  readonly log: ChainLog;
  /** An exception went to the engine, which ends now: the application failed, or the engine sent what is no ABCI 2.0. */
  readonly onEngineFault?: (reason: Reject) => void;
}

export interface AbciServer {
  /** Open connections. */
  connections(): number;
  /** Closes all connections and takes the socket away; resolves when the application has nothing to do any more. */
  close(): Promise<void>;
}

/**
 * Serves an application to an engine over a unix socket of mode 0600, by the socket protocol of CometBFT v0.38
 * (abci/client/socket_client.go, abci/server/socket_server.go). Resolves when it listens. Throws Reject
 * ABCI_SOCKET_PATH_TOO_LONG, ABCI_SOCKET_NO_SOCKET, ABCI_SOCKET_IN_USE, ABCI_SOCKET_UNUSABLE.
 */
export async function createAbciServer(options: AbciServerOptions): Promise<AbciServer> {
  const { path, log } = options;
  const calls = createApplicationCalls(options.application);
  const open = new Map<Socket, Connection>();
  let consensus: Socket | undefined;

  function accept(socket: Socket): void {
    const isTooMany = open.size >= MAX_CONNECTIONS;
    const connection = serveConnection({
      ...{ socket, calls, log },
      mayDriveConsensus() {
        consensus ??= socket;
        return consensus === socket;
      },
      onRefused(reason) {
        if (!STRANGERS.has(reason.code)) options.onEngineFault?.(reason);
      },
      onOver() {
        if (consensus === socket) consensus = undefined;
      },
    });
    open.set(socket, connection);
    socket.once('close', () => open.delete(socket));
    if (isTooMany) connection.refuse(reject('ABCI_TOO_MANY_CONNECTIONS', { most: MAX_CONNECTIONS }));
  }

  const server = createServer(accept);
  await clearSocketPath(path);
  await listen(server, path);
  server.on('error', (error) => log.error({ error: String(error) }, 'a connection of the engine was not accepted'));

  return {
    connections: () => open.size,
    async close() {
      const closed = [...open.keys()].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
      server.close();
      for (const connection of open.values()) connection.close();
      await Promise.all(closed);
      await calls.idle();
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, fail) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      fail(reject('ABCI_SOCKET_UNUSABLE', { path, error: error.code ?? error.name }));
    server.once('error', refuse);
    server.listen(path, () => {
      server.off('error', refuse);
      resolve();
    });
    // The socket is bound by now, and nobody's connection is accepted before this turn of the event loop ends.
    try {
      if (server.listening) chmodSync(path, 0o600);
    } catch (error) {
      server.close();
      refuse(error as NodeJS.ErrnoException);
    }
  });
}
