import { randomBytes, sha256 } from '#crypto/platform';
import { bytesToBase64url, bytesToHex, utf8 } from '../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import type { Caller } from './caller.ts';
import { CODES } from './codes.ts';
import type { DocumentStore } from './documents.ts';
import type { AttestationPort } from './sign-in/attestation.ts';

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
  /** Id of the wallet's key that the account was claimed by: the token ends when the key is retired. */
  readonly key?: string;
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

/** Revokes all tokens of an account; resolves with how many those were. */
export async function revokeTokensOf(store: DocumentStore, account: string): Promise<number> {
  const all = await store.listDocuments(KIND);
  const own = all.filter(({ bytes }) => recordOf(bytes)?.account === account);
  for (const { id } of own) await store.putDocument(KIND, id, null);
  return own.length;
}

// The store is asked by hash, so a comparison's timing tells nothing of a token.
function tokenId(token: string): string {
  return bytesToHex(sha256(utf8(token)));
}

/**
 * Finds out who stands behind a request, from `Authorization` (RFC 6750 §2.1) and the purpose of use it declares.
 * A person's token is worth as much as the ledger says of the person now: nothing for an account that is frozen or closed,
 * or whose key was retired. Without `attestation`, for stores of the organisations' own systems, nobody is asked.
 * Throws Reject TOKEN_MISSING, TOKEN_UNKNOWN or PURPOSE_NOT_ALLOWED.
 */
export async function authenticate(
  stores: Iterable<TokenStore>,
  header: string | undefined,
  purpose: string | undefined,
  nowMs: number,
  attestation?: AttestationPort,
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
    if (attestation !== undefined && !isAttested(attestation, store.custodian, record)) break;
    const caller = callerOf(store.custodian, record, purpose);
    // Systems' are of one run of the node, and what they ask for outlives it.
    return record.kind === 'system' ? caller : { ...caller, token: id };
  }
  throw reject('TOKEN_UNKNOWN');
}

/** Whether a token that somebody came with (`Caller.token`) would still let them in: not revoked, not expired, its key not retired. */
export async function holdsToken(
  store: TokenStore,
  id: string,
  nowMs: number,
  attestation: AttestationPort,
): Promise<boolean> {
  const bytes = await store.getDocument(KIND, id);
  const record = bytes === undefined ? undefined : recordOf(bytes);
  return record !== undefined && record.expiresAtMs > nowMs && isAttested(attestation, store.custodian, record);
}

function isAttested(attestation: AttestationPort, custodian: string, record: TokenRecord): boolean {
  if (record.kind === 'system') return true;
  const attested = attestation.attested(custodian, record.account);
  if (attested?.kind !== record.kind) return false;
  return record.key === undefined || (attested.kind === 'patient' && attested.keys.some(({ id }) => id === record.key));
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
