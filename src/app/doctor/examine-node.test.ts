import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { runLine } from '../../../test/support/command-line.ts';
import { noNodes } from '../../../test/support/no-nodes.ts';
import { testEngine } from '../../../test/support/test-engine.ts';
import { sharedPostgres, withoutPostgres } from '../../../test/support/test-postgres.ts';
import type { ExamineOptions, Finding } from '../../cli/node-starter.ts';
import { canonicalBytes, parseCanonical } from '../../std/canonical-json.ts';
import { rootKeyToText } from '../../vault/root-key.ts';
import { createNodeStarter } from '../create-node-starter.ts';
import type { NodeEnvironment } from '../node-environment.ts';
import { examineNode } from './examine-node.ts';
import { checkDisk, checkRuntime } from './machine-checks.ts';
import { checkBackup } from './running-checks.ts';

const VERSION = '1.2.3';
const DAY_MS = 86_400_000;
/** A node that was made once and is copied for each test. */
let made: string;

function environmentOf(root: string, more: Partial<NodeEnvironment> = {}): NodeEnvironment {
  return {
    ...{ keyFolder: join(root, 'keys'), clock: Date.now, logger: pino({ level: 'silent' }), fetch, version: VERSION },
    ...{ engine: testEngine, ...more },
  };
}

const start = (root: string, more: Partial<NodeEnvironment> = {}) =>
  createNodeStarter(environmentOf(root, more)).start({
    ...{ folder: join(root, 'data'), host: '127.0.0.1', port: 0, seed: false, progress() {}, rootKeyMade() {} },
  });

before(async () => {
  made = mkdtempSync(join(tmpdir(), 'aceso-doctor-'));
  await (await start(made)).close();
});
after(() => rmSync(made, { recursive: true, force: true }));

interface Patient {
  readonly root: string;
  readonly data: string;
  readonly keyFile: string;
  /** Findings of this folder that are not `ok`, as `level check: what`. */
  examine(more?: Partial<ExamineOptions>, environment?: Partial<NodeEnvironment>): Promise<string[]>;
}

function patientOf(t: TestContext): Patient {
  const root = mkdtempSync(join(tmpdir(), 'aceso-doctor-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  cpSync(made, root, { recursive: true, preserveTimestamps: true });
  const data = join(root, 'data');
  const { node } = JSON.parse(readFileSync(join(data, 'node.json'), 'utf8')) as { node: string };
  return {
    ...{ root, data, keyFile: join(root, 'keys', `${node}.key`) },
    async examine({ sources, backup } = {}, environment = {}) {
      const found = await examineNode(environmentOf(root, environment), {
        sources: { cwd: root, variables: {}, ...sources, options: { data, port: '0', ...sources?.options } },
        ...(backup === undefined ? {} : { backup }),
      });
      for (const { level, advice } of found)
        assert.equal(advice === undefined, level === 'ok', 'what to do, where something is');
      return linesOf(found).filter((line) => !/^warn disk:/.test(line));
    },
  };
}

const linesOf = (found: readonly Finding[]): string[] =>
  found.filter(({ level }) => level !== 'ok').map(({ level, check, what }) => `${level} ${check}: ${what}`);

const NO_BACKUP = 'warn backup: nothing is known of one';

test('a node that is well has nothing but an unknown backup said of it, stopped and running', async (t) => {
  const { root, data, examine } = patientOf(t);
  assert.deepEqual(await examine(), [NO_BACKUP]);
  const node = await start(root);
  t.after(() => node.close());
  assert.deepEqual(await examine(), [NO_BACKUP]);
  // Another version was installed meanwhile.
  assert.deepEqual(await examine({}, { version: '2.0.0' }), [
    'warn version: 1.2.3 runs, 2.0.0 is installed',
    NO_BACKUP,
  ]);
  assert.equal(readFileSync(join(data, 'node.json')).length > 0, true);
});

test('planted faults of folder and key are each named', async (t) => {
  const rows: readonly (readonly [string, (patient: Patient) => void, RegExp])[] = [
    ['key that others read', ({ keyFile }) => chmodSync(keyFile, 0o644), /^fail root-key: ROOT_KEY_MODE/],
    ['key that is gone', ({ keyFile }) => rmSync(keyFile), /^fail root-key: ROOT_KEY_MISSING/],
    [
      'key that was mistyped',
      ({ keyFile }) => writeFileSync(keyFile, 'aceso-root-key-1 00', { mode: 0o600 }),
      /^fail root-key: ROOT_KEY_DAMAGED/,
    ],
    ['key of another node', ({ keyFile }) => cpSync(otherKey(t), keyFile), /^fail root-key: NODE_SECRETS_UNREADABLE/],
    ['folder that others write to', ({ data }) => chmodSync(data, 0o777), /^fail data-folder-rights: others may write/],
    ['folder that others look into', ({ data }) => chmodSync(data, 0o755), /^warn data-folder-rights: others may look/],
    [
      'keys that others look at',
      ({ root }) => chmodSync(join(root, 'keys'), 0o750),
      /^warn key-folder-rights: others may look/,
    ],
    ['node file', ({ data }) => writeFileSync(join(data, 'node.json'), '{}'), /^fail data-folder: NODE_FOLDER_DAMAGED/],
    ['no node', ({ data }) => rmSync(data, { recursive: true }), /^fail data-folder: there is no node/],
    ['genesis', ({ data }) => rmSync(join(data, 'genesis.json')), /^fail genesis: NODE_FOLDER_DAMAGED/],
    [
      'key store',
      ({ data }) => rmSync(join(data, 'vaults/st-brigid/keys.db')),
      /^fail vault-files st-brigid: keys.db is not there/,
    ],
    ['old key', ({ keyFile }) => cpSync(keyFile, `${keyFile}.old-2026-01-01`), /^warn root-key-old: 1 old root keys/],
    ['package', ({ data }) => plantPackage(data), /^fail packages: cannot be read: broken#1\.0\.0\.tgz/],
  ];
  for (const [name, plant, expected] of rows) {
    const patient = patientOf(t);
    plant(patient);
    const found = await patient.examine();
    assert(
      found.some((line) => expected.test(line)),
      `${name}: ${found.join('\n')}`,
    );
    assert(found.length <= 3, `${name} alone: ${found.join('\n')}`);
  }
});

function otherKey(t: TestContext): string {
  const file = join(patientOf(t).root, 'other.key');
  const key = new Uint8Array(32).fill(0x5a);
  // Whole, and not this node's.
  writeFileSync(file, rootKeyToText(key), { mode: 0o600 });
  return file;
}

function plantPackage(data: string): void {
  mkdirSync(join(data, 'packages'), { recursive: true });
  writeFileSync(join(data, 'packages/broken#1.0.0.tgz'), 'no archive');
}

test('a port that is taken, a machine that runs out, and a runtime that is too old', async (t) => {
  const { examine } = patientOf(t);
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const found = await examine({ sources: { options: { port: String(port) }, variables: {}, cwd: '/' } });
  assert.deepEqual(found, [`fail port: PORT_IN_USE {"port":${port}}`, NO_BACKUP]);
  assert.deepEqual(
    [checkRuntime('20.19.2'), checkRuntime('26.10.0')].map(({ level }) => level),
    ['fail', 'ok'],
  );
  const levels = await Promise.all(
    [10 ** 6, 10 ** 9, 10 ** 12].map(async (bytes) => (await checkDisk('/', async () => bytes)).level),
  );
  assert.deepEqual(levels, ['fail', 'warn', 'ok']);
});

/** A node elsewhere whose clock is off by that much. */
async function startPeer(t: TestContext, skewMs: number): Promise<string> {
  const server = createServer((_request, answer) => {
    answer.sendDate = false;
    answer.setHeader('date', new Date(Date.now() + skewMs).toUTCString());
    answer.end('{}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('peers whose clocks differ, or who do not answer; clients who come without TLS', async (t) => {
  const { examine } = patientOf(t);
  const [same, off, far] = await Promise.all([startPeer(t, 0), startPeer(t, 30_000), startPeer(t, -600_000)]);
  const peer = [same, off, far, 'http://127.0.0.1:9'];
  const found = await examine({ sources: { options: { peer, host: '0.0.0.0' }, variables: {}, cwd: '/' } });
  assert.match(found[0] ?? '', new RegExp(`^warn peer ${off}: clocks differ by (29|30|31)`));
  assert.match(found[1] ?? '', new RegExp(`^fail peer ${far}: clocks differ by (599|600|601)`));
  assert.deepEqual(found.slice(2), [
    'warn peer http://127.0.0.1:9: does not answer',
    NO_BACKUP,
    'warn tls: plain HTTP on 0.0.0.0',
  ]);
  const http = { options: { 'base-url': 'http://aceso.example' }, variables: {}, cwd: '/' };
  assert((await examine({ sources: http })).includes('warn tls: clients use http://aceso.example'));
  const https = { options: { 'base-url': 'https://127.0.0.1:9' }, variables: {}, cwd: '/' };
  assert((await examine({ sources: https })).includes('warn tls: https://127.0.0.1:9 does not answer from here'));
});

test('a node that was killed, and one that is not ready', async (t) => {
  const { root, keyFile, examine } = patientOf(t);
  const running = keyFile.replace(/\.key$/, '.running.json');
  const { node } = JSON.parse(readFileSync(join(root, 'data/node.json'), 'utf8')) as { node: string };
  writeFileSync(running, canonicalBytes({ url: 'http://127.0.0.1:9', node, adminTokens: [] }));
  assert.match(
    (await examine())[0] ?? '',
    /^warn health: a node left word that it is at http:\/\/127\.0\.0\.1:9, and does not/,
  );
  rmSync(running);

  let offsetMs = 0;
  const started = await start(root, { clock: () => Date.now() + offsetMs });
  t.after(() => started.close());
  offsetMs = 3 * 3_600_000;
  const found = await examine();
  assert.match(found[0] ?? '', /^fail ready: LEDGER_STANDS_STILL \{.*the clock/);
});

test('a backup’s age, and one that is not of this node', async (t) => {
  const { root, data, examine } = patientOf(t);
  const nodes = createNodeStarter(environmentOf(root));
  const out = join(root, 'backup');
  await nodes.backups.backupStopped(data, { out }, () => {});
  assert.deepEqual(await examine({ backup: out }), []);
  assert.match((await examine({ backup: join(root, 'nothing') }))[0] ?? '', /^fail backup: BACKUP_/);
  const manifest = parseCanonical(readFileSync(join(out, 'manifest.json'))) as { timeMs: number };
  writeFileSync(join(out, 'manifest.json'), canonicalBytes({ ...manifest, timeMs: manifest.timeMs + 1 }));
  assert.deepEqual(await examine({ backup: out }), ['fail backup: it is of another node']);
  const levels = [1, 30, 200, -1].map((hours) => checkBackup(-hours * 3_600_000 + DAY_MS, DAY_MS).level);
  assert.deepEqual(levels, ['ok', 'warn', 'fail', 'warn']);
});

test('an engine that a consortium’s node would miss', async (t) => {
  const { data, examine } = patientOf(t);
  const file = join(data, 'node.json');
  const node = parseCanonical(readFileSync(file)) as Record<string, never>;
  const consortium = { listen: 'tcp://127.0.0.1:1', external: '127.0.0.1:1', peers: [] };
  writeFileSync(file, canonicalBytes({ ...node, consortium }));
  const engine = { ...testEngine, program: join(data, 'no-engine') };
  assert.match((await examine({}, { engine }))[0] ?? '', /^fail engine: ENGINE_MISSING/);
});

test('a database that is not there', async (t) => {
  const { examine } = patientOf(t);
  const url = 'postgres://aceso:hunter2@127.0.0.1:9/vaults';
  const found = await examine({}, { vaultDatabase: { url } });
  assert(found.includes('fail database: not reached (ECONNREFUSED)'), found.join('\n'));
  assert(found.some((line) => line.startsWith('warn vault-files st-brigid: vault.db lies beside')));
  assert(!found.join('').includes('hunter2'));
});

test('a database that loses what it acknowledged', { skip: withoutPostgres }, async (t) => {
  const { examine } = patientOf(t);
  const url = await (await sharedPostgres()).createDatabase();
  const found = await examine({}, { vaultDatabase: { url } });
  assert(found.includes('fail database-durability: fsync or synchronous_commit is off'), found.join('\n'));
  assert(!found.some((line) => line.startsWith('fail database:')));
});

test('aceso doctor prints a line each with what to do, or JSON, and ends with 1 when something failed', async (t) => {
  const { root, data, keyFile } = patientOf(t);
  const nodes = createNodeStarter(environmentOf(root));
  const run = (...argv: readonly string[]) =>
    runLine(['doctor', '--data', data, '--port', '0', ...argv], {
      ...{ cwd: root, fetch, nodes: { ...noNodes, examine: nodes.examine } },
    });
  const well = await run();
  assert.equal(well.code, 0, well.out);
  assert.match(well.out, /^ok {3}settings +they hold$/m);
  assert.match(well.out, /^WARN backup +nothing is known of one\n +→ name its folder/m);
  assert.match(well.out, /0 failed$/);

  chmodSync(keyFile, 0o644);
  const ill = await run('--json');
  assert.equal(ill.code, 1);
  assert.match(ill.notes, /^error NODE_NOT_SOUND/);
  const { healthy, findings } = JSON.parse(ill.out) as { healthy: boolean; findings: Finding[] };
  assert.equal(healthy, false);
  assert.deepEqual(
    findings.filter(({ level }) => level === 'fail').map(({ check }) => check),
    ['root-key'],
  );

  const wrong = await run('--host', 'two words');
  assert.equal(wrong.code, 1);
  assert.match(wrong.out, /^FAIL settings +--host SETTING_WRONG$/m);
  assert.match(wrong.out, /^FAIL root-key /m, 'the rest is looked at all the same');
});
