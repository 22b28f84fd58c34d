import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { foundMovedNetwork } from '../../src/app/found-moved-network.ts';
import { exportNodeLedger, moveNode } from '../../src/app/move-ledger.ts';
import type { NodeEnvironment } from '../../src/app/node-environment.ts';
import type { Head } from '../../src/chain/block.ts';
import { parseTrust } from '../../src/chain/receipt/trust.ts';
import { verifyReceipt } from '../../src/chain/receipt/verify.ts';
import type { StartOptions } from '../../src/cli/node-starter.ts';
import { cometBftForTest } from '../../src/ledger/cometbft/engine/engine-for-test.ts';
import { utf8 } from '../../src/std/bytes.ts';
import { testEngine } from '../support/test-engine.ts';
import { temporaryFolder } from '../support/test-ledger.ts';

interface Page {
  readonly organisations: readonly { readonly slug: string; readonly name: string; readonly account: string }[];
}

test('an embedded ledger goes on as a consortium’s: accounts, anchors, receipts and charts are there as before', {
  timeout: 120_000,
}, async (t) => {
  if ((await cometBftForTest(t, process.env)) === undefined) return;
  const root = temporaryFolder('move');
  t.after(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));
  const environment: NodeEnvironment = {
    keyFolder: join(root, 'keys'),
    clock: Date.now,
    logger: pino({ level: process.env.ACESO_LOG ?? 'silent' }),
    fetch,
    version: 'test',
    engine: testEngine,
  };
  const nodes = createNodeStarter(environment);
  const folder = join(root, 'data');
  const options: StartOptions = { folder, port: 0, host: '127.0.0.1', seed: true, progress() {}, rootKeyMade() {} };
  const bytesOf = async (url: string, path: string, token?: string): Promise<Uint8Array> => {
    const answer = await fetch(
      `${url}${path}`,
      token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
    );
    assert.equal(answer.status, 200, `${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };

  const before = await nodes.start(options);
  const page = JSON.parse(new TextDecoder().decode(await bytesOf(before.url, '/'))) as Page;
  const physician = before.seeded?.accounts[0]?.token as string;
  const chart = await bytesOf(before.url, '/fhir/Patient?_count=3', physician);
  const oldGenesis = await bytesOf(before.url, '/api/genesis');
  await before.close();

  const out = join(root, 'export');
  const { manifest, tie, genesis } = await exportNodeLedger(environment, { folder, out, progress() {} });
  const tied = await verifyReceipt(tie, parseTrust(oldGenesis));
  assert.deepEqual(tied.head, manifest.head, 'the receipt proves the very head that the new genesis names');
  assert.equal(tied.standing, '1 operator key');

  const plan = {
    name: 'moved',
    organisations: page.organisations
      .slice(0, 1)
      .map(({ slug, name, account }) => ({ slug, name, account, p2p: '127.0.0.1:0' })),
  };
  const moved = foundMovedNetwork(plan, manifest, genesis, Date.now());
  const files = { genesis: moved.genesis, network: moved.network, keys: moved.organisations[0]?.keys ?? utf8('') };
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(root, `${name}.json`), bytes);
  const [genesisFile, network, keys] = ['genesis', 'network', 'keys'].map((name) => join(root, `${name}.json`)) as [
    string,
    string,
    string,
  ];
  await assert.rejects(
    moveNode(environment, { folder, genesis: genesisFile, network, keys, exported: join(root, 'nothing') }),
    { code: 'EXPORT_MALFORMED' },
  );
  await moveNode(environment, { folder, genesis: genesisFile, network, keys, exported: out });
  // As after a crash in the middle.
  await moveNode(environment, { folder, genesis: genesisFile, network, keys, exported: out });

  const after = await nodes.start({ ...options, seed: false });
  t.after(() => after.close());
  const newGenesis = parseTrust(await bytesOf(after.url, '/api/genesis'));
  assert.equal(newGenesis.genesis, moved.chain);
  assert.deepEqual(
    await bytesOf(after.url, '/fhir/Patient?_count=3', physician).then((bytes) => sizeOf(bytes)),
    sizeOf(chart),
  );
  const administrator = after.adminTokens['st-brigid'] as string;
  // An entry that was anchored on the old ledger, its receipt issued anew over the consortium's votes.
  const receipt = await bytesOf(after.url, '/api/receipts/journal/0/0', administrator);
  const verdict = await verifyReceipt(receipt, newGenesis);
  assert.equal(verdict.standing, '1 of 1 members');
  assert(verdict.head.height >= manifest.head.height && verdict.head.logSize >= manifest.head.logSize);
  await assert.rejects(verifyReceipt(receipt, parseTrust(oldGenesis)), { code: 'RECEIPT_OTHER_LEDGER' });
  // The reads above are journalled; their anchor is the first entry of the log that the consortium made.
  for (let logSize = 0; logSize <= manifest.head.logSize; ) {
    const head = JSON.parse(new TextDecoder().decode(await bytesOf(after.url, '/ledger/head'))) as { head: Head };
    logSize = head.head.logSize;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const health = JSON.parse(new TextDecoder().decode(await bytesOf(after.url, '/health'))) as {
    ledger: { status: string };
  };
  assert.equal(health.ledger.status, 'ok');
  assert.deepEqual(await readFile(genesisFile), Buffer.from(await bytesOf(after.url, '/api/genesis')));
});

/** Links name the address, which differs from start to start. */
function sizeOf(bundle: Uint8Array): number {
  return (JSON.parse(new TextDecoder().decode(bundle)) as { entry: readonly unknown[] }).entry.length;
}
