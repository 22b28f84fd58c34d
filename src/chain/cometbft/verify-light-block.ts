import { verifyEd25519 } from '#crypto/platform';
import { isSmallOrderEd25519 } from '../../crypto/small-order.ts';
import { base64ToBytes, bytesToHex, hexToBytes } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { type Validator, validatorAddress } from '../validators.ts';
import { CODES } from './codes.ts';
import { headerHash } from './header-hash.ts';
import type { CommitJson, LightBlock } from './light-block.ts';
import { bytesToUpperHex, upperHexToBytes } from './upper-hex.ts';
import { isValidatorSet, validatorsHash } from './validators-hash.ts';
import { voteSignBytes } from './vote-sign-bytes.ts';

const reject = rejecter(CODES);

type Vote = CommitJson['signatures'][number];

/**
 * Checks that more than two thirds of the power of `set` voted for a header of chain `chainId`, and that the header is
 * of that set (CometBFT's VerifyCommitLightAllSignatures, spec/light-client/verification). Stricter than CometBFT in
 * that every signature given must verify, and by RFC 8032. Resolves to how many of the set signed. Throws a Reject of
 * codes.ts at the first thing that does not hold.
 */
export async function verifySignedHeader(
  { header, commit }: LightBlock,
  set: readonly Validator[],
  chainId: string,
): Promise<{ readonly signed: number; readonly of: number }> {
  verifyHeader({ header, commit }, chainId);
  if (!isValidatorSet(set) || bytesToUpperHex(validatorsHash(set)) !== header.validators_hash)
    throw reject('COMMIT_SET_DIFFERS');
  const voters = votersOf(commit, set);
  let power = 0;
  for (const { validator, vote } of voters) {
    if (!(await holds(vote, validator, commit, chainId)))
      throw reject('COMMIT_SIGNATURE_WRONG', { validator: vote.validator_address });
    power += validator.power;
  }
  // 128 validators of a million each: far within exact integers.
  const total = set.reduce((sum, one) => sum + one.power, 0);
  if (power * 3 <= total * 2) throw reject('COMMIT_POWER_MISSING', { power, total });
  return { signed: voters.length, of: set.length };
}

/** What holds of a header and its commit whoever signed: one chain, one height, one hash. Throws a Reject of codes.ts. */
export function verifyHeader({ header, commit }: LightBlock, chainId: string): void {
  if (header.chain_id !== chainId) throw reject('COMMIT_OTHER_CHAIN');
  const isOfIt = commit.height === header.height && commit.block_id.hash === bytesToUpperHex(headerHash(header));
  if (!isOfIt) throw reject('COMMIT_HEADER_DIFFERS');
}

/**
 * The commit without signatures that do not hold here. CometBFT takes them by the laxer rule of ZIP 215, so one
 * validator could sign in a way that Node and browsers refuse, and every receipt with that signature would fail: who
 * issues receipts leaves it out, and those of the others must suffice.
 */
export async function withoutOddSignatures(
  { header, commit }: LightBlock,
  set: readonly Validator[],
): Promise<LightBlock> {
  const signatures: Vote[] = [];
  for (const vote of commit.signatures) {
    const validator = set.find((one) => addressOf(vote) === validatorAddress(one.publicKey));
    if (validator !== undefined && (await holds(vote, validator, commit, header.chain_id))) signatures.push(vote);
  }
  return { header, commit: { ...commit, signatures } };
}

/** Who signed, each once: in the order of the set, so that one commit has one form. Throws Reject COMMIT_SIGNER_UNKNOWN. */
function votersOf(commit: CommitJson, set: readonly Validator[]): { validator: Validator; vote: Vote }[] {
  const addresses = set.map(({ publicKey }) => validatorAddress(publicKey));
  let next = 0;
  return commit.signatures.map((vote) => {
    const at = addresses.indexOf(addressOf(vote), next);
    const validator = set[at];
    if (validator === undefined) throw reject('COMMIT_SIGNER_UNKNOWN', { validator: vote.validator_address });
    next = at + 1;
    return { validator, vote };
  });
}

/** A key of small order lets anybody sign in its name; that a platform refuses it (Node 26 does) is not relied on. */
async function holds(vote: Vote, { publicKey }: Validator, commit: CommitJson, chainId: string): Promise<boolean> {
  const key = hexToBytes(publicKey) as Uint8Array;
  const signature = base64ToBytes(vote.signature);
  // Stray bits at the end of the text: another text for the same signature.
  if (signature === undefined || isSmallOrderEd25519(key)) return false;
  return verifyEd25519(key, voteSignBytes(commit, vote.timestamp, chainId), signature);
}

function addressOf({ validator_address }: Vote): string {
  return bytesToHex(upperHexToBytes(validator_address));
}
