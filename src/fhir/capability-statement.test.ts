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

test('every interaction and parameter that metadata names is served', async () => {
  const served = await createFhirNode();
  try {
    const { json } = await node.send('GET', 'metadata');
    for (const { type, interaction, searchParam } of json.rest[0].resource) {
      assert.equal(interaction.length, 7);
      for (const path of [`${type}/x`, `${type}/x/_history`, `${type}/x/_history/1`])
        assert.equal((await served.send('GET', path)).json.issue[0].details.coding[0].code, 'NOT_FOUND', path);
      const query = searchParam
        .map(({ name }: { name: string }) => `${name}=${name === 'subject' ? 'Patient/x' : 'x'}`)
        .join('&');
      assert.equal((await served.send('GET', `${type}?${query}`)).status, 200, `${type}?${query}`);
      for (const name of ['identifier', 'patient', 'subject']) {
        if (searchParam.some((parameter: { name: string }) => parameter.name === name)) continue;
        assert.equal((await served.send('GET', `${type}?${name}=Patient/x`)).status, 400, `${type}?${name}`);
      }
      assert.equal((await served.send('DELETE', `${type}/x`)).status, 204, type);
    }
  } finally {
    await served.app.close();
  }
});
