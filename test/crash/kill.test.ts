import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ANCHOR_INTERVAL_MS } from '../../src/capabilities/records/server/anchor-journal.ts';
import { seededRandom } from '../../src/ledger/store/simulated-disk.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { withFolder } from '../support/open-folder.ts';
import { anchorAll, checkLedger, checkVault, checkVersions, type StoredVersion } from './agreement.ts';
import { standbyNode } from './killed-node.ts';
import { createClient, createTold, runClient } from './load.ts';

const KILLS = process.env.ACESO_LONG === '1' ? 2_000 : 200;
const seed = Number(process.env.ACESO_SEED ?? 1);
const CLIENTS = 6;

/** When a node is killed: at a random moment of its start, under load, or around its first anchor. */
function lifeOf(kill: number, random: () => number): { readonly from: 'open' | 'ready'; readonly ms: number } {
  if (kill % 5 === 0) return { from: 'open', ms: random() * 250 };
  return { from: 'ready', ms: kill % 5 === 4 ? ANCHOR_INTERVAL_MS - 20 + random() * 150 : random() * 250 };
}

const root = mkdtempSync(join(tmpdir(), 'aceso-kill-'));
after(() => rmSync(root, { recursive: true, force: true }));
const [folder, keyFolder, cache] = [join(root, 'data'), join(root, 'keys'), join(root, 'cache')];
const place = { folder, keyFolder };

test(`${KILLS} kills under load on one folder lose nothing acknowledged and double nothing (ACESO_SEED=${seed})`, async (t) => {
  const random = seededRandom(seed);
  const told = createTold();
  // Opening makes the folder; providers alone register patients.
  const clients = await withFolder(place, async ({ organisations }) => {
    const providers = organisations.filter(({ slug }) => slug !== 'meridian');
    return Array.from({ length: CLIENTS }, (_, at) =>
      createClient(providers[at % providers.length] as OrganisationContext, at),
    );
  });
  const [begunMs, startMs]: [number, number[]] = [Date.now(), []];
  let next = standbyNode(folder, keyFolder, cache);
  t.after(() => next.kill());
  for (let kill = 0; kill < KILLS; kill++) {
    const node = next;
    await node.loaded;
    const { from, ms } = lifeOf(kill, random);
    const opened = node.open();
    if (kill + 1 < KILLS) next = standbyNode(folder, keyFolder, cache);
    const load = opened.then(async (address) => {
      if (address === undefined) return;
      startMs.push(address.startMs);
      await Promise.all(clients.map((client) => runClient(client, address, told)));
    });
    if (from === 'ready') await opened;
    await Promise.race([sleep(ms), load]);
    await node.kill();
    await load;
  }
  const { versions, committed, reads } = told;
  const median = startMs.sort((a, b) => a - b)[startMs.length >> 1]?.toFixed(0);
  t.diagnostic(
    `${KILLS} kills in ${((Date.now() - begunMs) / 1000).toFixed(0)} s, ${startMs.length} of them after the start (median ${median} ms)`,
  );
  t.diagnostic(
    `acknowledged: ${versions.size} versions, ${told.bundles.size} Bundles, ${committed.size} transactions, ${reads.length} reads`,
  );
  await withFolder(place, async ({ ledger, organisations }) => {
    await anchorAll(organisations);
    const anchors = await checkLedger(ledger, told);
    const stored: StoredVersion[] = [];
    for (const organisation of organisations)
      stored.push(...(await checkVault(organisation, anchors.get(organisation.account) ?? [])));
    checkVersions(stored, told);
  });
  // A busy machine gets less done between kills; a test that hardly loads the node shows nothing.
  for (const count of [startMs.length, versions.size, committed.size]) assert.ok(count > KILLS / 3, 'too little load');
});
