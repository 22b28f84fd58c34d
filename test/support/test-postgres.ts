import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

const DEBIAN = '/usr/lib/postgresql';
const START_MS = 30_000;

/** Debian's newest server; its programs are not on the path. */
function findServer(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => join(DEBIAN, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

const found = findServer();

/** Why tests on PostgreSQL are skipped here; false where they run. On CI they never are: without a server they fail. */
export const withoutPostgres: string | false =
  found === undefined && process.env.ACESO_CI !== '1'
    ? 'needs PostgreSQL (apt-get install postgresql), which is not installed'
    : false;

export interface TestPostgres {
  /** Makes an empty database; resolves to its address. */
  createDatabase(): Promise<string>;
  /** Makes a database with what another holds; nobody may have that one open. Resolves to its address. */
  copyDatabase(url: string): Promise<string>;
  /** Ends all sessions of a database but the one that asks, as a server that goes away would. */
  endSessions(url: string): Promise<void>;
  stop(): Promise<void>;
}

/** PostgreSQL does not run as root: its own user of Debian's does. */
function asServerUser(program: string, ...args: string[]): [string, string[]] {
  return process.getuid?.() === 0 ? ['runuser', ['-u', 'postgres', '--', program, ...args]] : [program, args];
}

/** A server of its own in a temporary folder, reached by a unix socket there, gone with `stop` or with this process. */
export async function startPostgres(options: { isDurable?: boolean } = {}): Promise<TestPostgres> {
  if (found === undefined) throw new Error(`there is no PostgreSQL below ${DEBIAN}: apt-get install postgresql`);
  const folder = mkdtempSync(join(tmpdir(), 'aceso-postgres-'));
  // Its own user makes what is in it.
  chmodSync(folder, 0o777);
  const data = join(folder, 'data');
  const initdb = asServerUser(
    join(found, 'initdb'),
    ...['-D', data, '-U', 'aceso', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
  );
  const made = spawnSync(...initdb, { encoding: 'utf8', cwd: folder });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'max_connections=200'];
  // A test kills clients, never the server, so it need not wait for the disk.
  if (options.isDurable !== true) settings.push('fsync=off');
  // The shell ends the server when this process goes, however it goes.
  const script = '"$0" "$@" & server=$!; read _; kill -INT $server; wait $server';
  const server = asServerUser(
    'sh',
    ...['-c', script, join(found, 'postgres'), '-D', data],
    ...settings.flatMap((setting) => ['-c', setting]),
  );
  const child = spawn(...server, { stdio: ['pipe', 'ignore', 'ignore'], cwd: folder });
  const urlOf = (database: string) => `postgres://aceso@localhost/${database}?host=${encodeURIComponent(folder)}`;
  const query = async (text: string, values: string[] = []): Promise<void> => {
    const client = new pg.Client({ connectionString: urlOf('postgres') });
    await client.connect();
    await client.query(text, values);
    await client.end();
  };
  await untilUp(query);
  let databases = 0;
  return {
    async createDatabase() {
      const name = `d${++databases}`;
      await query(`create database ${name}`);
      return urlOf(name);
    },
    async copyDatabase(url) {
      const name = `d${++databases}`;
      await query(`create database ${name} template ${nameIn(url)}`);
      return urlOf(name);
    },
    endSessions: (url) =>
      query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()', [
        nameIn(url),
      ]),
    async stop() {
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        child.stdin.end();
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const nameIn = (url: string): string => new URL(url).pathname.slice(1);

async function untilUp(query: (text: string) => Promise<void>): Promise<void> {
  for (const untilMs = performance.now() + START_MS; ; await delay(50)) {
    const error: unknown = await query('select 1').then(
      () => undefined,
      (thrown) => thrown,
    );
    if (error === undefined) return;
    if (performance.now() > untilMs) throw error;
  }
}

let shared: Promise<TestPostgres> | undefined;

/** The server of a test file, started when it is first asked for and stopped after its tests. */
export function sharedPostgres(): Promise<TestPostgres> {
  shared ??= startPostgres();
  return shared;
}

after(async () => (await shared)?.stop());
