import type { Client } from 'pg';
import type { Reject } from '../../std/reject.ts';
import { reject } from '../codes.ts';
import type { SqlValue } from './connection.ts';
import { postgresReject } from './postgres-errors.ts';
import { createRecentMap } from './recent-map.ts';

export interface SessionResult {
  readonly rows: readonly Record<string, unknown>[];
  readonly command: string;
}

/** One connection to PostgreSQL. Queries are sent at once and answered in order. */
export interface Session {
  /** Queries that are sent and not answered yet. */
  readonly waiting: number;
  /** Rejects with VAULT_FULL, VAULT_DAMAGED, VAULT_STORAGE_FAILED. */
  run(text: string, values?: readonly SqlValue[]): Promise<SessionResult>;
  end(): Promise<void>;
}

/** Texts that are remembered as seen, of which those seen twice are prepared. */
const MAX_PREPARED = 512;

/** Connects. `onLost` is told once when the connection goes without `end`. */
export async function createSession(open: () => Client, onLost: (reason: Reject) => void): Promise<Session> {
  const client = open();
  const recent = createRecentMap<{ name: string; uses: number }>(MAX_PREPARED);
  let [waiting, names, isEnded] = [0, 0, false];
  let gone: Reject | undefined;
  const lose = () => {
    if (isEnded || gone !== undefined) return;
    gone = reject('VAULT_STORAGE_FAILED', { step: 'connection' });
    onLost(gone);
  };
  client.on('error', lose);
  client.on('end', lose);
  await client.connect();

  /**
   * A name for a text that comes again: PostgreSQL parses and plans it once. One that comes once is not kept, so that
   * searches of ever new shapes push nothing out that is of use.
   */
  function nameOf(text: string): string | undefined {
    const known = recent.get(text);
    if (known !== undefined) {
      known.uses += 1;
      if (known.name === '') known.name = `a${names++}`;
      return known.name;
    }
    const dropped = recent.set(text, { name: '', uses: 1 });
    if (dropped !== undefined && dropped.name !== '') forget(dropped.name);
    return undefined;
  }

  function forget(name: string): void {
    void client.query(`deallocate "${name}"`).catch(() => {});
    // pg keeps the text of every name for as long as the session lasts; a name is never used again.
    const { connection } = client as unknown as { connection?: { parsedStatements?: Record<string, string> } };
    if (connection?.parsedStatements !== undefined) delete connection.parsedStatements[name];
  }

  return {
    get waiting() {
      return waiting;
    },
    async run(text, values = []) {
      if (gone !== undefined) throw gone;
      waiting += 1;
      try {
        const name = nameOf(text);
        const query = { text, values: values as unknown[], ...(name === undefined ? {} : { name }) };
        return (await client.query(query)) as SessionResult;
      } catch (error) {
        throw postgresReject(error, 'run') ?? strange(error);
      } finally {
        waiting -= 1;
      }
    },
    async end() {
      isEnded = true;
      await client.end().catch(() => {});
    },
  };
}

/** A bug of ours, without the values that its message may quote. */
function strange(error: unknown): Error {
  const { code } = error as { code?: unknown };
  return new Error(`PostgreSQL refused a statement: ${typeof code === 'string' ? code : 'no code'}`);
}
