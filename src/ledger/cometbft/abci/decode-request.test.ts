import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter } from 'cosmjs-types/binary';
import { Request } from 'cosmjs-types/tendermint/abci/types';
import fc from 'fast-check';
import { isReject } from '../../../std/reject.ts';
import { type AbciRequest, decodeRequest } from './decode-request.ts';
import { encodedRequest, type RequestDraft } from './test-engine.ts';

const TIME = { seconds: 1_800_000_000n, nanos: 999_999_999 };
const HASH = new Uint8Array(32).fill(5);
const VALIDATOR = { address: new Uint8Array(20).fill(6), power: 10n };
const VOTES = [{ validator: VALIDATOR, blockIdFlag: 2 }];
const MISBEHAVIOR = [{ type: 1, validator: VALIDATOR, height: 3n, time: TIME, totalVotingPower: 40n }];
const BLOCK = {
  ...{ txs: [Uint8Array.of(1), new Uint8Array(0), new Uint8Array(300).fill(9)], misbehavior: MISBEHAVIOR, hash: HASH },
  ...{ height: 7n, time: TIME, nextValidatorsHash: HASH, proposerAddress: VALIDATOR.address },
};

/** Each kind with every field set. */
const REQUESTS: readonly RequestDraft[] = [
  { echo: { message: 'hello, wörld' } },
  { flush: {} },
  { info: { version: '0.38.25', blockVersion: 11n, p2pVersion: 8n, abciVersion: '2.0.0' } },
  {
    initChain: {
      ...{ time: TIME, chainId: 'aceso-x', appStateBytes: Uint8Array.of(123, 125), initialHeight: 1n },
      validators: [{ pubKey: { ed25519: HASH }, power: 10n }],
      consensusParams: {
        block: { maxBytes: 4_194_304n, maxGas: -1n },
        evidence: { maxAgeNumBlocks: 100_000n, maxAgeDuration: { seconds: 172_800n, nanos: 1 }, maxBytes: 1_048_576n },
        ...{ validator: { pubKeyTypes: ['ed25519'] }, version: { app: 1n }, abci: { voteExtensionsEnableHeight: 1n } },
      },
    },
  },
  { query: { data: Uint8Array.of(1, 2), path: '/p2p/filter/addr/1', height: 2n ** 62n, prove: true } },
  { checkTx: { tx: new Uint8Array(300).fill(3), type: 1 } },
  { commit: {} },
  { listSnapshots: {} },
  { offerSnapshot: { snapshot: { height: 1n, format: 1, chunks: 2, hash: HASH, metadata: HASH }, appHash: HASH } },
  { loadSnapshotChunk: { height: 2n ** 63n, format: 1, chunk: 4_294_967_295 } },
  { applySnapshotChunk: { index: 1, chunk: HASH, sender: 'a'.repeat(40) } },
  {
    prepareProposal: {
      ...{ ...BLOCK, maxTxBytes: -1n },
      localLastCommit: {
        round: 1,
        votes: [{ validator: VALIDATOR, voteExtension: HASH, extensionSignature: HASH, blockIdFlag: 3 }],
      },
    },
  },
  { processProposal: { ...BLOCK, proposedLastCommit: { round: -1, votes: VOTES } } },
  { finalizeBlock: { ...BLOCK, decidedLastCommit: { round: 0, votes: VOTES } } },
];

for (const partial of REQUESTS) {
  const [kind] = Object.keys(partial) as [AbciRequest['kind']];
  const frame = encodedRequest(partial);

  test(`${kind} is read as it was written, into memory of its own`, () => {
    const bytes = frame.slice();
    const { kind: seen, message } = decodeRequest(bytes);
    bytes.fill(0);
    assert.equal(seen, kind);
    assert.deepEqual(Request.encode({ [kind]: message }).finish(), frame);
  });

  test(`${kind} cut anywhere, or with more after it, is refused`, () => {
    for (let end = 0; end < frame.length; end++) assert.throws(() => decodeRequest(frame.slice(0, end)), isReject);
    assert.throws(() => decodeRequest(Uint8Array.of(...frame, 0)), isReject);
    assert.throws(() => decodeRequest(Uint8Array.of(...frame, ...frame)), isReject);
  });
}

test('transactions own exactly their bytes', () => {
  const frame = encodedRequest({ finalizeBlock: BLOCK });
  const { kind, message } = decodeRequest(frame);
  assert(kind === 'finalizeBlock');
  for (const tx of message.txs) {
    assert.equal(tx.constructor, Uint8Array);
    assert.equal(tx.buffer.byteLength, tx.length);
  }
});

/** A request's frame from a field's number and the body under it. */
const field = (number: number, body: readonly number[], wire = 2): Uint8Array =>
  BinaryWriter.create()
    .uint32(number * 8 + wire)
    .bytes(Uint8Array.from(body))
    .finish();

const BAD: readonly (readonly [string, Uint8Array, string])[] = [
  ['an empty message', new Uint8Array(0), 'ABCI_REQUEST_MALFORMED'],
  ['an endless tag', new Uint8Array(11).fill(0xff), 'ABCI_REQUEST_MALFORMED'],
  ['field 0', field(0, []), 'ABCI_REQUEST_MALFORMED'],
  ['a kind as an integer', Uint8Array.of(8 * 8, 1), 'ABCI_REQUEST_MALFORMED'],
  ['a kind as a group', field(8, [], 3), 'ABCI_REQUEST_MALFORMED'],
  ['SetOption, of ABCI 0.17', field(4, []), 'ABCI_REQUEST_UNKNOWN'],
  ['BeginBlock, of ABCI 1', field(7, []), 'ABCI_REQUEST_UNKNOWN'],
  ['a kind of the future', field(21, []), 'ABCI_REQUEST_UNKNOWN'],
  ['ExtendVote', field(18, []), 'ABCI_REQUEST_UNEXPECTED'],
  ['VerifyVoteExtension', field(19, []), 'ABCI_REQUEST_UNEXPECTED'],
  ['a body shorter than it says', Uint8Array.of(66, 3, 10, 0), 'ABCI_REQUEST_MALFORMED'],
  ['a length in more bytes than it needs', Uint8Array.of(66, 0x82, 0x00, 10, 0), 'ABCI_REQUEST_MALFORMED'],
  ['a field that CheckTx lacks', field(8, [26, 0]), 'ABCI_REQUEST_MALFORMED'],
  ['a field in two-byte form', field(8, [0x8a, 0x00, 0]), 'ABCI_REQUEST_MALFORMED'],
  ['a transaction as an integer', field(8, [8, 1]), 'ABCI_REQUEST_MALFORMED'],
  ['a transaction beyond its message', field(8, [10, 2, 1]), 'ABCI_REQUEST_MALFORMED'],
  ['two transactions in one CheckTx', field(8, [10, 1, 1, 10, 1, 2]), 'ABCI_REQUEST_MALFORMED'],
  ['a type that CheckTx lacks', field(8, [16, 2]), 'ABCI_REQUEST_MALFORMED'],
  ['a type of ten bytes', field(8, [16, ...Array(9).fill(0xff), 1]), 'ABCI_REQUEST_MALFORMED'],
  ['65 bits', field(14, [8, ...Array(9).fill(0xff), 2]), 'ABCI_REQUEST_MALFORMED'],
  ['eleven bytes of a varint', field(14, [8, ...Array(10).fill(0xff), 1]), 'ABCI_REQUEST_MALFORMED'],
  ['something in Flush', field(2, [8, 1]), 'ABCI_REQUEST_MALFORMED'],
  ['a vote beyond its commit', field(20, [18, 2, 18, 4, 10, 2, 24, 1]), 'ABCI_REQUEST_MALFORMED'],
  ['two keys of one validator', field(5, [34, 6, 10, 4, 10, 0, 18, 0]), 'ABCI_REQUEST_MALFORMED'],
];

for (const [name, frame, code] of BAD) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => decodeRequest(frame),
      (error) => isReject(error) && error.code === code,
    );
  });
}

test('whatever the bytes, there is a request or a coded refusal', () => {
  const frames = REQUESTS.map((partial) => encodedRequest(partial));
  const changed = fc
    .tuple(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([frame, changes]) => {
      const bytes = frame.slice();
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes;
    });
  const property = fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 40 })), (bytes) => {
    try {
      const { kind, message } = decodeRequest(bytes);
      // What is taken says nothing that cosmjs-types, asked alone, would not see in it too.
      assert.deepEqual(Request.decode(bytes)[kind], message);
    } catch (error) {
      assert(isReject(error), String(error));
    }
  });
  fc.assert(property, { numRuns: 5_000 });
});
