import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../../src/ledger/store/simulated-disk.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { withFolder } from '../support/open-folder.ts';
import { anchorAll, checkLedger, checkVault } from './agreement.ts';
import { standbyNode } from './killed-node.ts';
import { createTold } from './load.ts';
import { createTransactionClient, runTransactions } from './transaction-kill-load.ts';

/*
 * A process that dies while FHIR transactions are posted leaves each of them whole or not at all: their creates, updates,
 * deletions and new patients, with journal, keys and index in step; and all of each that was acknowledged.
 */

const KILLS = process.env.ACESO_LONG === '1' ? 500 : 12;
const CLIENTS = 4;
const seed = Number(process.env.ACESO_SEED ?? 1);

const root = mkdtempSync(join(tmpdir(), 'aceso-transaction-kill-'));
after(() => rmSync(root, { recursive: true, force: true }));
const [folder, keyFolder, cache] = [join(root, 'data'), join(root, 'keys'), join(root, 'cache')];
const place = { folder, keyFolder };

test(`after ${KILLS} kills each transaction is there whole or not at all (ACESO_SEED=${seed})`, async (t) => {
  const random = seededRandom(seed);
  const slug = await withFolder(place, async ({ organisations }) => (organisations[0] as OrganisationContext).slug);
  const clients = Array.from({ length: CLIENTS }, createTransactionClient);
  let next = standbyNode(folder, keyFolder, cache);
  t.after(() => next.kill());
  for (let kill = 0; kill < KILLS; kill++) {
    const node = next;
    await node.loaded;
    const address = await node.open();
    assert.ok(address);
    if (kill + 1 < KILLS) next = standbyNode(folder, keyFolder, cache);
    // Once some came through, however slow the machine is; a few times right at the beginning.
    let awaited = Math.floor(random() * 8);
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    if (awaited === 0) resolve();
    const acknowledged = () => void (--awaited <= 0 && resolve());
    const load = Promise.all(clients.map((client) => runTransactions(client, address, slug, random, acknowledged)));
    await Promise.race([enough, load]);
    await Promise.race([sleep(random() * 80), load]);
    await node.kill();
    await load;
  }
  const posted = clients.flatMap((client) => client.posted);
  await withFolder(place, async ({ ledger, organisations }) => {
    await anchorAll(organisations);
    const anchors = await checkLedger(ledger, createTold());
    const organisation = organisations[0] as OrganisationContext;
    const stored = await checkVault(organisation, anchors.get(organisation.account) ?? []);
    const found = new Map<string, number>();
    for (const { text } of stored) {
      const mark = /"urn:mark","value":"([0-9a-f-]{36})"/.exec(text)?.[1];
      if (mark !== undefined) found.set(mark, (found.get(mark) ?? 0) + 1);
    }
    let [lost, unheard] = [0, 0];
    for (const { mark, versions, deletes, isAcknowledged } of posted) {
      const count = found.get(mark) ?? 0;
      found.delete(mark);
      assert.ok(
        count === versions || (count === 0 && !isAcknowledged),
        `${count} of ${versions} versions of a transaction, acknowledged: ${isAcknowledged}`,
      );
      if (!isAcknowledged && count > 0) unheard++;
      if (count === 0) lost++;
      if (deletes === undefined) continue;
      const [type = '', id = ''] = deletes.split('/');
      assert.equal(
        (await organisation.vault.current(type, id))?.deleted,
        count > 0,
        `the deletion of a transaction that is ${count > 0 ? '' : 'not '}there`,
      );
    }
    assert.equal(found.size, 0, 'versions of no transaction');
    t.diagnostic(`${posted.length} transactions: ${lost} died without a trace, ${unheard} came through unheard`);
    assert.ok(posted.length - lost > KILLS, 'too little load');
    assert.ok(lost > 0, 'no kill came in the middle of a transaction');
  });
});
