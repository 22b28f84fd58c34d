import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { Response } from 'cosmjs-types/tendermint/abci/types';
import { notesContract } from '../../../test/support/notes-contract.ts';
import { signWire, verifySignature } from '../../../test/support/test-chain.ts';
import { notesGenesis, silentLog, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { contractsOf } from '../../../test/vectors/chain/contracts.ts';
import type { Vector } from '../../../test/vectors/chain/vector.ts';
import { chainIdOf } from '../../chain/chain-id.ts';
import type { Contract } from '../../chain/contract.ts';
import { createKernel } from '../../chain/kernel.ts';
import { validatorSets } from '../../chain/validators.ts';
import { base64urlToBytes, bytesToHex, hexToBytes, utf8 } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { createSignaturePool } from '../intake/signature-pool.ts';
import { openCommittedChain } from '../store/committed-chain.ts';
import {
  frameOf,
  type RequestDraft,
  type TestEngine,
  testApplication,
  testEngine,
  testServer,
} from './abci/test-engine.ts';
import { createApplication } from './application.ts';
import { createKnownTransactions } from './known-transactions.ts';

const alice = testSigner('alice');
const START_MS = 1_700_000_000_000;

interface Host {
  readonly engine: TestEngine;
  ask(request: RequestDraft): Promise<Response>;
  close(): Promise<void>;
}

/** The application on a folder, behind its socket, and an engine's side of that. */
async function openHost(
  t: TestContext,
  folder: string,
  genesis: JsonObject,
  contracts: readonly Contract[],
): Promise<Host> {
  const kernel = createKernel({ genesis, contracts, verifySignature });
  const chain = await openCommittedChain({ folder, kernel, log: silentLog });
  const signatures = createSignaturePool(0, () => {});
  const known = createKnownTransactions({
    check(wire, timeMs) {
      const snapshot = chain.snapshot();
      try {
        return kernel.check(snapshot, wire, timeMs ?? START_MS);
      } finally {
        snapshot.release();
      }
    },
    signatures,
  });
  const { listSnapshots, offerSnapshot, loadSnapshotChunk, applySnapshotChunk } = testApplication();
  const snapshots = { listSnapshots, offerSnapshot, loadSnapshotChunk, applySnapshotChunk };
  const application = createApplication({
    ...{ chain, kernel, known, log: silentLog, snapshots },
    monotonic: () => performance.now(),
    retainHeight: () => 0,
    onCommit: () => {},
  });
  const { path, server } = await testServer(t, application);
  const engine = await testEngine(t, path);
  return {
    engine,
    async ask(request) {
      engine.send(frameOf(request), frameOf({ flush: {} }));
      const [answer] = await engine.untilFlush();
      assert(answer !== undefined, 'the connection was closed');
      return answer;
    },
    async close() {
      await server.close();
      await signatures.close();
      await chain.close();
    },
  };
}

const timeOf = (ms: number) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 + 999 });

function initChain(genesis: JsonObject, contracts: readonly Contract[]): RequestDraft {
  const kernel = createKernel({ genesis, contracts, verifySignature });
  const { writes } = kernel.initialise();
  const state = kernel.state({
    get: (key) => writes.get(key) ?? undefined,
    range: (from, to) =>
      [...writes]
        .filter(([key, value]) => value !== null && key >= from && key < to)
        .sort(([a], [b]) => (a < b ? -1 : 1)) as never,
  });
  const [first] = state.entries(validatorSets, []);
  return {
    initChain: {
      chainId: chainIdOf(kernel.genesisHash),
      initialHeight: 1n,
      // As the engine writes it: with white space, and escapes that are not ours.
      appStateBytes: utf8(JSON.stringify(genesis, undefined, 2)),
      validators: (first?.[1] ?? []).map(({ publicKey, power }) => ({
        pubKey: { ed25519: hexToBytes(publicKey) as Uint8Array },
        power: BigInt(power),
      })),
    },
  };
}

const folder = new URL('../../../test/vectors/chain/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  test(`the blocks of ${file} come to the same app hash at every height as on the embedded host`, async (t) => {
    const vector = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector;
    const data = temporaryFolder('abci-vector');
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const contracts = contractsOf(vector.contracts);
    let host = await openHost(t, data, vector.genesis, contracts);
    const { initChain: initial } = await host.ask(initChain(vector.genesis, contracts));
    assert.equal(bytesToHex(initial?.appHash ?? new Uint8Array()), vector.genesisAppHash);
    for (const [at, block] of vector.blocks.entries()) {
      const request: RequestDraft = {
        finalizeBlock: {
          height: BigInt(at + 1),
          time: timeOf(block.timeMs),
          txs: block.transactions.map((text) => base64urlToBytes(text) as Uint8Array),
          misbehavior: block.misbehaviour.map(({ kind, validator, height, timeMs }) => ({
            type: kind === 'duplicate-vote' ? 1 : 2,
            validator: { address: hexToBytes(validator) as Uint8Array, power: 1n },
            height: BigInt(height),
            time: timeOf(timeMs),
          })),
        },
      };
      // The engine was killed before Commit every third time, and the node with it: the block comes once more.
      if (at % 3 === 2) {
        await host.ask(request);
        await host.close();
        host = await openHost(t, data, vector.genesis, contracts);
        assert.equal((await host.ask({ info: {} })).info?.lastBlockHeight, BigInt(at));
      }
      const { finalizeBlock } = await host.ask(request);
      assert.equal(bytesToHex(finalizeBlock?.appHash ?? new Uint8Array()), block.appHash, `block ${at + 1}`);
      assert.deepEqual(
        finalizeBlock?.txResults.map(({ code }) => code === 0),
        block.codes.map((code) => code === 'OK'),
      );
      assert((await host.ask({ commit: {} })).commit !== undefined);
    }
    const { info } = await host.ask({ info: {} });
    assert.equal(bytesToHex(info?.lastBlockAppHash ?? new Uint8Array()), vector.blocks.at(-1)?.appHash);
    await host.close();
  });
}

const genesis = notesGenesis(['alice']);
const contracts = [notesContract];

function note(text: string, options: { nonce?: number; notAfterMs?: number } = {}): Uint8Array {
  const { nonce = 1, notAfterMs = START_MS + 60_000 } = options;
  const chain = createKernel({ genesis, contracts, verifySignature }).genesisHash;
  return signWire({ chain, message: { type: 'note.put', name: 'n', text }, nonce, notAfterMs, signers: [alice] });
}

async function begun(t: TestContext): Promise<Host> {
  const data = temporaryFolder('abci-application');
  const host = await openHost(t, data, genesis, contracts);
  t.after(async () => {
    await host.close();
    rmSync(data, { recursive: true, force: true });
  });
  await host.ask(initChain(genesis, contracts));
  return host;
}

const finalize = (height: number, txs: readonly Uint8Array[] = []): RequestDraft => ({
  finalizeBlock: { height: BigInt(height), time: timeOf(START_MS), txs: [...txs] },
});

const REFUSED: readonly (readonly [string, RequestDraft])[] = [
  ['a block that is not the next', finalize(2)],
  ['a block of the past', finalize(0)],
  ['a block without a time', { finalizeBlock: { height: 1n } }],
  ['Commit before FinalizeBlock', { commit: {} }],
  ['a proposal of another height', { prepareProposal: { height: 5n, time: timeOf(START_MS), maxTxBytes: 1000n } }],
  [
    'evidence of an unknown kind',
    {
      finalizeBlock: {
        height: 1n,
        time: timeOf(START_MS),
        misbehavior: [{ type: 0, validator: { address: new Uint8Array(20) }, height: 1n, time: timeOf(START_MS) }],
      },
    },
  ],
  [
    'InitChain of another chain',
    { initChain: { ...(initChain(genesis, contracts).initChain as object), chainId: 'other' } },
  ],
  [
    'InitChain from another height',
    { initChain: { ...(initChain(genesis, contracts).initChain as object), initialHeight: 7n } },
  ],
  [
    'InitChain with another genesis',
    { initChain: { ...(initChain(genesis, contracts).initChain as object), appStateBytes: utf8('{}') } },
  ],
  [
    'InitChain with validators that genesis does not name',
    {
      initChain: {
        ...(initChain(genesis, contracts).initChain as object),
        validators: [{ pubKey: { ed25519: new Uint8Array(32).fill(3) }, power: 1n }],
      },
    },
  ],
];

for (const [what, request] of REFUSED) {
  test(`${what} is refused, and nothing is guessed`, async (t) => {
    const { engine, ask } = await begun(t);
    assert((await ask(request)).exception !== undefined);
    assert.equal(await engine.answer(), undefined, 'the engine is to end');
  });
}

test('InitChain after blocks is refused', async (t) => {
  const { ask } = await begun(t);
  await ask(finalize(1));
  await ask({ commit: {} });
  assert((await ask(initChain(genesis, contracts))).exception !== undefined);
});

test('CheckTx takes what holds and says why it does not take the rest', async (t) => {
  const { ask } = await begun(t);
  const good = note('good');
  const forged = good.slice();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const check = async (tx: Uint8Array) => (await ask({ checkTx: { tx } })).checkTx;
  assert.equal((await check(forged))?.log, 'SIGNATURE_WRONG');
  assert.equal((await check(good))?.code, 0);
  assert.equal((await check(good))?.code, 0, 'the same bytes again');
  assert.equal((await check(forged))?.log, 'TRANSACTION_REPLAYED', 'other bytes of one that waits');
  assert.equal((await check(new Uint8Array(10)))?.log, 'TRANSACTION_MALFORMED');
  assert.equal((await check(note('old', { nonce: 2, notAfterMs: START_MS - 1 })))?.log, 'TRANSACTION_EXPIRED');
});

test('a proposal holds what waits and is timely; after a pause it is empty, so that block time catches up', async (t) => {
  const { ask } = await begun(t);
  const [first, late] = [note('first'), note('late', { nonce: 2, notAfterMs: START_MS + 11 * 60_000 })];
  await ask({ checkTx: { tx: first } });
  const propose = async (height: number, maxTxBytes: number, ms = START_MS) =>
    (await ask({ prepareProposal: { height: BigInt(height), time: timeOf(ms), maxTxBytes: BigInt(maxTxBytes) } }))
      .prepareProposal?.txs;
  assert.deepEqual(await propose(1, 100_000), [], 'the first block after a start brings the time');
  await ask(finalize(1));
  await ask({ commit: {} });
  assert.deepEqual(await propose(2, 100_000), [first]);
  assert.deepEqual(await propose(2, first.length + 4), [], 'five bytes more than it has are counted for the encoding');
  assert.deepEqual(await propose(2, first.length + 5), [first]);
  assert.deepEqual(await propose(2, 100_000, START_MS + 60_001), [], 'expired by the block’s own time');
  assert.equal((await ask({ checkTx: { tx: late } })).checkTx?.log, 'TRANSACTION_TOO_LONG_LIVED');
});

test('a proposal with a forged signature, or with what is no transaction of this ledger, is refused', async (t) => {
  const { ask } = await begun(t);
  const good = note('good');
  const forged = good.slice();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const process = async (...txs: Uint8Array[]) =>
    (await ask({ processProposal: { height: 1n, time: timeOf(START_MS), txs } })).processProposal?.status;
  assert.equal(await process(good), 1);
  assert.equal(await process(good, forged), 2);
  assert.equal(await process(new Uint8Array(3)), 2);
  assert.equal(await process(), 1);
});

test('a forged copy of a transaction comes to the same on a node that knows the genuine one', async (t) => {
  const good = note('good');
  const forged = good.slice();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const [knowing, other] = [await begun(t), await begun(t)];
  await knowing.ask({ checkTx: { tx: good } });
  await knowing.ask({ processProposal: { height: 1n, time: timeOf(START_MS), txs: [good] } });
  const hashes: string[] = [];
  for (const { ask } of [knowing, other]) {
    const { finalizeBlock } = await ask(finalize(1, [forged]));
    assert.deepEqual(
      finalizeBlock?.txResults.map(({ code }) => code),
      [1],
    );
    hashes.push(bytesToHex(finalizeBlock?.appHash ?? new Uint8Array()));
  }
  assert.equal(hashes[0], hashes[1]);
});

test('queries: peers by their node, state with a proof, nothing else', async (t) => {
  const { ask } = await begun(t);
  const query = async (path: string, prove = false) => (await ask({ query: { path, prove } })).query;
  assert.equal((await query('/p2p/filter/addr/127.0.0.1:5'))?.code, 0);
  assert.equal((await query(`/p2p/filter/id/${'ab'.repeat(20)}`))?.code, 3, 'no member’s node');
  assert.equal((await query('/app/version'))?.code, 1);
  assert.equal((await query('/state/chain.rules/a%b'))?.code, 2);
  const proved = await query('/state/chain.rules/notes', true);
  assert.equal(new TextDecoder().decode(proved?.value), '[{"fromHeight":0,"version":1}]');
  assert.equal(proved?.proofOps?.ops[0]?.type, 'aceso:tree');
});
