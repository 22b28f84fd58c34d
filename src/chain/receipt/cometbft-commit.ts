import { type Static, Type } from 'typebox';
import { equalBytes } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { chainIdOf } from '../chain-id.ts';
import { CommitJson, Header, int64Of } from '../cometbft/light-block.ts';
import { upperHexToBytes } from '../cometbft/upper-hex.ts';
import { verifySignedHeader } from '../cometbft/verify-light-block.ts';
import { CODES } from './codes.ts';
import { hashOf } from './hash.ts';
import type { Receipt } from './receipt.ts';
import type { CometBftTrust, Trust } from './trust.ts';
import { MAX_SET_CHANGES, SetChange, walkToSet } from './validator-walk.ts';

const reject = rejecter(CODES);

/** A consortium's commit: the header after the head's block, its commit, and every change of the set since genesis. */
export const CometBftCommit = Type.Object(
  {
    kind: Type.Literal('cometbft'),
    header: Header,
    commit: CommitJson,
    changes: Type.Array(SetChange, { maxItems: MAX_SET_CHANGES }),
  },
  { additionalProperties: false },
);
export type CometBftCommit = Static<typeof CometBftCommit>;

/**
 * Checks that the header of the height after the head's carries the head's app hash, and that more than two thirds of
 * the set at that height signed it. Throws a Reject of codes.ts, here or of cometbft.
 */
export async function verifyCometBftCommit(
  { header, commit, changes }: CometBftCommit,
  head: Receipt['head'],
  { operator, heldHead }: { readonly operator: CometBftTrust; readonly heldHead: Trust['head'] },
): Promise<{ readonly standing: string; readonly operator: CometBftTrust }> {
  const trustedHeight = heldHead?.height ?? 0;
  if (head.height < trustedHeight)
    throw reject('RECEIPT_BEFORE_CHECKPOINT', { height: head.height, checkpoint: trustedHeight });
  const finalHeight = int64Of(header.height);
  const isOfHead =
    finalHeight === head.height + 1 && equalBytes(upperHexToBytes(header.app_hash), hashOf(head.appHash));
  if (!isOfHead) throw reject('RECEIPT_HEAD_UNPROVEN');
  const chainId = chainIdOf(head.genesis);
  const trusted = { set: operator.validators, height: trustedHeight };
  const set = await walkToSet(changes, trusted, { chainId, finalHeight });
  const { signed, of } = await verifySignedHeader({ header, commit }, set, chainId);
  const validators = set.map(({ publicKey, power }) => ({ publicKey, power }));
  return { standing: `${signed} of ${of} members`, operator: { kind: 'cometbft', validators } };
}
