import type { Finding } from '../../cli/node-starter.ts';
import type { VaultDatabase } from '../../vault/open-databases.ts';
import { fail, ok, warn } from './finding.ts';

const CONNECT_MS = 5000;
/** The oldest version that the project is tested with, and the oldest that has what the vault asks for. */
const TESTED_MAJOR = 15;
const LEAST_MAJOR = 13;

/** PostgreSQL, where vaults are in one: whether it answers, what it is, and whether it keeps what it acknowledged. */
export async function checkDatabases({ url, keysUrl }: VaultDatabase): Promise<Finding[]> {
  const findings = await checkDatabase('database', url);
  return keysUrl === undefined ? findings : [...findings, ...(await checkDatabase('keys-database', keysUrl))];
}

async function checkDatabase(check: string, url: string): Promise<Finding[]> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString: url,
    application_name: 'aceso doctor',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: CONNECT_MS,
  });
  // Without a listener a connection that is cut would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const setting = async (name: string): Promise<string> => {
      const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name]);
      return rows[0]?.value ?? '';
    };
    const version = await setting('server_version');
    const major = Math.floor(Number(await setting('server_version_num')) / 10_000);
    const isLossy = (await setting('fsync')) === 'off' || (await setting('synchronous_commit')) === 'off';
    return [judgeVersion(check, major, version), judgeDurability(check, isLossy)];
  } catch (error) {
    // The address holds a password: what is told is the code of PostgreSQL or of the system.
    const { code = 'no answer' } = error as { code?: string };
    return [fail(check, `not reached (${code})`, 'check ACESO_VAULT_DATABASE, the server and its log')];
  } finally {
    await client.end().catch(() => undefined);
  }
}

function judgeVersion(check: string, major: number, version: string): Finding {
  const advice = `use PostgreSQL ${TESTED_MAJOR} or later`;
  if (major < LEAST_MAJOR) return fail(check, `PostgreSQL ${version}`, advice);
  return major < TESTED_MAJOR ? warn(check, `PostgreSQL ${version}`, advice) : ok(check, `PostgreSQL ${version}`);
}

function judgeDurability(check: string, isLossy: boolean): Finding {
  if (!isLossy) return ok(`${check}-durability`, 'fsync and synchronous_commit are on');
  const advice = 'turn fsync and synchronous_commit on: without them a power loss takes what was acknowledged';
  return fail(`${check}-durability`, 'fsync or synchronous_commit is off', advice);
}
