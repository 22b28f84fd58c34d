import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  ALICE,
  BOB,
  CUSTODIAN,
  codeOf,
  databaseOf,
  interaction,
  observation,
  ROOT_KEY,
  reopened,
  testFolder,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { bytesToHex, utf8ToText } from '../std/bytes.ts';
import { createVault } from './create-vault.ts';
import { NO_ENTRIES } from './index/index-entries.ts';
import type { CustodianVault, LedgerAnchor, VersionRow } from './vault.ts';
import type { VaultOptions } from './vault-parts.ts';

const ROUNDS = process.env.ACESO_LONG ? 300 : 24;
const SCRUB_EVERY = 8;

/** Where the writer's vault is. */
type Place = Pick<VaultOptions, 'folder' | 'database'>;

/** What the writer says once it was told that it is durable. */
type Acknowledged =
  | { kind: 'version'; id: string; version: number; leaf: string; index: number; text: string }
  | { kind: 'interaction'; index: number; timeMs: number }
  | { kind: 'permit'; permit: string; index: number }
  | { kind: 'erased'; id: string; version: number }
  | { kind: 'ready' };

const work = process.env.ACESO_VAULT_CRASH;
if (work !== undefined) await writeUntilKilled(JSON.parse(work));
else
  vaultTest(
    'SIGKILL at any moment: what was acknowledged is there, once, and nothing is half there',
    crashRounds,
    'PostgreSQL for both',
  );

async function crashRounds(t: import('node:test').TestContext): Promise<void> {
  const folder = testFolder(t);
  let anchor: LedgerAnchor = { generation: 0, size: 0, root: '' };
  const seen: Acknowledged[] = [];
  let orphans = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = await killedWriter({ folder, ...(await databaseOf(t, folder)) }, round, anchor);
    seen.push(...fresh);
    const vault = await reopened(t, folder);
    const isThorough = round % SCRUB_EVERY === 0 || round === ROUNDS - 1;
    if (isThorough) orphans += await checkWhole(vault, seen, anchor);
    else await vault.checkAgainst(anchor);
    assert.equal(vault.status(), 'serving');
    for (const one of fresh) await checkAcknowledged(vault, one);
    const { generation, size, root } = vault.journalHead();
    anchor = { generation, size, root: bytesToHex(root) };
    await vault.close();
  }
  assert.ok(seen.length > ROUNDS, 'the writer came to write');
  t.diagnostic(
    `${ROUNDS} kills, ${seen.length} acknowledged calls, ${orphans} orphaned keys seen in ${Math.ceil(ROUNDS / SCRUB_EVERY)} looks`,
  );
}

/** Runs a writer and kills it; every fifth time it may still be opening the vault. */
async function killedWriter(place: Place, round: number, anchor: LedgerAnchor): Promise<Acknowledged[]> {
  const env = { ...process.env, ACESO_VAULT_CRASH: JSON.stringify({ place, round, anchor }), NODE_TEST_CONTEXT: '' };
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  assert.ok(child.stdout !== null);
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  if (round % 5 === 4) await delay(100 + Math.random() * 200);
  else {
    await once(reader, 'line');
    await delay(Math.random() * 120);
  }
  const ended = Promise.all([once(child, 'exit'), once(reader, 'close')]);
  child.kill('SIGKILL');
  const [[code]] = await ended;
  assert.equal(code, null, 'killed, not ended by itself');
  // The kill may have cut the last line: that one was not told to anybody.
  return lines
    .filter((line) => line.endsWith('}'))
    .map((line): Acknowledged => JSON.parse(line))
    .filter((one) => one.kind !== 'ready');
}

async function checkAcknowledged(vault: CustodianVault, one: Acknowledged): Promise<void> {
  if (one.kind === 'version') {
    const row = await vault.version('Observation', one.id, one.version);
    assert.deepEqual([row?.leaf, row?.journalIndex], [one.leaf, one.index]);
    const opened = await vault.entry(0, one.index);
    assert.ok(opened?.entry.kind === 'version' || row?.erased);
    if (row?.erased === false) assert.equal(utf8ToText(await vault.open(row)), one.text);
  } else if (one.kind === 'interaction') {
    const opened = (await vault.entry(0, one.index))?.entry;
    assert.ok(opened?.kind === 'interaction' && opened.header.timeMs === one.timeMs);
  } else if (one.kind === 'permit') {
    assert.equal(await codeOf(vault.journalOnce(interaction({ kind: 'release', permit: one.permit }))), 'PERMIT_USED');
  } else if (one.kind === 'erased') {
    const row = await vault.version('Observation', one.id, one.version);
    assert.ok(row?.erased);
    await assert.rejects(() => vault.open(row), { code: 'VERSION_ERASED' });
  }
}

/** Rows, keys and log agree; every place is taken once. Returns how many orphaned keys the crash had left. */
async function checkWhole(vault: CustodianVault, seen: readonly Acknowledged[], anchor: LedgerAnchor): Promise<number> {
  const before = await vault.scrub();
  assert.deepEqual(before.faults, []);
  assert.equal(await vault.checkAgainst(anchor), 'serving');
  const after = await vault.scrub();
  assert.deepEqual(after.faults, []);
  assert.equal(after.entries, vault.journalHead().size);
  assert.equal(after.keys, after.versions - after.erased, 'a key for every version that is not erased, and no other');
  const places = seen.flatMap((one) => ('index' in one ? [one.index] : []));
  assert.equal(new Set(places).size, places.length, 'no place twice');
  const names = seen.flatMap((one) => (one.kind === 'version' ? [`${one.id}/${one.version}`] : []));
  assert.equal(new Set(names).size, names.length, 'no version twice');
  return before.keys - after.keys;
}

/** The writer: five clients at once, until it is killed. */
async function writeUntilKilled({
  place,
  round,
  anchor,
}: {
  place: Place;
  round: number;
  anchor: LedgerAnchor;
}): Promise<void> {
  const quiet = { info() {}, warn() {}, error() {} };
  const vault = await createVault({
    ...{ ...place, custodian: CUSTODIAN, rootKey: ROOT_KEY, log: quiet, anchoredAt: anchor },
  });
  await Promise.all([vault.openAccount(ALICE), vault.openAccount(BOB)]);
  // Synchronous for a pipe: a line that is out was said after its call had resolved.
  const say = (one: Acknowledged) => process.stdout.write(`${JSON.stringify(one)}\n`);
  say({ kind: 'ready' });
  const sayVersions = (rows: readonly VersionRow[], texts: readonly string[]) => {
    for (const [i, row] of rows.entries()) {
      const { id, version, leaf, journalIndex: index } = row;
      say({ kind: 'version', id, version, leaf, index, text: texts[i] ?? '' });
    }
  };
  const create = async (client: string, i: number) => {
    const id = `${client}-${round}-${i}`;
    const texts = [`${id} first`, `${id} second`, 'x'.repeat(i % 7 === 0 ? 20_000 : 10)];
    const entries = { ...NO_ENTRIES, tokens: [{ parameter: 'n', value: `${i % 5}` }] };
    const { versions, journalIndices } = await vault.write(
      [
        observation(id, 1, { text: texts[0] as string, entries }),
        observation(id, 2, { text: texts[1] as string, entries }),
        observation(`${id}-b`, 1, { text: texts[2] as string, account: BOB }),
      ],
      [interaction({ timeMs: i })],
    );
    sayVersions(versions, texts);
    for (const index of journalIndices) say({ kind: 'interaction', index, timeMs: i });
    return versions;
  };
  const update = async (i: number) => {
    // The same few resources in every round, so that a version written twice would show.
    const version = ((await vault.current('Observation', `u${i % 3}`))?.version ?? 0) + 1;
    const text = `u${i % 3} ${version}`;
    const { versions } = await vault.write([observation(`u${i % 3}`, version, { text })], []);
    sayVersions(versions, [text]);
  };
  const read = async (i: number) => {
    for (const index of await vault.journal([interaction({ timeMs: i })]))
      say({ kind: 'interaction', index, timeMs: i });
  };
  const release = async (i: number) => {
    const permit = `${round}-${i}`;
    say({ kind: 'permit', permit, index: await vault.journalOnce(interaction({ kind: 'release', permit })) });
  };
  const erase = async (i: number) => {
    const [row] = await create('e', i);
    if (row === undefined || i % 10 !== 0) return;
    await vault.erase([row]);
    say({ kind: 'erased', id: row.id, version: row.version });
  };
  const clients = [(i: number) => create('c', i), update, read, release, erase];
  await Promise.all(
    clients.map(async (client) => {
      for (let i = 0; ; i++) await client(i);
    }),
  );
}
