import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { verifyEd25519 } from '#crypto/platform';
import { rejecter } from '../../std/reject.ts';
import { headSignBytes } from '../head.ts';
import { CODES } from './codes.ts';
import { hashOf } from './hash.ts';
import type { Receipt } from './receipt.ts';
import type { Trust } from './trust.ts';

const reject = rejecter(CODES);

/** The embedded host's commit: the operator's Ed25519 signature over the head. */
const EmbeddedCommit = Type.Object(
  {
    kind: Type.Literal('embedded'),
    publicKey: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    signature: Type.String({ pattern: '^[0-9a-f]{128}$' }),
  },
  { additionalProperties: false },
);
export type EmbeddedCommit = Static<typeof EmbeddedCommit>;

/** Checks that the commit proves the head under the trusted keys; says what stands behind it. */
export async function verifyCommit(receipt: Receipt, trust: Trust): Promise<string> {
  const { commit, head } = receipt;
  if (commit.kind !== 'embedded') throw reject('RECEIPT_COMMIT_UNKNOWN', { kind: 'other' });
  if (!Value.Check(EmbeddedCommit, commit)) throw reject('RECEIPT_MALFORMED');
  if (trust.operator.kind !== 'embedded' || trust.operator.publicKey !== commit.publicKey) {
    throw reject('RECEIPT_KEY_UNKNOWN');
  }
  const holds = await verifyEd25519(hashOf(commit.publicKey), headSignBytes(head), hashOf(commit.signature));
  if (!holds) throw reject('RECEIPT_SIGNATURE_WRONG');
  return '1 operator key';
}
