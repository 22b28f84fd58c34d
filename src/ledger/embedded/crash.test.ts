import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { notesGenesis, openNotesLedger, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { parseLeaf } from '../../chain/leaf.ts';
import { seededRandom } from '../store/simulated-disk.ts';

const KILLS = process.env.ACESO_LONG === undefined ? 24 : 400;
const CHILD = fileURLToPath(new URL('../../../test/support/ledger-child.ts', import.meta.url));
const root = temporaryFolder('crash');
after(() => rmSync(root, { recursive: true, force: true }));

/** Runs a node under load on the folder, kills it `afterMs` after its first outcome, and returns the lines it printed. */
function killedNode(folder: string, afterMs: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
      if (out.length === data.length) setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the node ended by itself: ${errors}`));
      // A last line without its end was not written whole.
      else resolve(out.split('\n').slice(0, -1));
    });
  });
}

test(`${KILLS} kills under load on one folder lose nothing acknowledged and double nothing`, async () => {
  const folder = join(root, 'node');
  const random = seededRandom(20);
  const acknowledged = new Set<string>();
  const shown = new Map<number, string>();
  for (let kill = 0; kill < KILLS; kill++) {
    for (const line of await killedNode(folder, random() * 120)) {
      const [word, height, appHash] = line.split(' ') as [string, string?, string?];
      if (word !== 'head') acknowledged.add(word);
      else shown.set(Number(height), appHash as string);
    }
  }
  assert.ok(acknowledged.size > KILLS * 5, `only ${acknowledged.size} outcomes`);
  const ledger = await openNotesLedger(folder, notesGenesis(['alice', 'bob', 'carol']));
  const times = new Map<string, number>();
  for (let index = 0; index < ledger.head().logSize; index++) {
    const leaf = parseLeaf((await ledger.leaf(index)) as Uint8Array);
    if (leaf?.kind !== 'outcome') continue;
    times.set(leaf.id, (times.get(leaf.id) ?? 0) + 1);
    assert.equal((await ledger.find(leaf.id))?.leafIndex, index);
  }
  for (const id of acknowledged) assert.equal(times.get(id), 1, `${id} is there ${times.get(id) ?? 0} times`);
  for (const [id, count] of times) assert.equal(count, 1, `${id} is there ${count} times`);
  for await (const { head } of signedHeads(ledger)) {
    if (shown.has(head.height)) assert.equal(head.appHash, shown.get(head.height), `head ${head.height} was another`);
  }
  assert.ok(Math.max(...shown.keys()) <= ledger.head().height, 'a head that was shown names a lost block');
  await ledger.close();
});

async function* signedHeads(ledger: Awaited<ReturnType<typeof openNotesLedger>>) {
  for (let from = 1; from <= ledger.head().height; ) {
    const blocks = await ledger.signedBlocks(from, 256);
    yield* blocks;
    from += blocks.length;
  }
}
