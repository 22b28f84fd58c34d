import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompiledQuery } from 'kysely';
import { DATABASES, resource, testIndex } from '../../../test/support/test-index.ts';
import type { Connection } from '../database/connection.ts';
import type { Criterion, IndexQuery, SortKey } from './index-query.ts';

const token = (parameter: string, value: string): Criterion => ({ kind: 'token', tokens: [{ parameter, value }] });
const rare = token('identifier', 'o7');
const common = token('status', 'final');
const date: SortKey = { by: 'ordinal', parameter: 'date', descending: true };
const since: Criterion = {
  kind: 'ordinal',
  ranges: [{ parameter: 'date', tests: [{ end: 'high', is: '>=', value: 1990 }] }],
};
const ofPatient: Criterion = { kind: 'link', parameter: 'subject', targets: [{ type: 'Patient', id: 'p' }] };
const chain: Criterion = { kind: 'chain', parameter: 'subject', type: 'Patient', criteria: [token('family', 'f')] };
const has: Criterion = { kind: 'reverse', parameter: 'subject', type: 'Observation', criteria: [rare] };

/** `uses`: an index that some step of SQLite goes by; PostgreSQL chooses by what is in the tables. */
const SHAPES: readonly (Partial<IndexQuery> & { readonly name: string; readonly uses?: string })[] = [
  { name: 'a type', criteria: [], uses: 'resource_type' },
  { name: 'a rare and a common token', criteria: [rare, common] },
  { name: 'a rare token, sorted', criteria: [rare, common], sort: [date] },
  { name: 'common tokens', criteria: [common, token('half', '1')] },
  { name: 'common tokens, sorted', criteria: [common, token('half', '1')], sort: [date] },
  { name: 'a type by date', criteria: [], sort: [date], uses: 'ordinal_high' },
  { name: 'a type by date, rising', criteria: [], sort: [{ ...date, descending: false }], uses: 'ordinal_low' },
  { name: 'since a date', criteria: [since], uses: 'ordinal_high' },
  { name: 'of a patient', criteria: [ofPatient, common], sort: [date] },
  { name: 'a negation', criteria: [common, { kind: 'not', of: token('half', '1') }] },
  { name: 'a chain', criteria: [chain, common], sort: [date] },
  { name: 'a reverse chain', type: 'Patient', criteria: [has] },
  { name: 'ids', criteria: [{ kind: 'id', ids: ['o1', 'o2'] }] },
  { name: 'by id', criteria: [common], sort: [] },
];

/** Steps that read a table from its beginning to its end; subqueries that were made before are named by a letter or so. */
const SQLITE_SCAN = /^SCAN (?!(?:c|d|q|x|k|n|g|given|CONSTANT ROW|\(subquery-\d+\))(?: |$))/;
const POSTGRES_SCAN = /Seq Scan on (?:resource|token|ordinal|link|indexed|version)\b/;

for (const database of DATABASES) {
  test(`${database.name}: every shape of query goes by keys and indexes`, { skip: database.skip }, async (t) => {
    // PostgreSQL reads small tables whole, as it should: here it does so only where no index is of use.
    const connection = await database.open(t, '-c enable_seqscan=off');
    const queries: CompiledQuery<unknown>[] = [];
    const recording: Connection = {
      ...connection,
      all: (query) => {
        queries.push(query);
        return connection.all(query);
      },
    };
    const index = await testIndex(recording);
    await index.put(resource('p', { tokens: [{ parameter: 'family', value: 'f' }] }, { type: 'Patient' }));
    for (let from = 0; from < 3000; from += 500) {
      const some = Array.from({ length: 500 }, (_, at) => {
        const i = from + at;
        const tokens = [
          { parameter: 'identifier', value: `o${i}` },
          { parameter: 'status', value: 'final' },
          { parameter: 'half', value: String(i % 2) },
        ];
        const links = i % 100 === 0 ? [{ parameter: 'subject', type: 'Patient', id: 'p' }] : [];
        return resource(`o${i}`, { tokens, links, ordinals: [{ parameter: 'date', low: i, high: i }] });
      });
      await index.put(...some);
    }
    // PostgreSQL plans by what it knows of the tables.
    if (connection.dialect === 'postgres') await connection.execute([{ sql: 'analyze' } as CompiledQuery<unknown>]);
    for (const { name, uses = '', ...shape } of SHAPES) {
      queries.length = 0;
      await index.finder.find({ type: 'Observation', criteria: [], sort: [], limit: 10, ...shape });
      const steps: string[] = [];
      for (const query of queries) {
        const how = connection.dialect === 'sqlite' ? 'explain query plan' : 'explain';
        const plan = await connection.all<Record<string, unknown>>({ ...query, sql: `${how} ${query.sql}` } as never);
        for (const step of plan) {
          const text = String(step.detail ?? step['QUERY PLAN']);
          const isScan = connection.dialect === 'sqlite' ? SQLITE_SCAN.test(text) : POSTGRES_SCAN.test(text);
          assert.ok(!isScan, `${name}: ${text}\n${query.sql}`);
          steps.push(text);
        }
      }
      assert.ok(
        connection.dialect === 'postgres' || steps.some((step) => step.includes(uses)),
        `${name}: ${steps.join('; ')}`,
      );
    }
  });
}
