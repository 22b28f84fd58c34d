import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { signWire, verifySignature } from '../../../test/support/test-chain.ts';
import { silentLog, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { memberOf, TEST_SEALING } from '../../../test/support/test-members.ts';
import { testAccount, testSigner } from '../../../test/support/test-signer.ts';
import { membershipContract } from '../../capabilities/membership/contract/contract.ts';
import { chainIdOf } from '../../chain/chain-id.ts';
import type { CommitJson } from '../../chain/cometbft/light-block.ts';
import { voteSignBytes } from '../../chain/cometbft/vote-sign-bytes.ts';
import { type Genesis, genesisHash } from '../../chain/genesis.ts';
import { createKernel } from '../../chain/kernel.ts';
import { validatorAddress, validators } from '../../chain/validators.ts';
import { signEd25519 } from '../../crypto/node/ed25519.ts';
import { bytesToBase64 } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { createCometBftLedger } from './cometbft-ledger.ts';
import { createEngine } from './engine/create-engine.ts';
import { cometBftForTest, genesisForTest, logForTest, settingsForTest, until } from './engine/engine-for-test.ts';
import { nodeIdOf } from './engine/key-files.ts';

/** A precommit for a block that nobody proposed, as CometBFT's RPC takes it (types/vote.go). */
function vote(of: { byte: string; height: number; time: string; seed: Uint8Array; publicKey: string; chain: string }) {
  const { byte, height, time, seed, publicKey, chain } = of;
  const hash = byte.repeat(32);
  const commit: CommitJson = {
    height: String(height),
    round: 0,
    block_id: { hash, parts: { total: 1, hash } },
    signatures: [],
  };
  return {
    type: 2,
    ...{ height: commit.height, round: 0, block_id: commit.block_id, timestamp: time },
    validator_address: validatorAddress(publicKey).toUpperCase(),
    validator_index: 1,
    signature: bytesToBase64(signEd25519(seed, voteSignBytes(commit, time, chainIdOf(chain)))),
    extension: '',
    extension_signature: '',
  };
}

test('a validator that signed two blocks at one height loses its power at every node, and the others go on', {
  timeout: 90_000,
}, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const labels = ['honest', 'twofaced'];
  const { operator, createdMs } = genesisForTest(2);
  const named = (operator as unknown as { validators: readonly JsonObject[] }).validators;
  // The honest one has more than two thirds, so that the ledger goes on without the other.
  const members = named.map((one, at) => ({
    ...one,
    account: testAccount(labels[at] as string),
    power: at === 0 ? 30 : 10,
  }));
  const genesis: JsonObject = {
    ...{ format: 'aceso.genesis/1', name: 'evidence', createdMs },
    operator: { ...operator, validators: members } as unknown as JsonObject,
    sections: {
      chain: { rules: [{ capability: 'membership', version: 2 }] },
      membership: { members: labels.map((label) => memberOf(label)) },
    },
  };
  const chain = genesisHash(genesis as unknown as Genesis);
  const settings = await Promise.all(
    labels.map((_, at) => settingsForTest(t, { program, genesis: genesis as unknown as Genesis, at })),
  );
  const address = (at: number): string =>
    `${nodeIdOf(settings[at]?.nodeSeed as Uint8Array)}@${(settings[at]?.p2pListen ?? '').slice('tcp://'.length)}`;
  const folder = temporaryFolder('evidence');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const nodes = await Promise.all(
    settings.map(async (own, at) => {
      const engine = await createEngine({ ...own, peers: [address(1 - at)] }, logForTest());
      const ledger = await createCometBftLedger({
        folder: join(folder, String(at)),
        kernel: createKernel({ genesis, contracts: [membershipContract], verifySignature }),
        ...{ genesis, engine, clock: Date.now, log: silentLog, threads: 0 },
        ownNode: nodeIdOf(own.nodeSeed),
        members: { entries: async () => [], signedHeader: async () => undefined },
      });
      t.after(() => ledger.close());
      return { ledger, engine };
    }),
  );
  const [honest] = nodes as [(typeof nodes)[number], (typeof nodes)[number]];
  await Promise.all(nodes.map(({ ledger }) => ledger.ready(30_000)));
  let nonce = 0;
  const submit = () => {
    const message = { type: 'membership.setSealing', sealing: TEST_SEALING };
    const notAfterMs = Date.now() + 60_000;
    return honest.ledger.submit(
      signWire({ chain, message, nonce: ++nonce, notAfterMs, signers: [testSigner('honest')] }),
    );
  };
  const { height } = await submit();

  const { publicKey } = members[1] as unknown as { readonly publicKey: string };
  const { header } = (await honest.engine.rpc.signedHeader(height)) as unknown as { header: { time: string } };
  const votes = ['11', '22'].map((byte) =>
    vote({ ...{ byte, height, time: header.time, publicKey, chain }, seed: settings[1]?.validatorSeed as Uint8Array }),
  );
  const evidence = {
    type: 'tendermint/DuplicateVoteEvidence',
    value: {
      vote_a: votes[0],
      vote_b: votes[1],
      TotalVotingPower: '40',
      ValidatorPower: '10',
      Timestamp: header.time,
    },
  };
  await honest.engine.rpc.call('broadcast_evidence', { evidence } as unknown as JsonObject);
  const powerAt = (at: number): number | undefined => {
    const { state, release } = (nodes[at] as (typeof nodes)[number]).ledger.read();
    try {
      return state.get(validators, testAccount('twofaced'))?.power;
    } finally {
      release();
    }
  };
  assert.equal(powerAt(0), 10);
  await submit();
  for (const at of [0, 1]) await until('its power is gone', () => powerAt(at) === 0);
  // Two blocks later the engine counts it no more, and the ledger goes on by the honest one alone. Of a transaction's block,
  // since an empty one, which may be the head by now, is proved by whatever comes next.
  const { height: later } = await submit();
  await honest.ledger.signedHead(later);
  await nodes[1]?.ledger.close();
  const { outcome } = await submit();
  assert.equal(outcome.code, 'OK');
  const reported = honest.ledger.query('membership.misbehaviour', {}) as readonly { kind: string; account: string }[];
  assert.deepEqual(
    reported.map(({ kind, account }) => [kind, account]),
    [['duplicate-vote', testAccount('twofaced')]],
  );
});
