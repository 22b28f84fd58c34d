import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { LIMITS } from '../../src/fhir/limits.ts';
import { openTerminology } from '../../src/fhir/packages/package-terminology.ts';
import { packageValidator } from '../../src/fhir/packages/package-validator.ts';
import { withoutPostgres } from '../support/test-postgres.ts';
import { type Comparison, compareEveryParameter } from './compare-searches.ts';
import { type DatabaseKind, startConformanceNode } from './conformance-node.ts';
import { type LoadedResources, loadResources } from './load-resources.ts';
import { EVERY_EXAMPLE, fileCount, officialExamples } from './official-examples.ts';
import { createShuffle } from './seeded-order.ts';
import { createSlowStore } from './slow-store.ts';

/*
 * The official R4 examples through REST: taken, or refused for what is wrong with them; read back token by token; and
 * found by every parameter of every type, as a slow matcher finds them that shares nothing with this server.
 *
 * Most examples refer to resources that nobody published, and this server takes no reference that leads nowhere. Those
 * are made absolute before they are sent, token by token; those that lead to other examples stay, and are written in
 * transactions in an order in which they resolve. So what belongs together still does, and chains have something to
 * follow.
 */

const isLong = process.env.ACESO_LONG === '1';
const SEED = Number(process.env.ACESO_SEED ?? 1);
const CHOICE = isLong ? EVERY_EXAMPLE : { perType: 3, bytes: 60_000 };

for (const kind of ['SQLite', 'PostgreSQL'] satisfies DatabaseKind[]) {
  const skip = kind === 'SQLite' ? false : withoutPostgres;
  const how = isLong
    ? { sources: 3, questions: 4, everyNth: 1 }
    : { sources: 1, questions: 1, everyNth: kind === 'SQLite' ? 1 : 4 };
  test(`official examples are taken and found on ${kind}`, { skip }, async (t) => {
    const shuffled = createShuffle(SEED);
    const node = await startConformanceNode(kind);
    t.after(() => node.close());
    const examples = officialExamples(CHOICE, shuffled);
    const loaded = await loadResources(node, examples, 100);
    await checkRefusals(loaded);
    node.stopClock();
    t.diagnostic(
      `${kind}: ${examples.length} of ${fileCount()} examples, ${loaded.stored.length} taken and read back, ` +
        `${loaded.refused.length} refused, ${loaded.madeAbsolute} with references made absolute; seed ${SEED}`,
    );
    const codes = Map.groupBy(loaded.refused, ({ code }) => code);
    t.diagnostic(`${kind}: ${[...codes].map(([code, of]) => `${of.length} ${code}`).join(', ')}`);
    const outcome = await compareEveryParameter(node, createSlowStore(loaded.stored), shuffled, how);
    for (const line of summaryOf(outcome)) t.diagnostic(`${kind}: ${line}`);
    assert.deepEqual(outcome.wrong.slice(0, 40), [], `${outcome.wrong.length} of ${outcome.asked} are wrong`);
    assert.ok(outcome.refused.length < outcome.asked / 20, outcome.refused.slice(0, 40).join('\n'));
    assert.ok(outcome.hit.size > (isLong ? 1000 : 250) && outcome.found > outcome.asked / 3);
  });
}

/** What is refused is refused by the validator for the same reason, or for its size or its id. */
async function checkRefusals({ refused }: LoadedResources): Promise<void> {
  const validator = packageValidator(await loadDefinitions(), [], openTerminology([]));
  const wrong = refused.filter(({ given, status, code, issues }) => {
    switch (`${status} ${code}`) {
      case '413 BODY_TOO_LARGE':
        return Buffer.byteLength(given.text) <= LIMITS.resourceBytes;
      case '400 ID_INVALID':
        return /^[A-Za-z0-9\-.]{1,64}$/.test(given.id);
      case '422 RESOURCE_INVALID': {
        const errors = validator
          .validate(JSON.parse(given.text))
          .filter(({ severity }) => severity === 'error')
          .map(({ path, text }) => `${path}: ${text}`);
        return issues.length === 0 || !issues.every((issue) => errors.includes(issue));
      }
    }
    return true;
  });
  assert.deepEqual(
    wrong.map(({ given, status, code, issues }) => `${given.address}: ${status} ${code} ${issues}`),
    [],
  );
}

function summaryOf({ asked, found, pages, refused, hit, unhit }: Comparison): string[] {
  const typesOf = (all: ReadonlySet<string>) => new Set([...all].map((name) => name.split('.')[0])).size;
  return [
    `${asked} searches on ${pages} pages, ${found} of them with results, ${refused.length} refused`,
    `${hit.size} parameters of ${typesOf(hit)} types found something by a value of theirs`,
    `without a value in the examples read: ${unhit.size}${isLong ? `: ${[...unhit].sort().join(' ')}` : ''}`,
  ];
}
