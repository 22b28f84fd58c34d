import { sha256 } from '#crypto/platform';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import { type DocumentStore, pagesOfJson, writeJson } from '../documents.ts';

/*
 * Documents in which the authorization server remembers (sessions, codes, tokens, grants, assertions that were used), in
 * the vaults: encrypted, in backups, and durable before a token is handed out. Nothing is written before somebody signed
 * in or a client proved itself; what is before that is in memory (interaction-memory.ts). A document's name is the hash of
 * the token and the token itself is not in it: who reads the store holds none (but the sessions of browsers, which are
 * found by another name too).
 */

/** Kind of the documents of one of the provider's models. */
export const kindOf = (model: string): string => `oauth:${model}`;
/** Sessions by the name that interactions know them by. */
export const SESSION_UID = 'oauth:SessionUid';
/** Tokens that let an app register itself (registration.ts). */
export const INITIAL_TOKEN = 'oauth:Registration';
/** Launches that wait, and what an app was launched with, which ends with its grant (launch-context.ts). */
export const LAUNCH = 'oauth:Launch';
export const CONTEXT = 'oauth:Context';

const KINDS = [
  // Interactions lay here once; what a vault still has of them goes.
  ...['Session', 'Interaction', 'Grant', 'AccessToken', 'AuthorizationCode', 'RefreshToken'].map(kindOf),
  ...['ClientCredentials', 'ReplayDetection'].map(kindOf),
  ...[SESSION_UID, INITIAL_TOKEN, LAUNCH, CONTEXT],
];

/** What every such document says. */
export interface Expiring {
  /** Milliseconds since the epoch; absent for what does not expire. */
  readonly expiresAtMs?: number;
}

/** Name of a document that is found by a secret. */
export function nameOf(id: string): string {
  return bytesToHex(sha256(utf8(id)));
}

export function isExpired({ expiresAtMs = Number.POSITIVE_INFINITY }: Expiring, nowMs: number): boolean {
  return expiresAtMs <= nowMs;
}

/** Removes what expired, a page of documents at a time; resolves with how many documents that were. */
export async function sweepExpired(stores: readonly DocumentStore[], clock: () => number): Promise<number> {
  let removed = 0;
  for (const store of stores) {
    for (const kind of KINDS) {
      for await (const page of pagesOfJson<Expiring>(store, kind)) {
        for (const { id, value } of page) {
          if (!isExpired(value, clock())) continue;
          await writeJson(store, kind, id, undefined);
          removed++;
        }
      }
    }
  }
  return removed;
}
