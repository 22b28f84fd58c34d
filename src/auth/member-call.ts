import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { randomBytes, sha256 } from '#crypto/platform';
import type { Signer } from '../chain/sign-transaction.ts';
import { base64urlToBytes, bytesToBase64url, bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';

/**
 * How a member organisation makes an HTTP request to another member's node in its own name:
 * `Authorization: Aceso-Member <statement>.<key id>.<signature>` (RFC 9110 §11.6.2, a scheme of our own). The statement
 * is canonical JSON in base64url; the signature is Ed25519 over frame('aceso/member-call/1', statement), hexadecimal.
 * It binds the ledger, the node that is called, method, path with query, and body, so that no node can use elsewhere
 * what it was sent. Addresses of nodes have no path of their own: what is signed is what the called node sees.
 */

export const MEMBER_CALL_SCHEME = 'Aceso-Member';

/** Largest header that is looked at, in characters; it bounds what it holds, the path above all. */
export const MAX_HEADER_CHARS = 8 * 1024;
const FRAME_TAG = 'aceso/member-call/1';

/** What a member says with a request, once. */
export type MemberCall = {
  readonly format: 'aceso.member-call/1';
  /** Genesis hash of the ledger that both are members of. */
  readonly chain: string;
  /** Member account of an organisation at the node that is called. */
  readonly audience: string;
  readonly member: string;
  /** Id of the member's key that signed. */
  readonly key: string;
  /** 16 random bytes. */
  readonly nonce: string;
  readonly atMs: number;
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly target: string;
  /** SHA-256 of the exact bytes of the body; of nothing when there is none. */
  readonly bodyHash: string;
};

const strict = { additionalProperties: false } as const;
const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

const MemberCallForm = Type.Object(
  {
    format: Type.Literal('aceso.member-call/1'),
    chain: Hash,
    audience: Account,
    member: Account,
    key: Account,
    nonce: Account,
    atMs: Type.Integer({ minimum: 0 }),
    method: Type.String({ pattern: '^[A-Z]{1,16}$' }),
    target: Type.String({ pattern: '^/' }),
    bodyHash: Hash,
  },
  strict,
);

/** The header of a request, with a fresh nonce. */
export async function signMemberCall(
  signer: Signer,
  request: Pick<MemberCall, 'chain' | 'audience' | 'atMs' | 'method' | 'target'> & { readonly body: Uint8Array },
): Promise<string> {
  const { body, ...rest } = request;
  const call: MemberCall = {
    format: 'aceso.member-call/1',
    ...rest,
    member: signer.account,
    key: signer.keyId,
    nonce: bytesToHex(randomBytes(16)),
    bodyHash: memberCallBodyHash(body),
  };
  const bytes = canonicalBytes(call);
  const signature = bytesToHex(await signer.sign(frame(FRAME_TAG, bytes)));
  return `${MEMBER_CALL_SCHEME} ${bytesToBase64url(bytes)}.${signer.keyId}.${signature}`;
}

export function memberCallBodyHash(body: Uint8Array): string {
  return bytesToHex(sha256(body));
}

/** A call as it was sent: nothing of it holds before the signature over `message` does. */
export interface SentMemberCall {
  readonly call: MemberCall;
  readonly message: Uint8Array;
  readonly signature: string;
}

const HEADER = /^Aceso-Member ([A-Za-z0-9_-]+)\.([0-9a-f]{32})\.([0-9a-f]{128})$/;

/** The call that a header holds; undefined for anything of another form, or longer than MAX_HEADER_CHARS. */
export function parseMemberCall(header: string): SentMemberCall | undefined {
  if (header.length > MAX_HEADER_CHARS) return undefined;
  const [, text = '', key = '', signature = ''] = HEADER.exec(header) ?? [];
  const bytes = text === '' ? undefined : base64urlToBytes(text);
  const call = bytes === undefined ? undefined : parseCanonical(bytes);
  if (bytes === undefined || !Value.Check(MemberCallForm, call) || call.key !== key) return undefined;
  return { call, message: frame(FRAME_TAG, bytes), signature };
}
