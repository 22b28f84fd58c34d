import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { verifyEd25519 } from '#crypto/platform';
import { rejecter } from '../../std/reject.ts';
import { headSignBytes } from '../head.ts';
import { CODES } from './codes.ts';
import { CometBftCommit, verifyCometBftCommit } from './cometbft-commit.ts';
import { hashOf } from './hash.ts';
import type { Receipt } from './receipt.ts';
import { isCometBftTrust, type Trust } from './trust.ts';

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

/** What stands behind a head, and the keys that prove heads from this one on. */
export interface Standing {
  /** `1 operator key`, `3 of 4 members`. */
  readonly standing: string;
  readonly operator: Trust['operator'];
}

/** Checks that the commit proves the head under the trusted keys. */
export async function verifyCommit({ commit, head }: Receipt, trust: Trust): Promise<Standing> {
  const { operator } = trust;
  if (commit.kind === 'cometbft') {
    if (!Value.Check(CometBftCommit, commit)) throw reject('RECEIPT_MALFORMED');
    if (!isCometBftTrust(operator)) throw reject('RECEIPT_KEY_UNKNOWN');
    return verifyCometBftCommit(commit, head, { operator, heldHead: trust.head });
  }
  if (commit.kind !== 'embedded') throw reject('RECEIPT_COMMIT_UNKNOWN', { kind: 'other' });
  if (!Value.Check(EmbeddedCommit, commit)) throw reject('RECEIPT_MALFORMED');
  if (operator.kind !== 'embedded' || operator.publicKey !== commit.publicKey) throw reject('RECEIPT_KEY_UNKNOWN');
  const holds = await verifyEd25519(hashOf(commit.publicKey), headSignBytes(head), hashOf(commit.signature));
  if (!holds) throw reject('RECEIPT_SIGNATURE_WRONG');
  return { standing: '1 operator key', operator };
}
