import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withoutPostgres } from '../support/test-postgres.ts';
import type { DatabaseKind } from './conformance-node.ts';
import { shallItems } from './us-core-items.ts';
import { readUsCore, withoutUsCore } from './us-core-package.ts';
import { US_CORE_PAGE, usCorePage } from './us-core-page.ts';
import { runUsCore } from './us-core-run.ts';

/*
 * Every SHALL of US Core 6.1.0's server, one by one, on the guide's own examples through REST. docs/us-core-6.1.0.md is
 * the table of these items with what shows each, and must be what this finds.
 */

test('every kind of SHALL is taken from the guide', { skip: withoutUsCore }, async (t) => {
  const items = shallItems(await readUsCore());
  const counts = Map.groupBy(items, ({ show }) => show.kind);
  t.diagnostic([...counts].map(([kind, of]) => `${of.length} ${kind}`).join(', '));
  const least = { statement: 38, profile: 50, interaction: 48, search: 51, revinclude: 18, form: 82, comparator: 64 };
  for (const [kind, count] of Object.entries(least)) {
    assert.ok((counts.get(kind as 'form')?.length ?? 0) >= count, kind);
  }
  assert.equal(new Set(items.map(({ section, text }) => `${section} ${text}`)).size, items.length);
});

for (const kind of ['SQLite', 'PostgreSQL'] satisfies DatabaseKind[]) {
  const skip = withoutUsCore || (kind === 'SQLite' ? false : withoutPostgres);
  test(`every SHALL of a US Core server holds on ${kind}`, { skip }, async (t) => {
    const { results, refused, storedCount } = await runUsCore(
      await readUsCore(),
      kind,
      kind === 'SQLite' || process.env.ACESO_LONG === '1' ? ['GET', 'POST'] : ['GET'],
    );
    for (const { item, shown, failure } of results) {
      const result = failure === undefined ? `green  ${shown}` : `NOT SHOWN  ${failure.split('\n')[0]}`;
      t.diagnostic(`${item.section}: ${item.text} -> ${result}`);
    }
    assert.deepEqual(
      refused.map(({ given, code, issues }) => `${given.address}: ${code} ${issues}`),
      [],
    );
    t.diagnostic(`${kind}: ${results.length} items on ${storedCount} resources`);
    const failures = results.filter(({ failure }) => failure !== undefined);
    assert.deepEqual(
      failures.map(({ item, failure }) => `${item.section}: ${item.text}: ${failure}`),
      [],
    );
    const page = readFileSync(join(import.meta.dirname, '../..', US_CORE_PAGE), 'utf8');
    assert.equal(page, usCorePage(results), 'run node test/conformance/write-us-core-page.ts --write');
  });
}
