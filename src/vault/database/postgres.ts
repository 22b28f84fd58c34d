import type { CompiledQuery } from 'kysely';
import type { ClientConfig } from 'pg';
import { isReject, type Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';
import { decodeRow } from '../columns.ts';
import type { Change, Connection, Frozen, SqlValue, Statement } from './connection.ts';
import { coalesce } from './multi-row.ts';
import { postgresReject } from './postgres-errors.ts';
import { createSession, type Session } from './postgres-session.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, as libpq has it. */
  readonly url: string;
  /** Schema that this vault has to itself; made when it is not there. */
  readonly schema: string;
  /** Tables that `overwrite` clears of what was deleted. */
  readonly overwritten: readonly string[];
}

interface PostgresStatement<Row> extends Statement<Row> {
  readonly text: string;
}

/** A server notices a moment later that a process was killed, and ends what that had sent; longer is another node. */
const LOCK_WAIT_MS = 3000;

/** Sessions for reads: a slow search keeps no more than one of them from the rest. */
const READERS = 4;

/**
 * Opens a schema of a PostgreSQL database for this process alone: one session holds its advisory lock for as long as it
 * lasts, and writes. Queries are sent without waiting for the answers to those before (pipelining), so a commit costs one
 * round trip. A session that is lost is not opened again: another process may have had the lock meanwhile, and what this
 * one remembers may be old. The vault refuses from then on and the node is started again.
 * Rejects with VAULT_DATABASE_UNREACHABLE, VAULT_IN_USE.
 */
export async function openPostgres(options: PostgresOptions): Promise<Connection> {
  // Loaded when it is asked for: most nodes keep their vaults in SQLite.
  const { default: pg } = await import('pg');
  let tellLost: (reason: Reject) => void = () => {};
  const lost = new Promise<Reject>((resolve) => {
    tellLost = resolve;
  });
  const config: ClientConfig = { connectionString: options.url, application_name: 'aceso', types: TYPES };
  const connect = (onLost = tellLost) =>
    createSession(() => new pg.Client({ ...config, pipeline: true } as ClientConfig), onLost);
  const sessions: Session[] = [];
  try {
    const writer = await connect();
    sessions.push(writer);
    await prepareSchema(writer, options.schema);
    const readers = await Promise.all(Array.from({ length: READERS }, () => connect()));
    sessions.push(...readers);
    await Promise.all(readers.map((reader) => setUp(reader, options.schema)));
    return connectionOf(writer, readers, options, lost, () => freeze(() => connect(() => {}), options.schema));
  } catch (error) {
    await Promise.all(sessions.map((session) => session.end()));
    throw isReject(error) ? error : (postgresReject(error, 'open') ?? error);
  }
}

/** Durable when acknowledged, whatever the server's default is. */
async function setUp(session: Session, schema: string): Promise<void> {
  await session.run(`set search_path to "${schema}"`);
  await session.run('set synchronous_commit to on');
  await session.run('set client_min_messages to warning');
  // Every statement goes by keys and reads few rows; the planner, left to itself, scans and hashes whole tables for a
  // hundred of them, and compiles what runs for a millisecond.
  for (const setting of ['jit', 'enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'])
    await session.run(`set ${setting} to off`);
  await session.run('set random_page_cost to 1.1');
  // A machine that died holds its lock no longer than this.
  await session.run('set tcp_keepalives_idle to 30');
  await session.run('set tcp_keepalives_interval to 10');
  await session.run('set tcp_keepalives_count to 3');
}

async function prepareSchema(writer: Session, schema: string): Promise<void> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) throw new TypeError('a schema has 1 to 63 small letters, digits and _');
  await writer.run(`set lock_timeout to ${LOCK_WAIT_MS}`);
  await writer.run('select pg_advisory_lock(hashtextextended($1, 0))', [`aceso/${schema}`]);
  await writer.run('set lock_timeout to 0');
  await setUp(writer, schema);
  await writer.run(`create schema if not exists "${schema}"`);
}

/** A session of its own, whose one transaction sees what was committed when it began (PostgreSQL 15, §13.2.2). */
async function freeze(connect: () => Promise<Session>, schema: string): Promise<Frozen> {
  const session = await connect();
  try {
    await setUp(session, schema);
    await session.run('begin isolation level repeatable read read only');
    // The first query is what takes the snapshot.
    await session.run('select 1');
  } catch (error) {
    await session.end();
    throw error;
  }
  return {
    async all<Row>({ sql: text, parameters }: CompiledQuery<Row>) {
      const { rows } = await session.run(text, parameters as readonly SqlValue[]);
      return rows as readonly Row[];
    },
    isIntact: () => true,
    release: () => session.end(),
  };
}

function connectionOf(
  writer: Session,
  readers: readonly Session[],
  { overwritten }: PostgresOptions,
  lost: Promise<Reject>,
  freezeNow: () => Promise<Frozen>,
): Connection {
  const leastBusy = (): Session =>
    readers.reduce((best, one) => (one.waiting < best.waiting ? one : best), readers[0] as Session);

  async function rowsOf<Row>(text: string, values: readonly SqlValue[]): Promise<Row[]> {
    const { rows } = await leastBusy().run(text, values);
    return rows.map((row) => decodeRow(row) as Row);
  }

  function prepare<Row>(query: CompiledQuery<Row>): Statement<Row> {
    const text = query.sql;
    const parameters = query.parameters.length;
    const read = async (values: readonly SqlValue[]): Promise<Row[]> => {
      checked(values);
      // No text of PostgreSQL has a NUL, so nothing is under a key that has one.
      return values.some((value) => typeof value === 'string' && value.includes('\0')) ? [] : rowsOf(text, values);
    };
    const checked = (values: readonly SqlValue[]) => {
      if (values.length !== parameters)
        throw new TypeError(`statement takes ${parameters} values, not ${values.length}`);
      return values;
    };
    const made: PostgresStatement<Row> = {
      text,
      get: async (...values) => (await read(values))[0],
      all: (...values) => read(values),
      change: (...values) => ({ statement: made as Statement<unknown>, values: checked(values) }),
    };
    return made;
  }

  /** Everything is on its way at once; the first that fails is why, and the server takes none of the rest. */
  async function transaction(queries: readonly { readonly text: string; readonly values: readonly SqlValue[] }[]) {
    const sent = [
      writer.run('begin'),
      ...queries.map(({ text, values }) => writer.run(text, values)),
      writer.run('commit'),
    ];
    const settled = await Promise.allSettled(sent);
    for (const one of settled) if (one.status === 'rejected') throw one.reason;
    const last = settled.at(-1) as PromiseFulfilledResult<{ command: string }>;
    if (last.value.command !== 'COMMIT') throw reject('VAULT_STORAGE_FAILED', { step: 'commit' });
  }

  async function write(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    const rows = changes.map(({ statement, values }) => ({
      text: (statement as PostgresStatement<unknown>).text,
      values,
    }));
    await transaction(coalesce(rows));
  }

  return {
    dialect: 'postgres',
    prepare,
    all: (query) => rowsOf(query.sql, query.parameters as readonly SqlValue[]),
    write,
    // What others see, the server has made durable.
    async apply(changes) {
      await write(changes);
      return { durable: Promise.resolve() };
    },
    inOrder: false,
    resume() {},
    derivesLater: false,
    execute: (queries) => transaction(queries.map(({ sql: text }) => ({ text, values: [] }))),
    // Frees the rows that were deleted. Unlike SQLite nothing is zeroed: bytes stay in the free space of the tables'
    // files and in the write-ahead log until they are used again, so a key store that has to forget is best kept in SQLite.
    async overwrite() {
      for (const table of overwritten) await writer.run(`vacuum "${table}"`);
    },
    freeze: freezeNow,
    integrityFault: async () => undefined,
    lost,
    async close() {
      await Promise.all([...readers, writer].map((session) => session.end()));
    },
  };
}

const INT8 = 20;
const BYTEA = 17;

/** Positions and times are below 2^53, so an int8 is a number. */
const TYPES = {
  getTypeParser(oid: number) {
    if (oid === INT8 || oid === 21 || oid === 23 || oid === 700 || oid === 701) return Number;
    if (oid === BYTEA) return (text: string) => Buffer.from(text.slice(2), 'hex');
    if (oid === 16) return (text: string) => text === 't';
    return (text: string) => text;
  },
} as unknown as NonNullable<ClientConfig['types']>;
