import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { readConfiguration } from '../../src/app/configuration/read-configuration.ts';
import { DEFAULTS, SETTING_NAMES, SETTINGS } from '../../src/app/configuration/settings.ts';

const root = join(import.meta.dirname, '../..');
const deploy = join(root, 'deploy');
/** Where the unit and the image have the package. */
const INSTALLED = '/opt/aceso';
const read = (name: string): string => readFileSync(join(deploy, name), 'utf8');
const here = (path: string): string => path.replaceAll(INSTALLED, root);

/** What a unit says under a name, in order; lines of the same name add up. */
function unitValues(unit: string, name: string): string[] {
  return unit.split('\n').flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
}

/** Instructions of a Containerfile with their continued lines in one. */
function instructions(text: string): { readonly name: string; readonly rest: string }[] {
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '');
  return joined.split('\n').flatMap((line) => {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line.trim());
    return match === null ? [] : [{ name: match[1] as string, rest: match[2] as string }];
  });
}

/** A command of the package's on the runtime that it brings: both are in the repository, and the settings that it names hold. */
async function judgeCommand(words: readonly string[], settings: string): Promise<void> {
  const [runtime = '', script = '', command, ...options] = words;
  accessSync(here(runtime), constants.X_OK);
  assert(existsSync(here(script)), script);
  assert.equal(command, 'start');
  const given = options.filter((word) => word !== '--check');
  assert.deepEqual(given, given.length === 0 ? [] : ['--config', '/etc/aceso/aceso.json']);
  const { faults } = await readConfiguration({ options: { config: settings }, variables: {}, cwd: root });
  assert.deepEqual(faults, []);
}

test('the unit starts what is in the repository, keeps keys apart, and waits for the drain', async () => {
  const unit = read('systemd/aceso.service');
  for (const name of ['ExecStartPre', 'ExecStart']) {
    const [line = ''] = unitValues(unit, name);
    await judgeCommand(line.split(' '), join(deploy, 'aceso.json'));
  }
  const { settings } = await readConfiguration({
    options: { config: join(deploy, 'aceso.json') },
    variables: {},
    cwd: root,
  });
  const { boundMs, noticeMs } = settings?.drain ?? { boundMs: Number.NaN, noticeMs: 0 };
  assert(Number(unitValues(unit, 'TimeoutStopSec')[0]) * 1000 >= boundMs + noticeMs + 30_000);
  const folders =
    unitValues(unit, 'StateDirectory')[0]
      ?.split(' ')
      .map((name) => `/var/lib/${name}`) ?? [];
  assert(folders.includes(settings?.folder ?? ''));
  const keys =
    unitValues(unit, 'Environment')
      .find((one) => one.startsWith('XDG_CONFIG_HOME='))
      ?.split('=')[1] ?? '';
  assert(folders.includes(keys));
  assert.match(relative(settings?.folder ?? '', keys), /^\.\./, 'root keys are not in the data folder');
  // The user that it runs as is the one that is made.
  assert.match(read('systemd/aceso.sysusers.conf'), new RegExp(`^u ${unitValues(unit, 'User')[0]} `, 'm'));
  for (const [name, value] of [
    ['KillMode', 'mixed'],
    ['KillSignal', 'SIGTERM'],
    ['ProtectSystem', 'strict'],
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', ''],
    ['StateDirectoryMode', '0700'],
    ['UMask', '0077'],
  ] as const)
    assert.deepEqual(unitValues(unit, name), [value], name);
  for (const name of unit.match(/\bACESO_[A-Z_]+/g) ?? [])
    assert(
      SETTING_NAMES.some((one) => SETTINGS[one].variable === name),
      name,
    );
});

/** Of the machine, not of a package. */
const ANALYZE = 'systemd-analyze';
const withoutSystemd = spawnSync(ANALYZE, ['--version']).status === 0 ? false : 'needs systemd-analyze';

test('systemd takes the unit, and finds little that it exposes', { skip: withoutSystemd }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-unit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'aceso.service');
  writeFileSync(file, here(read('systemd/aceso.service')));
  const verified = spawnSync(ANALYZE, ['verify', file], { encoding: 'utf8' });
  assert.equal(verified.status, 0, verified.stderr);
  const said = verified.stderr.split('\n').filter((line) => line.includes('aceso.service'));
  assert.deepEqual(said, []);
  const judged = spawnSync(ANALYZE, ['security', '--offline=true', '--threshold=20', file], {
    encoding: 'utf8',
  });
  assert.equal(judged.status, 0, judged.stdout.slice(-200));
});

test('the image is made of what is in the repository, runs as nobody special, and says whether it lives', async (t) => {
  const steps = instructions(read('Containerfile'));
  const rests = (name: string): string[] => steps.filter((step) => step.name === name).map(({ rest }) => rest);
  for (const rest of rests('COPY').filter((one) => !one.startsWith('--from='))) {
    for (const path of rest.split(' ').slice(0, -1)) assert(existsSync(join(root, path)), path);
  }
  const copied = rests('COPY').flatMap((rest) => rest.split(' '));
  for (const part of ['src', 'package.json', 'package-lock.json', 'bin/aceso.ts']) assert(copied.includes(part), part);
  assert.deepEqual(rests('USER'), ['aceso']);
  assert.deepEqual(rests('STOPSIGNAL'), ['SIGTERM']);
  const config = /ACESO_CONFIG=(\S+)/.exec(rests('ENV').join(' '))?.[1] ?? '';
  await judgeCommand(
    [...JSON.parse(rests('ENTRYPOINT')[0] ?? ''), ...JSON.parse(rests('CMD')[0] ?? '')] as string[],
    here(config),
  );
  const { settings } = await readConfiguration({ options: { config: here(config) }, variables: {}, cwd: root });
  assert(settings);
  const volumes = JSON.parse(rests('VOLUME')[0] ?? '') as string[];
  assert(volumes.includes(settings.folder));
  assert(volumes.includes(/XDG_CONFIG_HOME=(\S+)/.exec(rests('ENV').join(' '))?.[1] ?? ''));
  assert.equal(rests('EXPOSE')[0], String(settings.port));

  // The definitions' step runs as it stands.
  const warm = rests('RUN').find((rest) => rest.includes('loadDefinitions')) ?? '';
  const code = /-e "(.*)"$/.exec(warm)?.[1] ?? '';
  const made = spawnSync(process.execPath, ['--input-type=module', '-e', here(code)], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);

  // The health check, against a node that lives and one that does not.
  const check = /CMD (\[.*\])$/.exec(rests('HEALTHCHECK')[0] ?? '')?.[1] ?? '[]';
  const [runtime = '', flag = '', script = ''] = JSON.parse(check) as string[];
  assert.equal(here(runtime), join(root, 'node_modules/.bin/node'));
  assert(script.includes(`:${settings.port}/health`));
  const server = createServer((request, answer) => {
    answer.statusCode = request.url === '/health' ? 200 : 404;
    answer.end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const exitOf = async (at: number): Promise<number> => {
    const child = spawn(process.execPath, [flag, script.replace(`:${settings.port}/`, `:${at}/`)]);
    const [exit] = (await once(child, 'exit')) as [number];
    return exit;
  };
  assert.equal(await exitOf(port), 0);
  assert.equal(await exitOf(9), 1);
});

test('the page about running a node names every setting, every default, and files that are there', () => {
  const page = read('README.md');
  for (const name of SETTING_NAMES) {
    const { option, variable, inFile } = SETTINGS[name];
    if (inFile) assert(page.includes(`\`${name}\``), name);
    if (option !== undefined) assert(page.includes(`--${option}`), option);
    if (variable !== undefined) assert(page.includes(variable), variable);
  }
  for (const value of Object.values(DEFAULTS)) assert(page.includes(String(value)), String(value));
  for (const path of page.match(/\bdeploy\/[\w./-]+\w/g) ?? []) assert(existsSync(join(root, path)), path);
  for (const [, path = ''] of page.matchAll(/^\| (`.*`) \|/gm)) {
    for (const [, file = ''] of path.matchAll(/`([a-z]+\/[\w.]+|[A-Za-z]+file|[a-z]+\.json)`/g))
      assert(existsSync(join(deploy, file)), file);
  }
  assert(readdirSync(deploy).every((name) => page.includes(name) || name === 'README.md'));
});
