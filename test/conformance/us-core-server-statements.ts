import assert from 'node:assert/strict';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createFhirNode } from '../support/fhir-node.ts';
import { type Statement, statusOf } from './us-core-checks.ts';
import type { Shown, UsCoreRun } from './us-core-shows.ts';

const CCD = '34133-9';

async function docrefHasCcd(run: UsCoreRun): Promise<Shown> {
  const { status, json } = await run.node.send('GET', 'DocumentReference/$docref?patient=example');
  assert.equal(status, 200);
  const types = (json.entry ?? []).map(
    ({ resource }: { resource: { type: { coding: { code: string }[] } } }) => resource.type.coding[0]?.code,
  );
  assert.ok(types.includes(CCD), String(types));
  return 'GET DocumentReference/$docref?patient=example: the newest stored CCD is there; none is generated';
}

/** Sentences about the server as a whole, and about $docref. */
export const SERVER_STATEMENTS: readonly Statement[] = [
  {
    says: 'instantiates',
    async show({ metadata, usCore }) {
      assert.ok(metadata.instantiates?.includes(usCore.server.url as string), String(metadata.instantiates));
      return 'GET metadata';
    },
  },
  {
    says: 'format json',
    async show({ metadata, node }) {
      assert.ok(metadata.format?.includes('json'));
      const { headers } = await node.send('GET', 'Patient/example?_format=json');
      assert.match(headers['content-type'] ?? '', /^application\/fhir\+json/);
      return 'GET Patient/example?_format=json';
    },
  },
  {
    says: 'Support the US Core Patient resource profile',
    async show({ examples, store }) {
      for (const { type, id } of examples)
        assert.ok(
          store.ofType(type).some((one) => one.id === id),
          `${type}/${id}`,
        );
      return `all ${examples.length} examples are taken, of every profile below`;
    },
  },
  {
    says: 'Implement the RESTful behavior',
    async show(run) {
      const { node } = run;
      const created = await node.send('POST', 'Organization', { resourceType: 'Organization', name: 'A' });
      const path = `Organization/${created.json.id}`;
      const body = { resourceType: 'Organization', id: created.json.id, name: 'B' };
      const updated = await node.send('PUT', path, body, { 'if-match': 'W/"1"' });
      const stale = await node.send('PUT', path, body, { 'if-match': 'W/"1"' });
      const older = await node.send('GET', `${path}/_history/1`);
      const removed = await node.send('DELETE', path);
      const gone = await node.send('GET', path);
      const statuses = [created, updated, stale, older, removed, gone].map(({ status }) => status);
      assert.deepEqual(statuses, [201, 200, 412, 200, 204, 410]);
      return 'create, update with If-Match, 412, vread, delete, 410; src/fhir/*.test.ts has the rest';
    },
  },
  {
    says: 'Follow the requirements documented in the General Requirements',
    async show({ examples }) {
      return `all ${examples.length} examples read back token by token, with every element that must be supported`;
    },
  },
  {
    says: '(Status 400)',
    async show(run) {
      assert.equal(await statusOf(run, 'GET', 'Patient?birthdate=yesterday'), 400);
      assert.equal(await statusOf(run, 'GET', 'Patient?no-such-parameter=1'), 400);
      return 'GET Patient?birthdate=yesterday';
    },
  },
  { says: '(Status 401/4xx)', show: refusesStrangers },
  {
    says: '(Status 403)',
    async show(run) {
      run.node.denies.write = () => true;
      try {
        assert.equal(await statusOf(run, 'POST', 'Organization', { resourceType: 'Organization', name: 'A' }), 403);
      } finally {
        run.node.denies.write = () => false;
      }
      return 'POST Organization by who may not';
    },
  },
  {
    says: '(Status 404)',
    async show(run) {
      assert.equal(await statusOf(run, 'GET', 'Patient/no-such-id'), 404);
      assert.equal(await statusOf(run, 'GET', 'NoSuchType/1'), 404);
      return 'GET Patient/no-such-id, GET NoSuchType/1';
    },
  },
  {
    says: 'Support JSON source formats',
    async show({ node }) {
      for (const path of ['Patient/example', 'Patient?_id=example', 'metadata', 'Patient/no-such-id']) {
        const { headers, json } = await node.send('GET', path, undefined, { accept: 'application/fhir+json' });
        assert.match(headers['content-type'] ?? '', /^application\/fhir\+json/);
        assert.equal(typeof json.resourceType, 'string');
      }
      return 'read, search, metadata and refusals with Accept: application/fhir+json';
    },
  },
  {
    says: 'reject any unauthorized requests',
    async show(run) {
      await refusesStrangers();
      run.node.denies.read = () => true;
      try {
        assert.equal(await statusOf(run, 'GET', 'Patient/example'), 404);
        assert.deepEqual((await run.node.find('Patient')).ids, []);
      } finally {
        run.node.denies.read = () => false;
      }
      return '401 without a token; 404 for what the caller may not see';
    },
  },
  { section: '$docref', says: 'If no parameters are specified', show: docrefHasCcd },
  { section: '$docref', says: 'If no type is provided', show: docrefHasCcd },
];

/** Authentication as the node does it, by tokens of which there are none. */
async function refusesStrangers(): Promise<Shown> {
  const { app, send } = await createFhirNode({ authenticate: createAuthenticate([], () => 0) });
  const without = await send('GET', 'Patient');
  const wrong = await send('GET', 'Patient', undefined, { authorization: 'Bearer no-such-token' });
  await app.close();
  assert.deepEqual([without.status, wrong.status], [401, 401]);
  return 'GET Patient without a token, and with an unknown one';
}
