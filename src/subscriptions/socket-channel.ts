import { type Channel, DeliveryFailed } from './channel.ts';

/** The end of a websocket at which this server is. */
export interface SocketConnection {
  /** Calls back once the text has left this process. */
  send(text: string, done: (error?: Error) => void): void;
  /** Ends the connection at once. */
  terminate(): void;
  /** Another connection is bound to the channel from now on. */
  displaced(channel: SocketChannel): void;
}

/** The way to whoever bound a websocket to one subscription. */
export interface SocketChannel extends Channel {
  /** From now on notifications go here; an earlier connection gets no more of this subscription's. */
  bind(connection: SocketConnection): void;
  unbind(connection: SocketConnection): void;
  onBound(heard: () => void): void;
}

/**
 * One notification is under way at a time, and the next is rendered once it left: what waits in memory for a slow reader
 * is one of them. A reader that does not take it within `timeoutMs` is cut off; what it missed waits for its return.
 */
export function createSocketChannel(timeoutMs: number): SocketChannel {
  let bound: SocketConnection | undefined;
  let isGreeted = false;
  let heard = (): void => {};
  const channel: SocketChannel = {
    isReady: () => bound !== undefined,
    needsHandshake: () => !isGreeted,
    greeted() {
      isGreeted = true;
    },
    bind(connection) {
      const earlier = bound;
      bound = connection;
      isGreeted = false;
      if (earlier !== connection) earlier?.displaced(channel);
      heard();
    },
    unbind(connection) {
      if (bound === connection) bound = undefined;
    },
    onBound(listener) {
      heard = listener;
    },
    send(text, signal) {
      const connection = bound;
      if (connection === undefined) return Promise.reject(new DeliveryFailed('RECEIVER_GONE'));
      return new Promise((resolve, reject) => {
        const fail = (code: string) => {
          cleared();
          if (bound === connection) bound = undefined;
          connection.terminate();
          reject(new DeliveryFailed(code));
        };
        const onAbort = () => fail('RECEIVER_GONE');
        const timer = setTimeout(() => fail('RECEIVER_TOO_SLOW'), timeoutMs);
        const cleared = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', onAbort);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        connection.send(text, (error) => {
          if (error !== undefined && error !== null) return fail('RECEIVER_GONE');
          cleared();
          // Another connection may have taken its place meanwhile, and has not been told this.
          if (bound === connection) resolve();
          else reject(new DeliveryFailed('RECEIVER_GONE'));
        });
      });
    },
    close() {
      const connection = bound;
      bound = undefined;
      connection?.terminate();
    },
  };
  return channel;
}
