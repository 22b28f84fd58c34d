import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHospitalNode } from '../../test/support/hospital-node.ts';
import { r4Conformance } from '../fhir/conformance.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { createIndexKeeper } from './keep-index.ts';

test('a start looks for what is to be indexed anew only when there may be some', async (t) => {
  const { hospital } = await createHospitalNode(t);
  const conformance = r4Conformance(await loadDefinitions());
  let runs = 0;
  const vault: typeof hospital.vault = {
    ...hospital.vault,
    reindex: (...given) => {
      runs += 1;
      return hospital.vault.reindex(...given);
    },
  };
  const start = async (packageFiles: readonly string[] = []) => {
    const keeper = createIndexKeeper({
      organisations: [{ ...hospital, vault }],
      conformance: { ...conformance, packageFiles },
      baseUrl: 'http://node/fhir',
      log: pino({ level: 'silent' }),
    });
    await keeper.keep();
    await keeper.stop();
    return runs;
  };
  assert.equal(await start(), 1);
  assert.equal(await start(), 1, 'all was made');
  assert.equal(await start(['/packages/a#1.jsonl']), 2, 'a package has other parameters');
  assert.equal(await start(['/packages/a#1.jsonl']), 2);
  await hospital.vault.rotateIndexKey();
  assert.equal(await start(['/packages/a#1.jsonl']), 3, 'a key that is to go');
  assert.equal(await start(['/packages/a#1.jsonl']), 3);
  const { generation, oldestGeneration } = hospital.vault.indexState();
  assert.equal(oldestGeneration, generation);
});
