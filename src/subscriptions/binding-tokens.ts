import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../std/bytes.ts';

/** What a binding token lets a websocket bind to. */
export interface Binding {
  readonly custodian: string;
  readonly subscription: string;
}

/** How long a token may wait for its websocket. */
const TOKEN_MS = 60_000;
/** Tokens that may wait at the same time, over all subscriptions; the oldest goes first. */
const MAX_TOKENS = 10_000;

/** Tokens of `$get-ws-binding-token`: 32 random bytes each, for one subscription, used once, forgotten by a restart. */
export interface BindingTokens {
  issue(binding: Binding): { readonly token: string; readonly expiresAtMs: number };
  /** What a token is for; undefined for one that is not known, was used, or has expired. */
  take(token: string): Binding | undefined;
}

export function createBindingTokens(clock: () => number): BindingTokens {
  const waiting = new Map<string, Binding & { readonly expiresAtMs: number }>();
  return {
    issue(binding) {
      const nowMs = clock();
      for (const [token, { expiresAtMs }] of waiting) {
        if (expiresAtMs > nowMs && waiting.size < MAX_TOKENS) break;
        waiting.delete(token);
      }
      const token = bytesToBase64url(randomBytes(32));
      const expiresAtMs = nowMs + TOKEN_MS;
      waiting.set(token, { ...binding, expiresAtMs });
      return { token, expiresAtMs };
    },
    take(token) {
      const found = waiting.get(token);
      waiting.delete(token);
      return found === undefined || found.expiresAtMs <= clock() ? undefined : found;
    },
  };
}
