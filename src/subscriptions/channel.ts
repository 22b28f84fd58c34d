import type { Outgoing } from '../outgoing/outgoing.ts';
import { utf8 } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { LIMITS } from './limits.ts';

/** A receiver did not take a notification. `code` says why, without its address. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed';
  readonly code: string;

  constructor(code: string) {
    super(`DeliveryFailed: ${code}`);
    this.code = code;
  }
}

/** The way to a receiver. */
export interface Channel {
  /** Somebody is there to send to. */
  isReady(): boolean;
  /** The receiver must be greeted before anything else: with a handshake. */
  needsHandshake(): boolean;
  /** Resolves when the receiver took the notification. Throws DeliveryFailed. */
  send(text: string, signal: AbortSignal): Promise<void>;
  /** The handshake was taken. */
  greeted(): void;
  close(): void;
}

/**
 * A rest-hook: each notification is posted, and any 2xx takes it (Subscriptions R5 Backport 1.1.0, "REST-Hook"). Addresses
 * are looked up, judged and pinned by `Outgoing`, each time anew; a redirect is a refusal.
 */
export function createRestHook(options: {
  readonly outgoing: Outgoing;
  /** Member account whose rules apply. */
  readonly organisation: string;
  readonly endpoint: string;
  readonly timeoutMs: number;
  /** Opened for each notification: values may have changed. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  readonly isVerified: boolean;
}): Channel {
  const { outgoing, organisation, endpoint, timeoutMs, headers } = options;
  let isGreeted = options.isVerified;
  return {
    isReady: () => true,
    needsHandshake: () => !isGreeted,
    greeted() {
      isGreeted = true;
    },
    async send(text, signal) {
      const own = await headers();
      let status: number;
      try {
        ({ status } = await outgoing.request(organisation, {
          url: endpoint,
          method: 'POST',
          headers: { ...own, 'content-type': 'application/fhir+json', accept: 'application/fhir+json' },
          body: utf8(text),
          timeoutMs,
          maxBytes: LIMITS.answerBytes,
          signal,
        }));
      } catch (error) {
        throw isReject(error) ? new DeliveryFailed(error.code) : error;
      }
      if (status < 200 || status > 299) throw new DeliveryFailed(`RECEIVER_ANSWERED_${status}`);
    },
    close() {},
  };
}
