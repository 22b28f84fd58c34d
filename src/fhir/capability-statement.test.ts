import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { validateStructure } from './validate.ts';

let node: FhirNode;
before(async () => {
  node = await createFhirNode({
    authenticate: async () => {
      throw new Error('metadata asks nobody who they are');
    },
  });
});
after(() => node.app.close());

test('metadata is a valid CapabilityStatement of what is served, for everybody', async () => {
  const definitions = await loadDefinitions();
  const answer = await node.send('GET', 'metadata');
  assert.equal(answer.status, 200);
  validateStructure(answer.json, definitions);
  const [rest] = answer.json.rest;
  assert.deepEqual(
    rest.resource.map((resource: { type: string }) => resource.type),
    Object.keys(definitions.resources),
  );
});

/** A value that a parameter of a type takes. */
const VALUES: Readonly<Record<string, string>> = {
  number: '1',
  date: '2020-01-01',
  string: 'x',
  token: 'x',
  reference: 'Patient/x',
  quantity: '1',
  uri: 'urn:x',
  special: '1|1',
};

test('every interaction, parameter and inclusion that metadata names is served', async () => {
  const served = await createFhirNode();
  try {
    const { json } = await node.send('GET', 'metadata');
    for (const { type, interaction, searchParam, searchInclude = [], searchRevInclude = [] } of json.rest[0].resource) {
      assert.equal(interaction.length, 9);
      for (const path of [`${type}/x`, `${type}/x/_history`, `${type}/x/_history/1`])
        assert.equal((await served.send('GET', path)).json.issue[0].details.coding[0].code, 'NOT_FOUND', path);
      assert.equal((await served.send('GET', `${type}/_history`)).status, 200, type);
      for (const { name, type: kind } of searchParam) {
        if (kind === 'composite') continue;
        const path = `${type}?${name}=${encodeURIComponent(VALUES[kind] as string)}`;
        const answer = await served.send('GET', path);
        // A reference may be to types that a patient is not of: its value is refused then, its name never.
        const { code } = answer.json.issue?.[0].details.coding[0] ?? {};
        assert.ok(
          answer.status === 200 || (kind === 'reference' && code !== 'PARAMETER_UNKNOWN'),
          `${path} ${answer.text}`,
        );
      }
      const inclusions = [
        ...searchInclude.map((name: string) => `_include=${name}`),
        ...searchRevInclude.map((name: string) => `_revinclude=${name}`),
      ];
      for (const inclusion of [inclusions.at(0), inclusions.at(-1)])
        if (inclusion !== undefined)
          assert.equal((await served.send('GET', `${type}?${inclusion}`)).status, 200, `${type}?${inclusion}`);
      assert.equal((await served.send('DELETE', `${type}/x`)).status, 204, type);
    }
  } finally {
    await served.app.close();
  }
});
