import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter } from 'cosmjs-types/binary';
import { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';
import { BlockID } from 'cosmjs-types/tendermint/types/types';
import { SimpleValidator } from 'cosmjs-types/tendermint/types/validator';
import { Consensus } from 'cosmjs-types/tendermint/version/types';
import { sha256, verifyEd25519 } from '#crypto/platform';
import { concatBytes, equalBytes } from '../../src/std/bytes.ts';
import { jsonFault } from '../../src/std/canonical-json.ts';
import vector from '../vectors/cometbft/commit.json' with { type: 'json' };

/*
 * Shows, on one commit of a real CometBFT v0.38.25 chain, that everything an offline verifier needs of it (header,
 * commit, validators) fits a receipt's `commit` as canonical JSON, and that SHA-256 and Ed25519 suffice to check it.
 * Source: CometBFT spec/core/data_structures.md (Header, Commit, CanonicalVote, ValidatorSet) and encoding.md.
 */
const { header, commit } = vector.signedHeader;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const base64 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'base64'));

/** RFC 6962 tree hash over byte slices, as CometBFT's merkle package computes it. */
function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array(0));
  if (leaves.length === 1) return sha256(concatBytes(Uint8Array.of(0), leaves[0] as Uint8Array));
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(concatBytes(Uint8Array.of(1), merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split))));
}

/** RFC 3339 time with nanoseconds, which a JavaScript Date would round. */
function timestamp(text: string): Timestamp {
  const [whole, fraction = ''] = text.replace('Z', '').split('.');
  return Timestamp.fromPartial({
    seconds: BigInt(Date.parse(`${whole}Z`) / 1000),
    nanos: Number(fraction.padEnd(9, '0')),
  });
}

type BlockIdJson = typeof commit.block_id;
const blockId = (id: BlockIdJson): BlockID =>
  BlockID.fromPartial({ hash: hex(id.hash), partSetHeader: { total: id.parts.total, hash: hex(id.parts.hash) } });
/** google.protobuf.BytesValue, StringValue and Int64Value: the value as field 1. Empty bytes encode to nothing. */
const bytesValue = (text: string): Uint8Array =>
  text === '' ? new Uint8Array(0) : BinaryWriter.create().uint32(10).bytes(hex(text)).finish();
const stringValue = (text: string): Uint8Array => BinaryWriter.create().uint32(10).string(text).finish();
const int64Value = (text: string): Uint8Array => BinaryWriter.create().uint32(8).int64(BigInt(text)).finish();

function headerHash(h: typeof header): Uint8Array {
  return merkleRoot([
    Consensus.encode({ block: BigInt(h.version.block), app: BigInt(h.version.app) }).finish(),
    stringValue(h.chain_id),
    int64Value(h.height),
    Timestamp.encode(timestamp(h.time)).finish(),
    BlockID.encode(blockId(h.last_block_id)).finish(),
    ...[h.last_commit_hash, h.data_hash, h.validators_hash, h.next_validators_hash, h.consensus_hash].map(bytesValue),
    ...[h.app_hash, h.last_results_hash, h.evidence_hash, h.proposer_address].map(bytesValue),
  ]);
}

function validatorsHash(): Uint8Array {
  return merkleRoot(
    vector.validators.map((validator) =>
      SimpleValidator.encode({
        pubKey: { ed25519: base64(validator.pub_key.value) },
        votingPower: BigInt(validator.voting_power),
      }).finish(),
    ),
  );
}

function voteSignBytes(signature: (typeof commit.signatures)[number]): Uint8Array {
  const id = blockId(commit.block_id);
  // CanonicalVote: type, height, [round: 0 is left out], block_id, timestamp, chain_id. Fixed-width numbers, so that
  // a hardware signer finds them at fixed places.
  const vote = BinaryWriter.create().uint32(8).int32(2).uint32(17).sfixed64(BigInt(commit.height));
  if (commit.round !== 0) vote.uint32(25).sfixed64(BigInt(commit.round));
  vote
    .uint32(34)
    .bytes(BlockID.encode(id).finish())
    .uint32(42)
    .bytes(Timestamp.encode(timestamp(signature.timestamp)).finish());
  const bytes = vote.uint32(50).string(header.chain_id).finish();
  return BinaryWriter.create().bytes(bytes).finish();
}

async function votedPower(): Promise<bigint> {
  let power = 0n;
  for (const signature of commit.signatures) {
    const validator = vector.validators.find(({ address }) => address === signature.validator_address);
    assert(validator);
    const key = base64(validator.pub_key.value);
    assert.equal(Buffer.from(sha256(key).subarray(0, 20)).toString('hex').toUpperCase(), validator.address);
    if (await verifyEd25519(key, voteSignBytes(signature), base64(signature.signature))) {
      power += BigInt(validator.voting_power);
    }
  }
  return power;
}

test('a real CometBFT commit is checked with SHA-256 and Ed25519 alone', async () => {
  assert(equalBytes(headerHash(header), hex(commit.block_id.hash)), 'header hash is the committed block id');
  assert(equalBytes(validatorsHash(), hex(header.validators_hash)), 'validator set is the one of the header');
  const total = vector.validators.reduce((sum, { voting_power }) => sum + BigInt(voting_power), 0n);
  assert((await votedPower()) * 3n > total * 2n, 'more than two thirds signed');
  assert(!equalBytes(headerHash({ ...header, app_hash: '0100000000000000' }), hex(commit.block_id.hash)));
});

test('a real CometBFT commit is canonical JSON as it stands', () => {
  assert.equal(jsonFault({ kind: 'cometbft', header, commit, validators: vector.validators }), undefined);
});
