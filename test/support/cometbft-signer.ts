import { createHash } from 'node:crypto';
import { BinaryWriter } from 'cosmjs-types/binary';
import { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';
import { BlockID } from 'cosmjs-types/tendermint/types/types';
import { SimpleValidator } from 'cosmjs-types/tendermint/types/validator';
import { Consensus } from 'cosmjs-types/tendermint/version/types';
import type { BlockId, CommitJson, Header, LightBlock } from '../../src/chain/cometbft/light-block.ts';
import type { Validator } from '../../src/chain/validators.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';

/*
 * What CometBFT's validators make, by other means than the verifier reads it with: cosmjs-types, Buffer and node:crypto.
 * Source: spec/core/data_structures.md and encoding.md; a test holds its bytes against those of a real chain.
 */

/** A validator whose key comes from a label. */
export interface TestValidator extends Validator {
  readonly seed: Uint8Array;
}

export function testValidator(label: string, power = 10): TestValidator {
  const seed = new Uint8Array(sha256(`validator ${label}`));
  return { seed, publicKey: Buffer.from(ed25519PublicKey(seed)).toString('hex'), power };
}

/** CometBFT's order, without the seeds. */
export function setOf(validators: readonly Validator[]): Validator[] {
  return validators
    .map(({ publicKey, power }) => ({ publicKey, power }))
    .sort((a, b) => b.power - a.power || (addressOf(a) < addressOf(b) ? -1 : 1));
}

const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const upper = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const addressOf = ({ publicKey }: Validator): string => upper(sha256(hex(publicKey)).subarray(0, 20));

/** RFC 6962 tree hash. */
function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256('');
  if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), leaves[0] as Uint8Array]));
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.concat([Buffer.of(1), merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split))]));
}

function timestamp(text: string): Timestamp {
  const [whole, fraction = ''] = text.replace('Z', '').split('.');
  const seconds = BigInt(Date.parse(`${whole}Z`) / 1000);
  return Timestamp.fromPartial({ seconds, nanos: Number(fraction.padEnd(9, '0')) });
}

function blockId({ hash, parts }: Header['last_block_id']): BlockID {
  return BlockID.fromPartial({ hash: hex(hash), partSetHeader: { total: parts.total, hash: hex(parts.hash) } });
}

const bytesValue = (text: string): Uint8Array =>
  text === '' ? new Uint8Array(0) : BinaryWriter.create().uint32(10).bytes(hex(text)).finish();

/** Upper-case hexadecimal, as `block_id.hash`. */
export function testHeaderHash(header: Header): string {
  const leaves = [
    Consensus.encode({ block: BigInt(header.version.block), app: BigInt(header.version.app) }).finish(),
    BinaryWriter.create().uint32(10).string(header.chain_id).finish(),
    BinaryWriter.create().uint32(8).int64(BigInt(header.height)).finish(),
    Timestamp.encode(timestamp(header.time)).finish(),
    BlockID.encode(blockId(header.last_block_id)).finish(),
    ...[header.last_commit_hash, header.data_hash, header.validators_hash, header.next_validators_hash].map(bytesValue),
    ...[header.consensus_hash, header.app_hash, header.last_results_hash, header.evidence_hash].map(bytesValue),
    bytesValue(header.proposer_address),
  ];
  return upper(merkleRoot(leaves));
}

export function testValidatorsHash(set: readonly Validator[]): string {
  const leaves = setOf(set).map(({ publicKey, power }) =>
    SimpleValidator.encode({ pubKey: { ed25519: hex(publicKey) }, votingPower: BigInt(power) }).finish(),
  );
  return upper(merkleRoot(leaves));
}

export function testVoteBytes(
  commit: Pick<CommitJson, 'height' | 'round' | 'block_id'>,
  time: string,
  chainId: string,
) {
  const vote = BinaryWriter.create().uint32(8).int32(2).uint32(17).sfixed64(BigInt(commit.height));
  if (commit.round !== 0) vote.uint32(25).sfixed64(BigInt(commit.round));
  vote.uint32(34).bytes(BlockID.encode(blockId(commit.block_id)).finish());
  vote.uint32(42).bytes(Timestamp.encode(timestamp(time)).finish());
  return BinaryWriter.create().bytes(vote.uint32(50).string(chainId).finish()).finish();
}

/** What a test wants of a header; the rest is as an empty block has it. */
export interface HeaderParts {
  readonly chainId: string;
  readonly height: number;
  readonly set: readonly Validator[];
  /** The set of the next height; the same unless given. */
  readonly nextSet?: readonly Validator[];
  /** Hexadecimal of either case. */
  readonly appHash?: string;
}

const EMPTY_HASH = upper(sha256(''));

export function testHeader({ chainId, height, set, nextSet = set, appHash = '' }: HeaderParts): Header {
  return {
    version: { block: '11', app: '0' },
    chain_id: chainId,
    height: String(height),
    time: `2026-01-01T00:00:${String(height % 60).padStart(2, '0')}.25Z`,
    last_block_id: testBlockId(`block ${height - 1}`),
    last_commit_hash: upper(sha256(`commit ${height - 1}`)),
    data_hash: EMPTY_HASH,
    validators_hash: testValidatorsHash(set),
    next_validators_hash: testValidatorsHash(nextSet),
    consensus_hash: upper(sha256('parameters')),
    app_hash: appHash.toUpperCase(),
    last_results_hash: EMPTY_HASH,
    evidence_hash: EMPTY_HASH,
    proposer_address: addressOf(set[0] as Validator),
  };
}

function testBlockId(label: string): BlockId {
  return { hash: upper(sha256(label)), parts: { total: 1, hash: upper(sha256(`parts of ${label}`)) } };
}

/** A commit for a header by `voters`, in the order given: CometBFT's where a test wants nothing else. */
export function testCommit(
  header: Header,
  voters: readonly TestValidator[],
  options: { readonly round?: number; readonly chainId?: string } = {},
): CommitJson {
  const { round = 0, chainId = header.chain_id } = options;
  const block_id = { ...testBlockId('this'), hash: testHeaderHash(header) };
  const commit = { height: header.height, round, block_id };
  const signatures = voters.map((voter, at) => {
    const time = `2026-01-01T00:01:00.${String(at + 1).padStart(9, '0')}`.replace(/0+$/, '');
    const signature = signEd25519(voter.seed, testVoteBytes(commit, `${time}Z`, chainId));
    return {
      block_id_flag: 2 as const,
      validator_address: addressOf(voter),
      timestamp: `${time}Z`,
      signature: Buffer.from(signature).toString('base64'),
    };
  });
  return { ...commit, signatures };
}

/** A header that `voters` (all of the set unless given) committed, in the order of the set. */
export function testLightBlock(parts: HeaderParts, voters: readonly TestValidator[]): LightBlock {
  const header = testHeader(parts);
  return { header, commit: testCommit(header, inOrder(voters)) };
}

export function inOrder(voters: readonly TestValidator[]): TestValidator[] {
  const keys = setOf(voters).map(({ publicKey }) => publicKey);
  return [...voters].sort((a, b) => keys.indexOf(a.publicKey) - keys.indexOf(b.publicKey));
}
