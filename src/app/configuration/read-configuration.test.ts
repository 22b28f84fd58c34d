import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { noNodes } from '../../../test/support/no-nodes.ts';
import type { CliContext } from '../../cli/command.ts';
import { runCli } from '../../cli/main.ts';
import type { StartOptions } from '../../cli/node-starter.ts';
import { nearestName } from './nearest-name.ts';
import { readConfiguration } from './read-configuration.ts';
import { SETTING_NAMES, SETTINGS } from './settings.ts';

function folderOf(t: TestContext, files: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-configuration-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, value] of Object.entries(files))
    writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value));
  return folder;
}

const SECRET = 'hunter2-hunter2-hunter2-hunter2';

test('options go before the environment, that before the file, and the file before what holds by itself', async (t) => {
  const cwd = folderOf(t, {
    'node.json5': {
      data: 'kept',
      port: 9000,
      baseUrl: 'https://file.example/',
      log: 'info',
      peer: ['https://a.example/', 'https://b.example'],
      witness: { w1: 'https://w.example' },
      empty: true,
      trustedProxies: ['10.0.0.0/24'],
      drain: 5,
      requestsPerToken: 50,
      burstPerToken: 100,
      signInTries: 4,
      signInWait: 120,
    },
  });
  const { faults, settings, effective } = await readConfiguration({
    options: { config: 'node.json5', port: '9001', 'drain-notice': '3' },
    variables: { ACESO_BASE_URL: 'https://variable.example', ACESO_LOG: '', ACESO_METRICS_TOKEN: SECRET + SECRET },
    cwd,
  });
  assert.deepEqual(faults, []);
  assert.deepEqual(settings, {
    folder: join(cwd, 'kept'),
    port: 9001,
    host: '127.0.0.1',
    seed: false,
    confirmClock: false,
    witnesses: { w1: 'https://w.example' },
    peers: ['https://a.example', 'https://b.example'],
    trustedProxies: ['10.0.0.0/24'],
    drain: { boundMs: 5000, noticeMs: 3000 },
    rateLimits: { token: { perSecond: 50, burst: 100 } },
    signInLimits: { sessionTries: 4, waitMs: 120_000 },
    baseUrl: 'https://variable.example',
    metricsToken: SECRET + SECRET,
    logLevel: 'info',
  });
  const from = Object.fromEntries(effective.map((one) => [one.name, one.from]));
  assert.deepEqual(
    [from.port, from.baseUrl, from.log, from.host, from.metricsToken],
    ['--port', 'ACESO_BASE_URL', 'log', 'default', 'ACESO_METRICS_TOKEN'],
  );
  assert(!JSON.stringify(effective).includes(SECRET), 'no secret is shown');
});

test('every fault of every source is told at once, with what was meant, and without secrets', async (t) => {
  const cwd = folderOf(t, {
    'c.json': {
      prot: 9000,
      host: 'two words',
      drain: '30',
      metricsToken: SECRET,
      confirmClock: true,
      genesis: 'nowhere.json',
      peer: 'https://a.example',
      follow: 'http://user:topsecret@/',
      trustedProxies: ['everybody'],
      requestsPerToken: 0,
      burstPerToken: '100',
      requestsPerUser: 10,
      burstPerSource: 19,
      signInTries: 2,
      signInSourceTries: 9,
      passkeyTries: 1001,
      signInWait: 59,
      unheardOf: 1,
      __proto__x: 1,
    },
  });
  const { faults, settings } = await readConfiguration({
    options: { config: 'c.json', port: '99999', emtpy: true, witness: ['nobody'] },
    variables: {
      ACESO_LOG: 'loud',
      ACESO_METRICS_TOKEN: 'short',
      ACESO_VAULT_DATABSE: `postgres://a:${SECRET}@db/x`,
      ACESO_VAULT_KEYS_DATABASE: `postgres://a:${SECRET}@db/x`,
      // Of others, and near to nothing.
      ACESO_LONG: '1',
      ACESO_WALLET_PASSPHRASE: SECRET,
      ACESO_SERVICE_PORT_8103_TCP: 'tcp://10.0.0.1:8103',
    },
    cwd,
  });
  assert.equal(settings, undefined);
  const told = faults.map(({ code, name, nearest }) => [code, name, nearest ?? ''].join(' ').trim());
  assert.deepEqual(told.sort(), [
    'SETTING_ELSEWHERE confirmClock',
    'SETTING_ELSEWHERE metricsToken',
    'SETTING_FILE_UNREADABLE genesis',
    'SETTING_INCOMPLETE ACESO_VAULT_KEYS_DATABASE',
    'SETTING_INCOMPLETE burstPerSource',
    'SETTING_INCOMPLETE follow',
    'SETTING_INCOMPLETE genesis',
    'SETTING_INCOMPLETE requestsPerUser',
    'SETTING_UNKNOWN --emtpy --empty',
    'SETTING_UNKNOWN ACESO_VAULT_DATABSE ACESO_VAULT_DATABASE',
    'SETTING_UNKNOWN __proto__x',
    'SETTING_UNKNOWN prot port',
    'SETTING_UNKNOWN unheardOf',
    'SETTING_WRONG --port',
    'SETTING_WRONG --witness',
    'SETTING_WRONG ACESO_LOG',
    'SETTING_WRONG ACESO_METRICS_TOKEN',
    'SETTING_WRONG burstPerSource',
    'SETTING_WRONG burstPerToken',
    'SETTING_WRONG drain',
    'SETTING_WRONG follow',
    'SETTING_WRONG host',
    'SETTING_WRONG passkeyTries',
    'SETTING_WRONG peer',
    'SETTING_WRONG requestsPerToken',
    'SETTING_WRONG signInSourceTries',
    'SETTING_WRONG signInTries',
    'SETTING_WRONG signInWait',
    'SETTING_WRONG trustedProxies',
  ]);
  assert.match(String(faults.find(({ name }) => name === 'drain')?.allowed), /seconds, from 0 to 3600/);
  assert.equal(faults.find(({ name }) => name === 'requestsPerUser')?.allowed, 'burstPerUser');
  const text = JSON.stringify(faults);
  for (const secret of [SECRET, 'topsecret', 'short']) assert(!text.includes(secret), secret);
});

test('a file that is not there, is no JSON, no object or too large is one fault, and shows nothing of what is in it', async (t) => {
  const cwd = folderOf(t, {
    'text.json': `{"metricsToken": ${SECRET}}`,
    'list.json': [],
    'large.json': { data: 'x'.repeat(70_000) },
  });
  for (const [config, code, given] of [
    ['missing.json', 'CONFIGURATION_FILE_UNREADABLE', 'ENOENT'],
    ['text.json', 'CONFIGURATION_FILE_MALFORMED', 'no JSON'],
    ['list.json', 'CONFIGURATION_FILE_MALFORMED', 'not an object'],
    ['large.json', 'CONFIGURATION_FILE_MALFORMED', 'too large'],
  ] as const) {
    const { faults } = await readConfiguration({ options: {}, variables: { ACESO_CONFIG: config }, cwd });
    assert.equal(faults.length, 1, config);
    assert.equal(faults[0]?.code, code);
    assert(faults[0]?.given?.startsWith(given), String(faults[0]?.given));
    assert(!JSON.stringify(faults).includes('hunter2'));
  }
});

test('every setting can be given somewhere, and no secret in a file or on the command line', () => {
  for (const name of SETTING_NAMES) {
    const { option, variable, inFile, isSecret } = SETTINGS[name];
    assert(option !== undefined || variable !== undefined || inFile, name);
    if (isSecret === true) assert(option === undefined && !inFile && variable !== undefined, name);
  }
});

test('the nearest name is one that was probably meant, or none', () => {
  const names = ['port', 'host', 'baseUrl', 'drainNotice', 'snapshotEvery'];
  assert.deepEqual(
    ['prot', 'hots', 'base-url', 'BASEURL', 'drainnotce', 'snapshot_every', 'x', 'colour', 'p'.repeat(1000)].map(
      (one) => nearestName(one, names),
    ),
    ['port', 'host', 'baseUrl', 'baseUrl', 'drainNotice', 'snapshotEvery', undefined, undefined, undefined],
  );
});

async function runStart(t: TestContext, argv: readonly string[], files = {}, env = {}) {
  const [out, notes]: [string[], string[]] = [[], []];
  const started: StartOptions[] = [];
  const context: CliContext = {
    ...{
      env,
      cwd: folderOf(t, files),
      clock: Date.now,
      untilStopped: async () => {},
      askSecret: async () => undefined,
    },
    print: (line) => out.push(line),
    note: (line) => notes.push(line),
    progress: () => ({ update() {}, stop() {} }),
    nodes: {
      ...noNodes,
      async start(options) {
        started.push(options);
        const url = 'http://127.0.0.1:1';
        return { url, baseUrl: url, node: 'n', adminTokens: {}, seeded: undefined, close: async () => {} };
      },
    },
    fetch: async () => Response.json({ ledger: { status: 'ok' } }),
  };
  const code = await runCli(['start', ...argv], context);
  return { code, out: out.join('\n'), notes: notes.join('\n'), started };
}

test('aceso start --check judges and starts nothing; faults are printed together, with exit code 2', async (t) => {
  const checked = await runStart(t, ['--check', '--config', 'c.json'], { 'c.json': { port: 9000 } });
  assert.deepEqual([checked.code, checked.started.length, checked.notes], [0, 0, '']);
  assert.match(checked.out, /^port +9000 {2}\(port\)$/m);
  assert.match(checked.out, /The settings hold\.$/);

  const wrong = await runStart(t, ['--prot', '1', '--drain', 'x'], {}, { ACESO_LOG: 'loud' });
  assert.equal(wrong.code, 2);
  assert.equal(wrong.started.length, 0);
  assert.match(wrong.notes, /^error CONFIGURATION_WRONG: /);
  assert.match(wrong.notes, /^ {2}problem: --prot SETTING_UNKNOWN: .*did you mean --port\?/m);
  assert.match(wrong.notes, /^ {2}problem 2: --drain SETTING_WRONG: .*given x; takes seconds/m);
  assert.match(wrong.notes, /^ {2}problem 3: ACESO_LOG SETTING_WRONG: .*given loud; takes one of trace/m);

  const right = await runStart(t, ['--config', 'c.json'], { 'c.json': { port: 9000, drain: 7 } });
  assert.equal(right.code, 0, right.notes);
  assert.equal(right.started[0]?.port, 9000);
  assert.deepEqual(right.started[0]?.drain, { boundMs: 7000, noticeMs: 0 });
});
