import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Where something listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * What a cut link does: `reset` ends its connections and every new one at once; `silent` lets nothing through and says
 * nothing, as a cable that was pulled.
 */
export type Cut = 'reset' | 'silent';

/** A TCP link from one node to another that can be cut. */
export interface Link {
  /** Where the node at its beginning dials. */
  readonly address: Address;
  cut(how: Cut): void;
  heal(): void;
  close(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Listens at a free port of `host` and passes what comes on to `target`. */
export async function createLink(host: string, target: Address): Promise<Link> {
  const pairs = new Set<Pair>();
  let state: 'open' | Cut = 'open';

  function join({ near, far }: Pair): void {
    near.pipe(far);
    far.pipe(near);
  }

  function part({ near, far }: Pair): void {
    near.unpipe(far);
    far.unpipe(near);
    near.pause();
    far.pause();
  }

  function end(pair: Pair): void {
    pairs.delete(pair);
    pair.near.destroy();
    pair.far.destroy();
  }

  const server = createServer((near) => {
    if (state === 'reset') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target);
    const pair = { near, far };
    pairs.add(pair);
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => end(pair)).on('close', () => end(pair));
    }
    if (state === 'open') join(pair);
    else part(pair);
  });
  await new Promise<void>((resolve, fail) => server.once('error', fail).listen({ host, port: 0 }, resolve));
  const { port } = server.address() as AddressInfo;

  return {
    address: { host, port },
    cut(how) {
      state = how;
      for (const pair of [...pairs]) {
        if (how === 'silent') part(pair);
        else end(pair);
      }
    },
    heal() {
      state = 'open';
      for (const pair of pairs) join(pair);
    },
    close() {
      server.close();
      for (const pair of [...pairs]) end(pair);
    },
  };
}

/** A port of `host` that was free a moment ago. */
export async function freePort(host: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, fail) => probe.once('error', fail).listen({ host, port: 0 }, resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
