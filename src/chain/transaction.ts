import { sha256 } from '#crypto/platform';
import { bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame, unframe } from '../std/frame.ts';

/**
 * The transaction, version 1. Wire = frame(TRANSACTION_TAG, body, signature of signer 0, signature of signer 1, …);
 * all sign frame(TRANSACTION_TAG, body), and the id is the SHA-256 of those bytes. Frozen: vectors pin it.
 */
export const TRANSACTION_TAG = 'aceso/tx/1';

/** Largest transaction on the wire, most signers, largest single signature (a WebAuthn assertion with extensions). */
export const MAX_WIRE_BYTES = 64 * 1024;
export const MAX_SIGNERS = 8;
export const MAX_SIGNATURE_BYTES = 4096;

/** How far past block time `notAfterMs` may lie, in milliseconds; so long ids are kept against replay. */
export const REPLAY_WINDOW_MS = 10 * 60 * 1000;

/** Who signs. `key` is the key's id; its algorithm comes from the account's record, never from here. */
export type TransactionSigner = {
  readonly account: string;
  readonly key: string;
  readonly role: 'sender' | 'approver';
};

/** What the message says: its type, `capability.verb`, and what that type's schema asks for. */
export type Message = JsonObject & { readonly type: string };

export type TransactionBody = {
  /** Hash of genesis, hexadecimal: a transaction belongs to one ledger. */
  readonly chain: string;
  /** 16 random bytes, hexadecimal. */
  readonly nonce: string;
  /** The last block time at which it may run, milliseconds since the epoch. */
  readonly notAfterMs: number;
  /** The sender first, then approvers. */
  readonly signers: readonly TransactionSigner[];
  readonly message: Message;
};

export interface Transaction {
  /** SHA-256 of the signed bytes, hexadecimal: the signatures are no part of it. */
  readonly id: string;
  /** Frozen through and through. */
  readonly body: TransactionBody;
  /** What each signer signed. */
  readonly signBytes: Uint8Array;
  /** In the order of the signers. */
  readonly signatures: readonly Uint8Array[];
  /** The wire bytes, not shared with whoever handed them over. */
  readonly wire: Uint8Array;
}

/** Exact bytes of a body. Throws TypeError when `parseTransaction` would not take it. */
export function buildBody(body: TransactionBody): Uint8Array {
  if (!isBody(body)) throw new TypeError('not a transaction body');
  return canonicalBytes(body);
}

/** What all signers sign. */
export function signBytes(bodyBytes: Uint8Array): Uint8Array {
  return frame(TRANSACTION_TAG, bodyBytes);
}

/** Id of the transaction with this body, hexadecimal. */
export function transactionId(bodyBytes: Uint8Array): string {
  return bytesToHex(sha256(signBytes(bodyBytes)));
}

/** Wire bytes; `signatures` in the order of the body's signers. */
export function encodeTransaction(bodyBytes: Uint8Array, signatures: readonly Uint8Array[]): Uint8Array {
  return frame(TRANSACTION_TAG, bodyBytes, ...signatures);
}

/**
 * The transaction of wire bytes, its signatures unverified; undefined for anything but exact canonical form within the
 * limits above. The result does not share memory with what is given.
 */
export function parseTransaction(given: Uint8Array): Transaction | undefined {
  if (given.length > MAX_WIRE_BYTES) return undefined;
  const wire = given.slice();
  const parts = unframe(TRANSACTION_TAG, wire);
  const bodyBytes = parts?.shift();
  if (parts === undefined || bodyBytes === undefined) return undefined;
  if (parts.length === 0 || parts.length > MAX_SIGNERS) return undefined;
  if (parts.some(({ length }) => length === 0 || length > MAX_SIGNATURE_BYTES)) return undefined;
  const body = parseCanonical(bodyBytes);
  if (body === undefined || !isBody(body) || body.signers.length !== parts.length) return undefined;
  // A frame of fewer parts is a prefix of one with more: what was signed stands at the beginning of the wire.
  const signed = wire.subarray(0, bodyBytes.byteOffset - wire.byteOffset + bodyBytes.length);
  return { id: bytesToHex(sha256(signed)), body: freeze(body), signBytes: signed, signatures: parts, wire };
}

const HASH = /^[0-9a-f]{64}$/;
const ID = /^[0-9a-f]{32}$/;
/** `capability.verb`: lower case first, a dot at least. */
const MESSAGE_TYPE = /^[a-z][A-Za-z0-9]{0,31}(?:\.[a-z][A-Za-z0-9]{0,31}){1,2}$/;

function isBody(value: Json): value is TransactionBody {
  if (!hasExactly(value, ['chain', 'message', 'nonce', 'notAfterMs', 'signers'])) return false;
  const { chain, message, nonce, notAfterMs, signers } = value;
  return (
    isMatch(chain, HASH) &&
    isMatch(nonce, ID) &&
    typeof notAfterMs === 'number' &&
    notAfterMs >= 0 &&
    isMessage(message) &&
    isSigners(signers)
  );
}

function isMessage(value: Json | undefined): boolean {
  return isObject(value) && isMatch(value.type, MESSAGE_TYPE);
}

/** One sender, first; every (account, key) once. */
function isSigners(value: Json | undefined): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_SIGNERS) return false;
  const seen = new Set<string>();
  for (const [index, signer] of (value as readonly Json[]).entries()) {
    if (!hasExactly(signer, ['account', 'key', 'role'])) return false;
    const { account, key, role } = signer;
    if (!isMatch(account, ID) || !isMatch(key, ID) || role !== (index === 0 ? 'sender' : 'approver')) return false;
    seen.add(`${account}/${key}`);
  }
  return seen.size === value.length;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && !Array.isArray(value);
}

function isMatch(value: Json | undefined, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/** True for an object with these members and no others; `names` in byte order. */
function hasExactly(value: Json, names: readonly string[]): value is JsonObject {
  if (!isObject(value)) return false;
  return Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name));
}

/** Parsed bodies outlive one execution, so that nothing that runs on one may change it for the next. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  // fence: freezing in any order freezes all
  for (const name of Object.keys(value)) freeze((value as Record<string, unknown>)[name]);
  return Object.freeze(value);
}
