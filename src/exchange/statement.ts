import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { randomBytes, sha256 } from '#crypto/platform';
import { type KeysOf, STATEMENT_WINDOW_MS, verifies } from '../auth/member-signature.ts';
import type { KeyRecord } from '../chain/account.ts';
import type { Signer } from '../chain/sign-transaction.ts';
import { base64urlToBytes, bytesToBase64url, bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

/** The calls between organisations, each a statement of the caller's member key. */
export type CallName = 'tags' | 'offer' | 'countersign';

/** What a member says to a custodian, once. */
export type Statement = {
  readonly format: 'aceso.exchange/1';
  readonly call: CallName;
  /** Genesis hash of the ledger that both are members of. */
  readonly chain: string;
  /** Member account of the custodian that is called. */
  readonly audience: string;
  readonly member: string;
  /** Id of the member's key that signed. */
  readonly key: string;
  readonly nonce: string;
  readonly atMs: number;
  readonly body: JsonObject;
};

/** Canonical bytes of a statement or of an answer, base64url, and the Ed25519 signature over them, hexadecimal. */
export type Signed = { readonly bytes: string; readonly key: string; readonly signature: string };

const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** Form of a signed call; `maxChars` bounds the payload before it is decoded. */
export const signedForm = (maxChars: number) =>
  Type.Object(
    {
      bytes: Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: maxChars }),
      key: Account,
      signature: Type.String({ pattern: '^[0-9a-f]{128}$' }),
    },
    strict,
  );

const StatementForm = Type.Object(
  {
    format: Type.Literal('aceso.exchange/1'),
    call: Type.Union([Type.Literal('tags'), Type.Literal('offer'), Type.Literal('countersign')]),
    chain: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    audience: Account,
    member: Account,
    key: Account,
    nonce: Account,
    atMs: Type.Integer({ minimum: 0 }),
    body: Type.Unsafe<JsonObject>(Type.Object({})),
  },
  strict,
);

export interface SignedStatement {
  readonly statement: Statement;
  readonly signed: Signed;
}

/** Says something to a custodian with a fresh nonce. */
export async function signStatement(
  signer: Signer,
  call: Pick<Statement, 'call' | 'chain' | 'audience' | 'atMs' | 'body'>,
): Promise<SignedStatement> {
  const statement: Statement = {
    format: 'aceso.exchange/1',
    member: signer.account,
    key: signer.keyId,
    nonce: bytesToHex(randomBytes(16)),
    ...call,
  };
  const bytes = canonicalBytes(statement);
  const signature = bytesToHex(await signer.sign(frame('aceso/exchange/1', bytes)));
  return { statement, signed: { bytes: bytesToBase64url(bytes), key: signer.keyId, signature } };
}

/**
 * The statement of a call, once form, addressee, time and signature hold; not whether it was used before. Throws Reject
 * EXCHANGE_CALL_MALFORMED, _MISADDRESSED, _TIME_WRONG, _SIGNATURE_WRONG.
 */
export function readStatement(
  signed: Signed,
  expected: {
    call: CallName;
    chain: string;
    audience: string;
    nowMs: number;
    keysOf: KeysOf;
  },
): Statement {
  const bytes = base64urlToBytes(signed.bytes);
  const statement = bytes === undefined ? undefined : parseCanonical(bytes);
  if (bytes === undefined || !Value.Check(StatementForm, statement)) throw reject('EXCHANGE_CALL_MALFORMED');
  const { call, chain, audience, member, key, atMs } = statement;
  if (call !== expected.call || chain !== expected.chain || audience !== expected.audience)
    throw reject('EXCHANGE_MISADDRESSED');
  const holds =
    key === signed.key && verifies(expected.keysOf(member), key, frame('aceso/exchange/1', bytes), signed.signature);
  if (!holds) throw reject('EXCHANGE_SIGNATURE_WRONG');
  if (Math.abs(expected.nowMs - atMs) > STATEMENT_WINDOW_MS) throw reject('EXCHANGE_TIME_WRONG');
  return statement;
}

/** An answer bound to the call that it answers, so that no old one, nor an impostor's, passes for it. */
export async function signAnswer(signer: Signer, call: Signed, answer: JsonObject): Promise<Signed> {
  const bytes = canonicalBytes(answer);
  const signature = bytesToHex(await signer.sign(answerBytes(call, bytes)));
  return { bytes: bytesToBase64url(bytes), key: signer.keyId, signature };
}

/** The answer to `call` signed by one of `keys`; undefined when it is not, or is not canonical. */
export function readAnswer(call: Signed, answer: Signed, keys: readonly KeyRecord[]): JsonObject | undefined {
  const bytes = base64urlToBytes(answer.bytes);
  if (bytes === undefined || !verifies(keys, answer.key, answerBytes(call, bytes), answer.signature)) return undefined;
  const value = parseCanonical(bytes);
  return typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function answerBytes(call: Signed, answer: Uint8Array): Uint8Array {
  return frame('aceso/exchange-answer/1', base64urlToBytes(call.bytes) as Uint8Array, sha256(answer));
}
