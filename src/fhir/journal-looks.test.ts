import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CUSTODIAN, createFhirNode, type FhirAnswer, type FhirNode, PHYSICIAN } from '../../test/support/fhir-node.ts';
import type { Caller } from '../auth/caller.ts';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';

const open: FhirNode[] = [];
after(() => Promise.all(open.map(({ app }) => app.close())));

const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const coded = (code: string) => `code=urn:t|${code}`;

interface Chart {
  readonly node: FhirNode;
  readonly patient: string;
  readonly account: string;
  observation(more?: object): object;
}

/** A patient with one Observation coded `solo` and two coded `twin`. */
async function chart(options: Parameters<typeof createFhirNode>[0] = {}): Promise<Chart> {
  const node = await createFhirNode(options);
  open.push(node);
  const patient = (await node.send('POST', 'Patient', { resourceType: 'Patient' })).json.id as string;
  const account = (await node.vault.accountOf('Patient', patient)) as string;
  const observation = (more: object = {}) => ({
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'x' }, valueString: 'positive' },
    ...{ subject: { reference: `Patient/${patient}` }, ...more },
  });
  for (const [id, code] of [
    ['solo', 'solo'],
    ['twin-1', 'twin'],
    ['twin-2', 'twin'],
  ]) {
    const body = observation({ id, code: { coding: [{ system: 'urn:t', code }] } });
    assert.equal((await node.send('PUT', `Observation/${id}`, body)).status, 201);
  }
  return { node, patient, account, observation };
}

const codeOf = ({ json }: FhirAnswer): string => json?.issue?.[0]?.details?.coding?.[0]?.code ?? '';

/** What a request adds to the journal. */
async function added(
  { vault }: FhirNode,
  work: () => Promise<FhirAnswer>,
): Promise<{ answer: FhirAnswer; entries: readonly InteractionHeader[] }> {
  const before = vault.interactions.length;
  const answer = await work();
  return { answer, entries: vault.interactions.slice(before) };
}

async function leafOf({ vault }: FhirNode, address: string): Promise<string> {
  const [type, id] = address.split('/') as [string, string];
  return ((await vault.current(type, id)) as VersionRow).leaf;
}

const patchOf = (value: string) => [
  { op: 'test', path: '/valueString', value },
  { op: 'remove', path: '/nothing' },
];

function transaction(...entry: object[]): object {
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

function patchEntry(value: string): object {
  const data = Buffer.from(JSON.stringify(patchOf(value))).toString('base64');
  const resource = { resourceType: 'Binary', contentType: 'application/json-patch+json', data };
  return { request: { method: 'PATCH', url: 'Observation/solo' }, resource };
}

type Request = readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>];

test('a refusal that tells of a version leaves when the journal has that it was looked at', async () => {
  const at = await chart({ limits: { includedRows: 1 } });
  const { node, patient, account, observation } = at;
  const of = `patient=${patient}`;
  const flag = (reference: string) => ({ resourceType: 'Flag', subject: { reference } });
  const conditional = `Patient?_id=${patient}&_has:Observation:patient:${coded('solo')}`;
  const rows: readonly (readonly [code: string, seen: readonly string[], request: Request])[] = [
    [
      'CONDITION_AMBIGUOUS',
      ['Observation/twin-1', 'Observation/twin-2'],
      put(coded('twin'), observation({ id: 'zz' })),
    ],
    ['ID_MISMATCH', ['Observation/solo'], put(coded('solo'), observation({ id: 'zz' }))],
    ['ID_TAKEN', ['Observation/solo'], put(coded('none'), observation({ id: 'solo' }))],
    ['RESOURCE_INVALID', ['Observation/solo'], put(coded('solo'), { resourceType: 'Observation', id: 'solo' })],
    [
      'CONDITION_AMBIGUOUS',
      ['Observation/twin-1', 'Observation/twin-2'],
      ['POST', 'Observation', observation(), { 'if-none-exist': `${of}&${coded('twin')}` }],
    ],
    [
      'VERSION_MISMATCH',
      ['Observation/solo'],
      ['DELETE', `Observation?${of}&${coded('solo')}`, undefined, { 'if-match': 'W/"9"' }],
    ],
    ['VERSION_MISMATCH', ['Observation/solo'], put('', observation({ id: 'solo' }), { 'if-match': 'W/"9"' })],
    ['ALREADY_EXISTS', ['Observation/solo'], put('', observation({ id: 'solo' }), { 'if-none-match': '*' })],
    [
      'VERSION_MISMATCH',
      ['Observation/solo'],
      ['PATCH', 'Observation/solo', patchOf('positive'), { ...JSON_PATCH, 'if-match': 'W/"9"' }],
    ],
    ['PATCH_PATH_UNMATCHED', ['Observation/solo'], ['PATCH', 'Observation/solo', patchOf('positive'), JSON_PATCH]],
    ['PATCH_TEST_FAILED', ['Observation/solo'], ['PATCH', 'Observation/solo', patchOf('negative'), JSON_PATCH]],
    ['PATCH_PATH_UNMATCHED', ['Observation/solo'], ['POST', '', transaction(patchEntry('positive'))]],
    ['PATCH_TEST_FAILED', ['Observation/solo'], ['POST', '', transaction(patchEntry('negative'))]],
    [
      'RESOURCE_INVALID',
      [`Patient/${patient}`, 'Observation/solo'],
      ['POST', '', transaction({ request: { method: 'POST', url: 'Flag' }, resource: flag(conditional) })],
    ],
    [
      'SEARCH_TOO_COSTLY',
      [`Patient/${patient}`, 'Observation/solo', 'Observation/twin-1', 'Observation/twin-2'],
      ['GET', `Patient?_has:Observation:patient:${coded('solo')}&_revinclude=Observation:subject`],
    ],
    [
      'PRECONDITION_MALFORMED',
      ['Observation/solo'],
      ['GET', 'Observation/solo', undefined, { 'if-modified-since': 'x' }],
    ],
  ];
  for (const [code, seen, request] of rows) {
    const name = `${code} ${request[0]} ${request[1]}`;
    const { answer, entries } = await added(node, () => node.send(...request));
    assert.equal(codeOf(answer), code, `${name}: ${answer.text}`);
    assert.deepEqual(
      entries.map(({ kind, account: whose }) => [kind, whose]),
      [['read', account]],
      name,
    );
    const versions = new Set(entries[0]?.versions);
    for (const address of seen) assert.ok(versions.has(await leafOf(node, address)), `${name}: ${address}`);
  }

  function put(condition: string, body: object, headers: Record<string, string> = {}): Request {
    const path = condition === '' ? 'Observation/solo' : `Observation?${of}&${condition}`;
    return ['PUT', path, body, headers];
  }
});

test('each entry of a batch leaves its own trace', async () => {
  const { node } = await chart();
  const bundle = { ...transaction(patchEntry('positive'), patchEntry('negative')), type: 'batch' };
  const { answer, entries } = await added(node, () => node.send('POST', '', bundle));
  assert.deepEqual(
    answer.json.entry.map(({ response }: { response: { status: string } }) => response.status),
    ['422', '422'],
  );
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['read', 'read'],
  );
});

test('what may be written and not be read leaves a refusal', async () => {
  const { node, account, observation } = await chart();
  node.denies.read = ({ type }) => type === 'Observation';
  const headers = { 'if-none-match': '*' };
  const { answer, entries } = await added(node, () =>
    node.send('PUT', 'Observation/solo', observation({ id: 'solo' }), headers),
  );
  assert.equal(codeOf(answer), 'ALREADY_EXISTS');
  assert.deepEqual(
    entries.map(({ kind, account: whose, versions }) => [kind, whose, versions.length]),
    [['refusal', account, 1]],
  );
});

test('a refusal that cannot be journalled tells nothing', async () => {
  const { node } = await chart();
  node.vault.journal = async () => {
    throw new Error('the disk is gone');
  };
  for (const value of ['positive', 'negative']) {
    const answer = await node.send('PATCH', 'Observation/solo', patchOf(value), JSON_PATCH);
    assert.deepEqual([answer.status, codeOf(answer)], [500, 'INTERNAL']);
  }
});

test('who may write nothing of a type is told that, whatever is there', async () => {
  const { node, patient, observation } = await chart();
  const writable = new Set(['Flag']);
  node.denies.write = (_account, type) => !writable.has(type);
  const condition = `patient=${patient}&${coded('solo')}`;
  const unmatched = `patient=${patient}&${coded('none')}`;
  const reference = (code: string) => `Patient?_id=${patient}&_has:Observation:patient:${coded(code)}`;
  const created = (subject: string) => ({
    request: { method: 'POST', url: 'Observation' },
    resource: observation({ subject: { reference: subject } }),
  });
  const body = observation({ id: 'solo' });
  const inEntry = (method: string, url: string, more: object = {}) =>
    transaction({ request: { method, url, ...more }, ...(method === 'DELETE' ? {} : { resource: body }) });
  const pairs: readonly (readonly [Request, Request])[] = [
    ...(['positive', 'negative'] as const).map(
      (value) =>
        [
          ['PATCH', 'Observation/solo', patchOf(value), JSON_PATCH],
          ['PATCH', 'Observation/nobody', patchOf(value), JSON_PATCH],
        ] as const,
    ),
    [
      ['POST', '', transaction(patchEntry('positive'))],
      ['POST', '', transaction(patchEntry('negative'))],
    ],
    [
      ['PUT', `Observation?${condition}`, body],
      ['PUT', `Observation?${unmatched}`, body],
    ],
    [
      ['POST', 'Observation', body, { 'if-none-exist': condition }],
      ['POST', 'Observation', body, { 'if-none-exist': unmatched }],
    ],
    [
      ['POST', '', inEntry('POST', 'Observation', { ifNoneExist: condition })],
      ['POST', '', inEntry('POST', 'Observation', { ifNoneExist: unmatched })],
    ],
    [
      ['POST', '', inEntry('DELETE', `Observation?${condition}`)],
      ['POST', '', inEntry('DELETE', `Observation?${unmatched}`)],
    ],
    [
      ['POST', '', transaction(created(reference('solo')))],
      ['POST', '', transaction(created(reference('none')))],
    ],
    [
      ['PUT', 'Observation/solo', body, { 'if-match': 'W/"9"' }],
      ['PUT', 'Observation/solo', body, { 'if-match': 'W/"1"' }],
    ],
    [
      // What may be written comes first, and its conditional reference is not looked at either.
      ['POST', '', transaction(flagOf(reference('solo')), created(`Patient/${patient}`))],
      ['POST', '', transaction(flagOf(reference('none')), created(`Patient/${patient}`))],
    ],
  ];
  for (const requests of pairs) {
    const answers: string[] = [];
    for (const request of requests) {
      const { answer, entries } = await added(node, () => node.send(...request));
      answers.push(answer.text);
      assert.equal(codeOf(answer), 'WRITE_DENIED', answer.text);
      assert.deepEqual(
        entries.map(({ kind, account, versions }) => [kind, account, versions]),
        [['refusal', CUSTODIAN, []]],
      );
    }
    assert.equal(answers[0], answers[1]);
  }

  function flagOf(subject: string): object {
    return {
      request: { method: 'POST', url: 'Flag' },
      resource: { resourceType: 'Flag', subject: { reference: subject } },
    };
  }
});

test('what goes well is journalled once, and with what it writes', async () => {
  const { node, patient, observation } = await chart();
  const calls = { journal: 0 };
  const { journal } = node.vault;
  node.vault.journal = (interactions) => {
    calls.journal += 1;
    return journal(interactions);
  };
  const condition = `patient=${patient}&${coded('solo')}`;
  const patch = [{ op: 'replace', path: '/valueString', value: 'negative' }];
  const rows: readonly (readonly [status: number, journal: number, entries: number, request: Request])[] = [
    [200, 1, 1, ['GET', 'Observation/solo']],
    [200, 1, 1, ['GET', `Observation?${condition}`]],
    [201, 0, 0, ['POST', 'Observation', observation()]],
    [
      200,
      0,
      0,
      ['PUT', 'Observation/solo', observation({ id: 'solo', code: { coding: [{ system: 'urn:t', code: 'solo' }] } })],
    ],
    [200, 0, 1, ['PATCH', 'Observation/solo', patch, JSON_PATCH]],
    [200, 1, 1, ['POST', 'Observation', observation(), { 'if-none-exist': condition }]],
    [404, 0, 0, ['GET', 'Observation/nobody']],
    [400, 0, 0, ['GET', 'Observation?nonsense=x']],
  ];
  for (const [status, journalled, count, request] of rows) {
    calls.journal = 0;
    const { answer, entries } = await added(node, () => node.send(...request));
    assert.equal(answer.status, status, answer.text);
    assert.deepEqual([calls.journal, entries.length], [journalled, count], request.slice(0, 2).join(' '));
  }
});

test('a version that is erased is told as gone, and not as read', async () => {
  const { node } = await chart();
  await node.vault.erase([(await node.vault.current('Observation', 'solo')) as VersionRow]);
  const { answer, entries } = await added(node, () => node.send('GET', 'Observation/solo'));
  assert.equal(answer.status, 410, answer.text);
  assert.deepEqual(entries, []);
});

test('a reference leads to nothing of a type with rules of its own that the writer may not see', async () => {
  const rule = { type: 'Subscription', judge: async () => undefined };
  const { node, observation } = await chart({ writeRules: [rule] });
  const subscription = {
    ...{ resourceType: 'Subscription', id: 's1', status: 'requested', reason: 'x', criteria: 'Observation?' },
    channel: { type: 'rest-hook', endpoint: 'https://hook.example' },
  };
  assert.equal((await node.send('PUT', 'Subscription/s1', subscription)).status, 201);
  const derivedFrom = (id: string) => observation({ focus: [{ reference: `Subscription/${id}` }] });
  assert.equal((await node.send('POST', 'Observation', derivedFrom('s1'))).status, 201);
  node.denies.read = ({ type }) => type === 'Subscription';
  const [hidden, absent] = [
    await node.send('POST', 'Observation', derivedFrom('s1')),
    await node.send('POST', 'Observation', derivedFrom('s2')),
  ];
  assert.equal(codeOf(hidden), 'REFERENCE_UNRESOLVED');
  assert.equal(hidden.text, absent.text);
});

test('a precondition tells an app of what it may not write as of what is not there', async () => {
  const caller: { now: Caller } = { now: PHYSICIAN };
  const { node, account, observation } = await chart({ authenticate: async () => caller.now });
  node.denies.write = (of) => of === account;
  node.denies.read = ({ type }) => type === 'Observation';
  caller.now = {
    ...PHYSICIAN,
    client: 'app',
    grant: { scopes: [{ context: 'patient', type: '*', permissions: 'cruds' }] },
  };
  for (const version of ['W/"1"', 'W/"9"', '*'])
    for (const method of ['PUT', 'DELETE']) {
      const texts: string[] = [];
      for (const id of ['solo', 'nobody']) {
        const body = method === 'PUT' ? observation({ id, subject: { display: 'x' } }) : undefined;
        const { answer, entries } = await added(node, () =>
          node.send(method, `Observation/${id}`, body, { 'if-match': version }),
        );
        texts.push(answer.text);
        assert.equal(codeOf(answer), 'VERSION_MISMATCH', `${method} ${id} ${version}`);
        assert.deepEqual(
          entries.map(({ kind, account: whose }) => [kind, whose]),
          id === 'solo' ? [['refusal', account]] : [],
        );
      }
      assert.equal(texts[0], texts[1]);
    }
});
