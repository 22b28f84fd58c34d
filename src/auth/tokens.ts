import { randomBytes, sha256 } from '#crypto/platform';
import { bytesToBase64url, bytesToHex, utf8 } from '../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import type { Caller } from './caller.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** What a bearer token stands for. It is kept in its organisation's vault under the SHA-256 of the token. */
export type TokenRecord = {
  readonly account: string;
  readonly kind: Caller['kind'];
  readonly organisation: string;
  readonly roles: readonly string[];
  /** Purposes of use it may declare; the first is taken when a request declares none. */
  readonly purposes: readonly string[];
  /** Said of it in lists: never a patient's name. */
  readonly label: string;
  readonly expiresAtMs: number;
};

/** Where an organisation keeps its tokens; its vault fills this. */
export interface TokenStore {
  getDocument(kind: string, id: string): Promise<Uint8Array | undefined>;
  putDocument(kind: string, id: string, bytes: Uint8Array | null): Promise<void>;
  readonly custodian: string;
}

const KIND = 'token';
const PREFIX = 'aceso_';
const TOKEN = /^aceso_[A-Za-z0-9_-]{43}$/;
/** HL7 v3 ActReason codes are short; anything else is no purpose. */
const PURPOSE = /^[A-Z]{1,16}$/;

/** Issues a token: 32 random bytes, shown once, of which only the hash is kept. */
export async function issueToken(store: TokenStore, record: TokenRecord): Promise<string> {
  const token = PREFIX + bytesToBase64url(randomBytes(32));
  await store.putDocument(KIND, tokenId(token), canonicalBytes(record));
  return token;
}

/** Revokes a token; unknown ones are no error. */
export async function revokeToken(store: TokenStore, token: string): Promise<void> {
  await store.putDocument(KIND, tokenId(token), null);
}

// The store is asked by hash, so a comparison's timing tells nothing of a token.
function tokenId(token: string): string {
  return bytesToHex(sha256(utf8(token)));
}

/**
 * Finds out who stands behind a request, from `Authorization` (RFC 6750 §2.1) and the purpose of use it declares.
 * Throws Reject TOKEN_MISSING, TOKEN_UNKNOWN or PURPOSE_NOT_ALLOWED.
 */
export async function authenticate(
  stores: Iterable<TokenStore>,
  header: string | undefined,
  purpose: string | undefined,
  nowMs: number,
): Promise<Caller> {
  if (header === undefined) throw reject('TOKEN_MISSING');
  const token = /^Bearer (\S{1,128})$/i.exec(header)?.[1] ?? '';
  if (!TOKEN.test(token)) throw reject('TOKEN_UNKNOWN');
  const id = tokenId(token);
  for (const store of stores) {
    const bytes = await store.getDocument(KIND, id);
    if (bytes === undefined) continue;
    const record = recordOf(bytes);
    if (record === undefined || record.expiresAtMs <= nowMs) break;
    return callerOf(store.custodian, record, purpose);
  }
  throw reject('TOKEN_UNKNOWN');
}

/** Parsed once for each time that a store reads it: one that keeps what it read hands out the same bytes again. */
const records = new WeakMap<Uint8Array, TokenRecord>();

function recordOf(bytes: Uint8Array): TokenRecord | undefined {
  const known = records.get(bytes);
  if (known !== undefined) return known;
  const record = parseCanonical(bytes) as TokenRecord | undefined;
  if (record !== undefined) records.set(bytes, record);
  return record;
}

function callerOf(custodian: string, record: TokenRecord, declared: string | undefined): Caller {
  const purpose = declared ?? record.purposes[0] ?? '';
  if (!PURPOSE.test(purpose) || !record.purposes.includes(purpose)) throw reject('PURPOSE_NOT_ALLOWED');
  const { account, kind, organisation, roles } = record;
  return { custodian, account, kind, organisation, roles, purpose };
}
