import type { IncomingMessage, Server } from 'node:http';
import websocket from '@fastify/websocket';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Binding } from './binding-tokens.ts';
import type { SocketChannel, SocketConnection } from './socket-channel.ts';
import { createWaitingSockets } from './waiting-sockets.ts';

export interface SocketPluginOptions {
  /** Path of the websocket. */
  readonly path: string;
  /** What a binding token is for; undefined when it is for nothing. */
  readonly take: (token: string) => Binding | undefined;
  /** Where to bind; undefined when the subscription is gone. */
  readonly channelOf: (binding: Binding) => SocketChannel | undefined;
}

/** What is used of a websocket of `ws`, which comes without types. */
interface ClientSocket {
  send(text: string, done: (error?: Error) => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
  on(event: 'message', heard: (data: unknown, isBinary: boolean) => void): void;
  on(event: 'close', heard: () => void): void;
}

/** Largest message that a client may send, in bytes: `bind-with-token` and a token are some 60. */
const MAX_MESSAGE_BYTES = 512;
/** How long a connection may be bound to nothing. */
const UNBOUND_MS = 5_000;
/** Subscriptions that one connection is bound to. */
const MAX_BOUND = 50;
/** RFC 6455 §7.4.1: policy violation. */
const POLICY = 1008;
const BIND = /^bind-with-token[ :]\s*([A-Za-z0-9_-]{43})\s*$/;

/**
 * Websockets (Subscriptions R5 Backport 1.1.0, "Websockets"): a client sends `bind-with-token <token>`, once for each
 * subscription, and then only listens. The token goes in a message, since addresses end up in logs. Whoever sends
 * anything else, or nothing, is cut off. A subscription has one connection, and a connection without one is closed: there
 * are never more of the bound ones than there is room for subscriptions.
 */
export function createSocketPlugin({ path, take, channelOf }: SocketPluginOptions): FastifyPluginAsync {
  const waiting = createWaitingSockets();

  function serve(socket: ClientSocket, { ip }: FastifyRequest): void {
    const bound = new Set<SocketChannel>();
    const connection: SocketConnection = {
      send: (text, done) => socket.send(text, done),
      terminate: () => socket.terminate(),
      displaced(channel) {
        bound.delete(channel);
        if (bound.size === 0) socket.close(POLICY, 'bound by another connection');
      },
    };
    const leave = waiting.enter(ip, () => socket.terminate());
    const settle = () => {
      leave();
      clearTimeout(timer);
    };
    const timer = setTimeout(() => socket.close(POLICY, 'bind-with-token is missing'), UNBOUND_MS);
    timer.unref();
    socket.on('message', (data, isBinary) => {
      const text = isBinary || !Buffer.isBuffer(data) ? '' : data.toString('utf8');
      const binding = take(BIND.exec(text)?.[1] ?? '');
      const channel = binding === undefined ? undefined : channelOf(binding);
      if (channel === undefined || bound.size >= MAX_BOUND) return socket.close(POLICY, 'token unknown or expired');
      settle();
      bound.add(channel);
      channel.bind(connection);
    });
    socket.on('close', () => {
      settle();
      for (const channel of bound) channel.unbind(connection);
    });
  }

  return async (app) => {
    await app.register(websocket, { options: { maxPayload: MAX_MESSAGE_BYTES } });
    // Else every request with an Upgrade header, such as h2c, would be taken from the HTTP parser.
    const server = app.server as Server & { shouldUpgradeCallback: (request: IncomingMessage) => boolean };
    server.shouldUpgradeCallback = ({ url = '', headers }) =>
      url.split('?', 1)[0] === path && headers.upgrade?.toLowerCase() === 'websocket';
    app.get(path, { websocket: true }, serve);
  };
}
