import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LineResult, runLine } from '../../test/support/command-line.ts';
import { allCommands } from './commands.ts';
import { EXIT } from './exit-codes.ts';

/** Runs command lines in an empty folder where no node runs and none may be started. */
function createShell(t: TestContext): {
  readonly folder: string;
  run(...argv: readonly string[]): Promise<LineResult>;
} {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    run: (...argv) => runLine(argv, { cwd: folder, env: { ACESO_WALLET_PASSPHRASE: 'correct horse' } }),
  };
}

const words = (line: string): string[] => (line === '' ? [] : line.split(' '));
const HEX32 = 'ab'.repeat(32);

/** Command lines that are off, each for a reason of its own. */
const WRONG_LINES: readonly string[] = [
  'start extra',
  'start --port',
  'start --port=',
  'start --port x',
  'start --port -1',
  'start --port=-1',
  'start --port 65536',
  'start --port 8e3',
  'start --empty=yes',
  'start --witness nobody',
  'start --witness =http://a',
  'start --witness name=a',
  'start --follow node.example',
  'start --base-url javascript:x',
  'inspect node --url http://a --token é',
  'demo extra',
  'genesis',
  'genesis one two',
  'genesis --name a --out f',
  'genesis --name a --operator xyz --member m --out f',
  `genesis --name a --operator ${HEX32} --out f`,
  `genesis --name a --operator ${HEX32} --member entry.json --witness w --out f`,
  'network init',
  'network init plan.json',
  'network init one two --out d',
  'network up --validators 0',
  'network up --validators 17',
  'network up --validators four',
  'network up --port 65536',
  'network status --url nowhere',
  'network status --url http://a --token é',
  'vote admit',
  'vote remove --account a --successor b',
  `vote remove --account ${HEX32.slice(32)}`,
  'vote roles --account a',
  `vote roles --account ${HEX32.slice(32)} --role emperor`,
  `vote set-validator --account ${HEX32.slice(32)} --public-key x --node y --power 1`,
  `vote set-validator --account ${HEX32.slice(32)} --public-key ${HEX32} --node ${HEX32.slice(24)} --power -1`,
  `vote set-validator --account ${HEX32.slice(32)} --public-key ${HEX32} --node ${HEX32.slice(24)} --power 1.5`,
  'vote drop-validator',
  'vote rules --capability consent --version 0 --from-height 5',
  `vote restart-journal --account ${HEX32.slice(32)} --generation x --kept-size 0`,
  'vote approve',
  'vote approve one',
  'vote withdraw ../..',
  'import',
  'keys organisation',
  'keys organisation --name a --slug A --role provider --out f',
  'keys organisation --name a --slug a --role emperor --out f',
  'keys organisation --name é --slug a --role provider --out f',
  'keys organisation --name a --slug a --role provider --out f --validator --operator',
  'keys token',
  'keys token --label x --days soon',
  'keys slip',
  'keys slip p-1',
  'keys claim',
  'keys claim --slip f',
  'consent grant',
  'consent grant --patient p --wallet w --permit m',
  'consent revoke',
  'consent list',
  'access request',
  'access request --identifier a|b',
  'access break-glass',
  'access break-glass p-1 --reason x --stated y',
  'access log',
  'access log p-1 --limit 0',
  'receipts export',
  'receipts export --out f --sample 0',
  'receipts export --out f --sample -1',
  'receipts export --out f --sample 1 --all',
  'verify',
  'verify a.receipt.json',
  'verify --trust f',
  'witness',
  'witness --name a+b',
  'witness --name a --port x',
  'witness --name a --port 99999',
  'inspect nothing',
  'inspect constructor',
  'inspect __proto__',
  'inspect transaction',
  'inspect state chain.accounts',
  'inspect node --url not-an-address',
  'inspect node --url file:///etc/passwd',
  'inspect node --url http://a?b',
];

test('every command refuses options and arguments that it does not have, with exit code 2 and what to do', async (t) => {
  const { run, folder } = createShell(t);
  const lines = (await allCommands()).flatMap(({ name, options, maxArguments }) => {
    const text = Object.entries(options).find(([, { type }]) => type === 'string')?.[0];
    return [
      [...words(name), '--no-such-option'],
      [...words(name), '-z'],
      ...(text === undefined ? [] : [[...words(name), `--${text}`]]),
      ...(maxArguments > 100 ? [] : [[...words(name), ...Array.from({ length: maxArguments + 1 }, () => 'a')]]),
    ];
  });
  for (const line of [...lines, ...WRONG_LINES.map(words)]) {
    const { code, out, notes } = await run(...line);
    assert.equal(code, EXIT.USAGE, `${line.join(' ')}: ${code} ${notes}`);
    assert.match(notes, /^error ARGUMENTS_WRONG: .*`aceso help COMMAND`/, line.join(' '));
    assert.match(notes, /\n {2}(?:problem|subjects): \S/, line.join(' '));
    assert.equal(out, '');
  }
  assert.deepEqual(readdirSync(folder), [], 'nothing is written');
});

test('an unknown command is refused with exit code 2, and what it prints holds no control characters', async (t) => {
  const { run } = createShell(t);
  for (const line of [
    ['fly'],
    ['receipts'],
    ['keys'],
    ['--port', '1'],
    [''],
    ['../../bin/sh'],
    ['__proto__'],
    ['constructor'],
  ]) {
    const { code, notes } = await run(...line);
    assert.equal(code, EXIT.USAGE, line.join(' '));
    assert.match(notes, /^error COMMAND_UNKNOWN: .*`aceso help`/);
  }
  const { notes } = await run('\x1b[31mred\x07\u202e', 'x'.repeat(10_000));
  assert.doesNotMatch(notes, /[^\x20-\x7e\n]/);
  assert.ok(notes.length < 500);
});

test('help is given for everything, with exit code 0', async (t) => {
  const { run } = createShell(t);
  for (const line of [[], ['help'], ['--help'], ['-h'], ['help', 'nothing']]) {
    const { code, out } = await run(...line);
    assert.equal(code, 0);
    for (const { name } of await allCommands()) assert.ok(out.includes(`  ${name} `), name);
  }
  for (const { name, summary } of await allCommands()) {
    for (const line of [
      ['help', ...words(name)],
      [...words(name), '--help'],
    ]) {
      const { code, out } = await run(...line);
      assert.equal(code, 0);
      assert.ok(out.startsWith(`${summary}\n\nUsage: aceso ${name}`), name);
    }
  }
});

test('files that are not there, are folders, or are something else: exit code and code each', async (t) => {
  const { run, folder } = createShell(t);
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'bundles', 'folder.json'), { recursive: true });
  writeFileSync(join(folder, 'text'), 'no JSON');
  writeFileSync(join(folder, 'list.json'), '[]');
  writeFileSync(join(folder, 'a.receipt.json'), '{"__proto__":{}}');
  const rows: readonly (readonly [line: string, code: number, reject: string])[] = [
    ['genesis missing', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['genesis empty', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['genesis text', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['genesis list.json', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    [`genesis --name a --operator ${HEX32} --member missing --out f`, EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    [`genesis --name a --operator ${HEX32} --member list.json --out f`, EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['import missing', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['import empty', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['network init missing --out d', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['network init text --out d', EXIT.UNVERIFIED, 'PLAN_UNREADABLE'],
    ['network init list.json --out bundles', EXIT.UNAVAILABLE, 'NETWORK_FOLDER_TAKEN'],
    ['network status --data missing', EXIT.UNAVAILABLE, 'NODE_NOT_RUNNING'],
    ['vote admit --entry missing', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['vote admit --entry list.json', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['verify a.receipt.json --trust missing', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['verify a.receipt.json --trust text', EXIT.UNVERIFIED, 'TRUST_MALFORMED'],
    ['verify a.receipt.json --trust list.json', EXIT.UNVERIFIED, 'TRUST_MALFORMED'],
    ['keys claim --slip missing --wallet w', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['keys claim --slip text --wallet w', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
    ['keys organisation --name a --slug a --role provider --out text', EXIT.UNAVAILABLE, 'FILE_EXISTS'],
    ['consent list --wallet missing', EXIT.UNKNOWN, 'WALLET_UNKNOWN'],
    ['witness --name a --genesis missing', EXIT.UNKNOWN, 'FILE_UNREADABLE'],
  ];
  const before = readdirSync(folder);
  for (const [line, code, name] of rows) {
    const ran = await run(...words(line));
    assert.equal(ran.code, code, `${line}: ${ran.notes}`);
    assert.match(ran.notes, new RegExp(`^error ${name}: `), line);
  }
  assert.deepEqual(readdirSync(folder), before, 'nothing is written');
});
