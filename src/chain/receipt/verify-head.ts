import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import type { Head } from '../block.ts';
import { int64Of } from '../cometbft/light-block.ts';
import { type Genesis, genesisHash } from '../genesis.ts';
import { CODES } from './codes.ts';
import { CometBftCommit, verifyCometBftCommit } from './cometbft-commit.ts';
import { genesisTrust, isCometBftTrust } from './trust.ts';

const reject = rejecter(CODES);

/**
 * Checks a consortium's head and its commit, as `GET /ledger/head` gives them, from genesis on. Resolves to the header
 * that proves it: its height, and its hash in upper-case hexadecimal as CometBFT writes it. Throws a Reject of codes.ts.
 */
export async function verifyHead(
  { head, commit }: { readonly head: Head; readonly commit: unknown },
  genesis: Genesis,
): Promise<{ readonly height: number; readonly hash: string }> {
  const { operator } = genesisTrust(genesis);
  if (head.genesis !== genesisHash(genesis)) throw reject('RECEIPT_OTHER_LEDGER');
  if (!Value.Check(CometBftCommit, commit) || !isCometBftTrust(operator)) throw reject('RECEIPT_MALFORMED');
  await verifyCometBftCommit(commit, head, { operator, heldHead: undefined });
  return { height: int64Of(commit.header.height), hash: commit.commit.block_id.hash };
}
