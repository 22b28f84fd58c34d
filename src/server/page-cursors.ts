import { randomBytes } from 'node:crypto';
import { sha256 } from '#crypto/platform';
import type { Caller } from '../auth/caller.ts';
import { openAes256Gcm, sealAes256Gcm } from '../crypto/node/aead.ts';
import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';

/** Where a list goes on, and when the look began that the page belongs to, in milliseconds. */
export interface PagePlace {
  readonly after: string;
  readonly lookedMs: number;
}

/**
 * Cursors of a list, sealed (AES-256-GCM) to whom they were given, and for which question: nobody makes one up to see
 * what was not looked for before, or goes on with another's. About 80 characters.
 */
export interface PageCursors {
  seal(caller: Caller, question: string, place: PagePlace): string;
  /** Undefined for a cursor that was not given to this caller for this question since the node started. */
  open(caller: Caller, question: string, cursor: string): PagePlace | undefined;
}

const MAX_CURSOR_CHARS = 512;
/** Pages of a list that are asked for within this time belong to one look. */
const ONE_LOOK_MS = 10 * 60_000;

/** Under a key of their own that is kept nowhere: after a restart a list begins anew. */
export function createPageCursors(): PageCursors {
  const key = randomBytes(32);
  const boundTo = ({ custodian, account, organisation, purpose, client = '' }: Caller, question: string) =>
    frame(
      'aceso/server/page-cursor/1',
      sha256(utf8(JSON.stringify([custodian, account, organisation, purpose, client, question]))),
    );
  return {
    seal: (caller, question, { after, lookedMs }) =>
      bytesToBase64url(sealAes256Gcm(key, utf8(`${lookedMs} ${after}`), boundTo(caller, question))),
    open(caller, question, cursor) {
      const sealed = cursor.length <= MAX_CURSOR_CHARS ? base64urlToBytes(cursor) : undefined;
      const opened = sealed && openAes256Gcm(key, sealed, boundTo(caller, question));
      const match = opened && /^(\d+) (.+)$/.exec(utf8ToText(opened));
      return match ? { after: match[2] as string, lookedMs: Number(match[1]) } : undefined;
    },
  };
}

/** When the look began that a page asked for now belongs to: a look of its own for the first, and for one that comes late. */
export function lookOf(
  place: PagePlace | undefined,
  nowMs: number,
): { readonly lookedMs: number; readonly isNew: boolean } {
  const isSame = place !== undefined && nowMs >= place.lookedMs && nowMs - place.lookedMs < ONE_LOOK_MS;
  return isSame ? { lookedMs: place.lookedMs, isNew: false } : { lookedMs: nowMs, isNew: true };
}
