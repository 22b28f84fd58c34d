import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { many, type RaceAnswer, startRaceNode, statusesOf } from './fhir-races-client.ts';

/*
 * Of many who want the same at once one gets it, and the others are told. On a real node, over sockets.
 */

const AT_ONCE = 200;
const ROUNDS = process.env.ACESO_LONG === '1' ? 20 : 2;
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };

/** Statuses and codes that tell a loser so. */
const LOST = new Set(['412 VERSION_MISMATCH', '409 WRITE_CONTENDED']);

function assertLost(answers: readonly RaceAnswer[]): void {
  for (const { status, code, text } of answers) assert.ok(LOST.has(`${status} ${code}`), text);
}

const observation = (patient: string, more: object = {}) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { text: 'pulse' },
  subject: { reference: `Patient/${patient}` },
  ...more,
});

test('of many writes at once one wins, and nothing is done twice or by halves', { timeout: 600_000 }, async (t) => {
  const node = await startRaceNode(t);
  const patient = await node.patient();

  const found = async (type: string, value: string): Promise<{ id: string; meta: { versionId: string } }[]> => {
    const { status, json, text } = await node.send('GET', `${type}?identifier=urn:race|${value}&_count=100`);
    assert.equal(status, 200, text);
    return (json.entry ?? []).map((entry: { resource: unknown }) => entry.resource);
  };
  const versionsOf = async (address: string): Promise<{ version: number; method: string; text: string }[]> => {
    const { json } = await node.send('GET', `${address}/_history?_count=500`);
    return json.entry.map((entry: { response: { etag: string }; request: { method: string }; resource?: object }) => ({
      version: Number(entry.response.etag.slice(3, -1)),
      method: entry.request.method,
      text: JSON.stringify(entry.resource),
    }));
  };
  const made = async (more: object = {}): Promise<string> => {
    const { status, json, text } = await node.send('POST', 'Observation', observation(patient, more));
    assert.equal(status, 201, text);
    return `Observation/${json.id}`;
  };

  await t.test(`${AT_ONCE} conditional creates make one resource`, async () => {
    for (const type of ['Patient', 'Observation']) {
      const value = randomUUID();
      const identifier = [{ system: 'urn:race', value }];
      const body = type === 'Patient' ? { resourceType: type, identifier } : observation(patient, { identifier });
      const answers = await many(AT_ONCE, () =>
        node.send('POST', type, body, { 'if-none-exist': `identifier=urn:race|${value}` }),
      );
      assert.deepEqual(statusesOf(answers), { 200: AT_ONCE - 1, 201: 1 });
      assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
      assert.equal((await found(type, value)).length, 1);
    }
  });

  await t.test(`${AT_ONCE} updates with If-Match have one winner each round`, async () => {
    const address = await made();
    const id = address.split('/')[1];
    for (let round = 1; round <= ROUNDS; round++) {
      const answers = await many(AT_ONCE, (at) =>
        node.send('PUT', address, observation(patient, { id, note: [{ text: `${round}/${at}` }] }), {
          'if-match': `W/"${round}"`,
        }),
      );
      const [winner, ...others] = answers.filter(({ status }) => status === 200);
      assert.ok(winner !== undefined && others.length === 0, JSON.stringify(statusesOf(answers)));
      assertLost(answers.filter((one) => one !== winner));
      const { json } = await node.send('GET', address);
      assert.deepEqual([json.meta.versionId, json], [String(round + 1), winner.json]);
    }
    assert.deepEqual(
      (await versionsOf(address)).map(({ version }) => version),
      Array.from({ length: ROUNDS + 1 }, (_, at) => ROUNDS + 1 - at),
    );
  });

  await t.test(`${AT_ONCE} creates with If-None-Match: * make one resource`, async () => {
    const id = randomUUID();
    const answers = await many(AT_ONCE, (at) =>
      node.send('PUT', `Observation/${id}`, observation(patient, { id, note: [{ text: `${at}` }] }), {
        'if-none-match': '*',
      }),
    );
    assert.equal(statusesOf(answers)[201], 1);
    for (const { status, code, text } of answers)
      assert.ok(status === 201 || `${status} ${code}` === '412 ALREADY_EXISTS' || LOST.has(`${status} ${code}`), text);
    assert.equal((await versionsOf(`Observation/${id}`)).length, 1);
  });

  await t.test(`${AT_ONCE} conditional updates make one resource, and lose none of their versions`, async () => {
    const value = randomUUID();
    const identifier = [{ system: 'urn:race', value }];
    const answers = await many(AT_ONCE, (at) =>
      node.send(
        'PUT',
        `Observation?identifier=urn:race|${value}`,
        observation(patient, { identifier, note: [{ text: `${at}` }] }),
      ),
    );
    assert.deepEqual(statusesOf(answers), { 200: AT_ONCE - 1, 201: 1 });
    const [one, ...others] = await found('Observation', value);
    assert.ok(one !== undefined && others.length === 0);
    const versions = await versionsOf(`Observation/${one.id}`);
    assert.equal(versions.length, AT_ONCE);
    assert.equal(new Set(versions.map(({ text }) => /"text":"(\d+)"/.exec(text)?.[1])).size, AT_ONCE);
  });

  await t.test(`${AT_ONCE} conditional deletes delete once`, async () => {
    const value = randomUUID();
    const address = await made({ identifier: [{ system: 'urn:race', value }] });
    const answers = await many(AT_ONCE, () => node.send('DELETE', `Observation?identifier=urn:race|${value}`));
    assert.deepEqual(statusesOf(answers), { 204: AT_ONCE });
    assert.deepEqual(
      (await versionsOf(address)).map(({ method }) => method),
      ['DELETE', 'POST'],
    );
  });

  await t.test(`${AT_ONCE} deletes and updates of one version have one winner`, async () => {
    const address = await made();
    const id = address.split('/')[1];
    const ifMatch = { 'if-match': 'W/"1"' };
    const answers = await many(AT_ONCE, (at) =>
      at % 2 === 0
        ? node.send('DELETE', address, undefined, ifMatch)
        : node.send('PUT', address, observation(patient, { id }), ifMatch),
    );
    const won = answers.filter(({ status }) => status < 300);
    assert.equal(won.length, 1, JSON.stringify(statusesOf(answers)));
    assertLost(answers.filter((one) => !won.includes(one)));
    assert.equal((await versionsOf(address)).length, 2);
  });

  await t.test(`${AT_ONCE} patches are each applied once, by id and by condition`, async () => {
    const value = randomUUID();
    const address = await made({ identifier: [{ system: 'urn:race', value }], note: [{ text: 'first' }] });
    const byCondition = `Observation?identifier=urn:race|${value}`;
    const answers = await many(AT_ONCE, (at) =>
      node.send(
        'PATCH',
        at % 2 === 0 ? byCondition : address,
        [{ op: 'add', path: '/note/-', value: { text: `${at}` } }],
        JSON_PATCH,
      ),
    );
    const done = answers.flatMap(({ status }, at) => (status === 200 ? [`${at}`] : []));
    assertLost(answers.filter(({ status }) => status !== 200));
    const { json } = await node.send('GET', address);
    const notes = json.note.map(({ text }: { text: string }) => text) as string[];
    assert.deepEqual(notes.slice(1).sort(), done.sort(), 'a patch was lost, or applied twice, or refused and applied');
    assert.equal(json.meta.versionId, String(done.length + 1));
  });

  await t.test(`${AT_ONCE} patches with If-Match have one winner`, async () => {
    const value = randomUUID();
    const address = await made({ identifier: [{ system: 'urn:race', value }] });
    const patch = (at: number) => [{ op: 'add', path: '/note', value: [{ text: `${at}` }] }];
    const headers = { ...JSON_PATCH, 'if-match': 'W/"1"' };
    const answers = await many(AT_ONCE, (at) =>
      node.send('PATCH', at % 2 === 0 ? address : `Observation?identifier=urn:race|${value}`, patch(at), headers),
    );
    assert.equal(statusesOf(answers)[200], 1, JSON.stringify(statusesOf(answers)));
    assertLost(answers.filter(({ status }) => status !== 200));
    assert.equal((await versionsOf(address)).length, 2);
  });

  await t.test(`${AT_ONCE} transactions with the same conditional create make one, and all refer to it`, async () => {
    const value = randomUUID();
    const patientEntry = {
      fullUrl: 'urn:uuid:00000000-0000-4000-8000-000000000001',
      request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=urn:race|${value}` },
      resource: { resourceType: 'Patient', identifier: [{ system: 'urn:race', value }] },
    };
    const answers = await many(AT_ONCE, () =>
      node.send('POST', '', {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          patientEntry,
          {
            request: { method: 'POST', url: 'Observation' },
            resource: observation('', { subject: { reference: patientEntry.fullUrl } }),
          },
        ],
      }),
    );
    assert.deepEqual(statusesOf(answers), { 200: AT_ONCE });
    const created = answers.filter(({ json }) => json.entry[0].response.status.startsWith('201'));
    assert.equal(created.length, 1);
    const [one, ...others] = await found('Patient', value);
    assert.ok(one !== undefined && others.length === 0);
    const { json } = await node.send('GET', `Observation?subject=Patient/${one.id}&_summary=count`);
    assert.equal(json.total, AT_ONCE);
  });

  await t.test(`${AT_ONCE} transactions over the same two resources happen whole or not at all`, async () => {
    const addresses = [await made(), await made()];
    const entryOf = (address: string, at: number, version: number) => ({
      request: { method: 'PUT', url: address, ifMatch: `W/"${version}"` },
      resource: observation(patient, { id: address.split('/')[1], note: [{ text: `${at}` }] }),
    });
    for (let round = 1; round <= ROUNDS; round++) {
      const answers = await many(AT_ONCE, (at) => {
        const entry = addresses.map((address) => entryOf(address, at, round));
        return node.send('POST', '', {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: at % 2 === 0 ? entry : entry.reverse(),
        });
      });
      assert.equal(statusesOf(answers)[200], 1, JSON.stringify(statusesOf(answers)));
      assertLost(answers.filter(({ status }) => status !== 200));
      const [a, b] = await Promise.all(addresses.map((address) => node.send('GET', address)));
      assert.deepEqual([a?.json.note, a?.json.meta.versionId], [b?.json.note, b?.json.meta.versionId]);
      assert.equal(a?.json.meta.versionId, String(round + 1));
    }
  });

  await t.test(`${AT_ONCE} failing transactions leave nothing`, async () => {
    const value = randomUUID();
    const identifier = [{ system: 'urn:race', value }];
    const stale = await made();
    const id = stale.split('/')[1];
    await node.send('PUT', stale, observation(patient, { id }));
    const answers = await many(AT_ONCE, (at) =>
      node.send('POST', '', {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          { request: { method: 'POST', url: 'Observation' }, resource: observation(patient, { identifier }) },
          // One of three reasons to fail, after the entry before it was found good.
          at % 3 === 0
            ? { request: { method: 'PUT', url: stale, ifMatch: 'W/"1"' }, resource: observation(patient, { id }) }
            : at % 3 === 1
              ? { request: { method: 'POST', url: 'Observation' }, resource: observation('never-was', { identifier }) }
              : {
                  request: { method: 'POST', url: 'Observation' },
                  resource: observation(patient, { identifier, status: 'wrong' }),
                },
        ],
      }),
    );
    assert.deepEqual(Object.keys(statusesOf(answers)).sort(), ['412', '422']);
    assert.equal((await found('Observation', value)).length, 0);
    assert.equal((await versionsOf(stale)).length, 2);
  });

  assert.deepEqual(node.logged, []);
});
