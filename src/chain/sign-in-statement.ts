import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { sha256 } from '#crypto/platform';
import { base64urlToBytes, bytesToBase64url, bytesToHex, utf8 } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame, u64 } from '../std/frame.ts';

/*
 * What a wallet signs to sign in at a node: neither a transaction nor anything that the ledger takes, since its tag is
 * its own. Statement and answer travel as one line of base64url each, for people who carry them between two programs.
 */

const strict = { additionalProperties: false } as const;
const Hex16 = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Origin = Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]{1,247}$' });
const Challenge = Type.String({ pattern: '^[A-Za-z0-9_-]{22,128}$' });

const StatementForm = Type.Object(
  {
    format: Type.Literal('aceso.sign-in/1'),
    /** Genesis hash of the ledger. */
    chain: Hex32,
    /** Where the person signs in: the wallet shows it, and they compare it with the page's address. */
    origin: Origin,
    /** SHA-256 of the attempt's secret name. */
    session: Hex32,
    challenge: Challenge,
    expiresAtMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  strict,
);

const AnswerForm = Type.Object(
  {
    format: Type.Literal('aceso.signed-in/1'),
    /** Member account of the organisation that keeps the patient's account. */
    custodian: Hex16,
    account: Hex16,
    /** Id of the key. */
    key: Hex16,
    challenge: Challenge,
    /** base64url: 64 bytes of Ed25519, or an assertion as `chain/webauthn.ts` frames it. */
    signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86,4600}$' }),
  },
  strict,
);

export interface SignInStatement {
  readonly chain: string;
  readonly origin: string;
  readonly session: string;
  /** base64url. */
  readonly challenge: string;
  readonly expiresAtMs: number;
}

export interface SignInAnswer {
  readonly custodian: string;
  readonly account: string;
  readonly key: string;
  readonly challenge: string;
  readonly signature: string;
}

/** Longest statement or answer that is looked at, in characters. */
const MAX_TEXT = 8192;

/** Name of a session that may be shown: the session itself lets its bearer go on with it. */
export function sessionName(session: string): string {
  return bytesToHex(sha256(frame('aceso/sign-in-session/1', utf8(session))));
}

/** What the key of a patient's account signs: the statement, for one account at one custodian. */
export function signInBytes(statement: SignInStatement, custodian: string, account: string): Uint8Array {
  const { chain, origin, session, challenge, expiresAtMs } = statement;
  const texts = [chain, custodian, account, origin, session, challenge];
  return frame('aceso/sign-in/1', ...texts.map(utf8), u64(expiresAtMs));
}

export function statementToText(statement: SignInStatement): string {
  const { chain, origin, session, challenge, expiresAtMs } = statement;
  return toText({ format: 'aceso.sign-in/1', chain, origin, session, challenge, expiresAtMs });
}

/** undefined for what is no statement. */
export function parseStatement(text: string): SignInStatement | undefined {
  const value = fromText(text);
  return Value.Check(StatementForm, value) ? value : undefined;
}

export function answerToText({ custodian, account, key, challenge, signature }: SignInAnswer): string {
  return toText({ format: 'aceso.signed-in/1', custodian, account, key, challenge, signature });
}

/** undefined for what is no answer. */
export function parseAnswer(text: string): SignInAnswer | undefined {
  const value = fromText(text);
  return Value.Check(AnswerForm, value) ? value : undefined;
}

function toText(value: JsonObject): string {
  return bytesToBase64url(canonicalBytes(value));
}

function fromText(text: string): unknown {
  const bytes = text.length > MAX_TEXT ? undefined : base64urlToBytes(text);
  return bytes === undefined ? undefined : parseCanonical(bytes);
}
