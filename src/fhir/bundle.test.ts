import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { LIMITS } from './limits.ts';

let node: FhirNode;
before(async () => {
  node = await createFhirNode();
});
after(() => node.app.close());

type Entry = Record<string, unknown>;
const bundle = (type: string, entry: readonly Entry[]) => ({ resourceType: 'Bundle', type, entry });
const post = (resource: Entry, fullUrl?: string, request: Entry = {}) => ({
  ...(fullUrl === undefined ? {} : { fullUrl }),
  resource,
  request: { method: 'POST', url: resource.resourceType, ...request },
});
const urn = (n: number) => `urn:uuid:0b7ee0e2-0000-4000-8000-${String(n).padStart(12, '0')}`;
const codeOf = (answer: { json: { issue: { details: { coding: { code: string }[] } }[] } }) =>
  answer.json.issue[0]?.details.coding[0]?.code;
const idAt = (answer: { json: { entry: { response: { location: string } }[] } }, index: number) =>
  (answer.json.entry[index]?.response.location ?? '').slice(BASE_URL.length + 1).split('/')[1] as string;

test('a transaction resolves links between entries, in any order, and writes once', async () => {
  const before = node.vault.writes.count;
  const answer = await node.send(
    'POST',
    '',
    bundle('transaction', [
      post({
        resourceType: 'DocumentReference',
        status: 'current',
        subject: { reference: urn(1) },
        content: [{ attachment: { url: urn(2), title: urn(2) } }],
        text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${urn(1)}">p</a></div>` },
        contained: [
          {
            resourceType: 'Encounter',
            id: 'c',
            status: 'planned',
            class: { code: 'AMB' },
            subject: { reference: urn(1) },
          },
        ],
        context: { encounter: [{ reference: '#c' }] },
      }),
      post({ resourceType: 'Binary', contentType: 'text/plain', data: 'YQ==' }, urn(2)),
      post({ resourceType: 'Patient', id: 'ignored', identifier: [{ value: urn(1) }] }, urn(1)),
    ]),
  );
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.type, 'transaction-response');
  assert.deepEqual(
    answer.json.entry.map((entry: { response: { status: string } }) => entry.response.status),
    ['201', '201', '201'],
  );
  assert.equal(node.vault.writes.count, before + 1);
  const [document, binary, patient] = [idAt(answer, 0), idAt(answer, 1), idAt(answer, 2)];
  const { json } = await node.send('GET', `DocumentReference/${document}`);
  assert.equal(json.subject.reference, `Patient/${patient}`);
  assert.equal(json.contained[0].subject.reference, `Patient/${patient}`);
  assert.equal(json.content[0].attachment.url, `Binary/${binary}`);
  assert.equal(json.content[0].attachment.title, urn(2));
  assert.match(json.text.div, new RegExp(`href="Patient/${patient}"`));
  assert.equal((await node.send('GET', `Patient/${patient}`)).json.identifier[0].value, urn(1));
  const account = await node.vault.accountOf('Patient', patient);
  assert.equal((await node.vault.current('DocumentReference', document))?.account, account);
  assert.notEqual(patient, 'ignored');
});

test('relative references follow an entry whose fullUrl ends in them', async () => {
  const answer = await node.send(
    'POST',
    '',
    bundle('transaction', [
      post({ resourceType: 'Patient', id: 'p1' }, 'http://elsewhere.example/fhir/Patient/p1'),
      post({ resourceType: 'Condition', subject: { reference: 'Patient/p1' } }),
      post({ resourceType: 'Condition', subject: { reference: 'http://elsewhere.example/fhir/Patient/p1' } }),
    ]),
  );
  for (const index of [1, 2]) {
    assert.equal(
      (await node.send('GET', `Condition/${idAt(answer, index)}`)).json.subject.reference,
      `Patient/${idAt(answer, 0)}`,
    );
  }
});

test('nothing of a transaction is written when one entry fails', async () => {
  const accounts = node.registered.length;
  const writes = node.vault.writes.count;
  const good = post({ resourceType: 'Patient' }, urn(1));
  const cases: readonly (readonly [Entry, number, string])[] = [
    [post({ resourceType: 'Observation', status: 'final' }), 422, 'RESOURCE_INVALID'],
    [post({ resourceType: 'Condition', subject: { reference: urn(9) } }), 422, 'REFERENCE_UNRESOLVED'],
    [post({ resourceType: 'Condition', subject: { reference: 'Patient/nobody' } }), 422, 'REFERENCE_UNRESOLVED'],
    [
      post({ resourceType: 'Condition', subject: { reference: 'Patient?identifier=nobody' } }),
      412,
      'CONDITION_UNMATCHED',
    ],
    [post({ resourceType: 'Condition', subject: { reference: 'Patient?nonsense=x' } }), 400, 'PARAMETER_UNKNOWN'],
    [
      post({ resourceType: 'Condition', subject: { reference: urn(1) } }, undefined, { url: 'Observation' }),
      400,
      'TYPE_MISMATCH',
    ],
    [post({ resourceType: 'Nothing' }), 404, 'TYPE_UNKNOWN'],
    [post({ resourceType: 'Patient' }, undefined, { method: 'PUT', url: 'Patient/a' }), 400, 'ID_MISMATCH'],
    [
      post({ resourceType: 'Patient', id: 'a' }, undefined, { method: 'PUT', url: 'Patient/a', ifMatch: 'W/"4"' }),
      412,
      'VERSION_MISMATCH',
    ],
    [
      post({ resourceType: 'Patient', id: 'a' }, undefined, { method: 'PUT', url: 'Patient/a?identifier=a' }),
      405,
      'INTERACTION_UNSUPPORTED',
    ],
    [
      post({ resourceType: 'Patient', id: 'a' }, undefined, { method: 'PATCH', url: 'Patient/a' }),
      400,
      'BUNDLE_INVALID',
    ],
    [post({ resourceType: 'Parameters' }, undefined, { method: 'PATCH', url: 'Patient/nobody' }), 404, 'NOT_FOUND'],
    [
      post({ resourceType: 'Patient' }, undefined, { method: 'PUT', url: 'Patient?nonsense=x' }),
      400,
      'PARAMETER_UNKNOWN',
    ],
    [{ request: { method: 'DELETE', url: 'Patient/a', ifMatch: 'one' } }, 400, 'PRECONDITION_MALFORMED'],
    [{ request: { method: 'DELETE', url: 'Patient/a', iffMatch: 'W/"1"' } }, 400, 'BUNDLE_INVALID'],
    [{ resource: { resourceType: 'Patient' } }, 400, 'BUNDLE_INVALID'],
    [{ request: { method: 'POST', url: 'Patient' } }, 400, 'BUNDLE_INVALID'],
    [{ request: { method: 'FETCH', url: 'Patient' } }, 400, 'BUNDLE_INVALID'],
    [post({ resourceType: 'Patient' }, urn(1)), 400, 'BUNDLE_INVALID'],
  ];
  for (const [bad, status, code] of cases) {
    const answer = await node.send('POST', '', bundle('transaction', [good, bad]));
    assert.equal(answer.status, status, answer.text);
    assert.equal(codeOf(answer), code, answer.text);
    if (!['RESOURCE_INVALID'].includes(code)) assert.match(answer.json.issue[0].diagnostics, /"entry":1/);
  }
  assert.equal(node.vault.writes.count, writes);
  assert.equal(node.registered.length, accounts);
});

test('deletes, posts and puts of a transaction; two writes of one resource are refused', async () => {
  await node.send('PUT', 'Organization/o1', { resourceType: 'Organization', id: 'o1', name: 'one' });
  await node.send('PUT', 'Organization/o2', { resourceType: 'Organization', id: 'o2', name: 'two' });
  const answer = await node.send(
    'POST',
    '',
    bundle('transaction', [
      { request: { method: 'GET', url: 'Organization/o2' } },
      {
        resource: { resourceType: 'Organization', id: 'o2', name: 'new', partOf: { reference: urn(5) } },
        request: { method: 'PUT', url: 'Organization/o2', ifMatch: 'W/"1"' },
      },
      post({ resourceType: 'Organization', name: 'parent' }, urn(5)),
      { request: { method: 'DELETE', url: 'Organization/o1' } },
      { request: { method: 'GET', url: 'Organization/o1' } },
    ]),
  );
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(
    answer.json.entry.map((entry: { response: { status: string } }) => entry.response.status),
    ['200', '200', '201', '204', '410'],
  );
  assert.equal(answer.json.entry[0].resource.name, 'new');
  assert.equal(answer.json.entry[0].resource.partOf.reference, `Organization/${idAt(answer, 2)}`);
  const overlap = await node.send(
    'POST',
    '',
    bundle('transaction', [
      { request: { method: 'DELETE', url: 'Organization/o2' } },
      {
        resource: { resourceType: 'Organization', id: 'o2', name: 'x' },
        request: { method: 'PUT', url: 'Organization/o2' },
      },
    ]),
  );
  assert.equal(codeOf(overlap), 'BUNDLE_OVERLAP');
  const dangling = await node.send(
    'POST',
    '',
    bundle('transaction', [
      { request: { method: 'DELETE', url: 'Organization/o2' } },
      post({ resourceType: 'Organization', name: 'x', partOf: { reference: 'Organization/o2' } }),
    ]),
  );
  assert.equal(codeOf(dangling), 'REFERENCE_UNRESOLVED');
});

test('conditional references and ifNoneExist find what is stored', async () => {
  const identifier = [{ system: 'urn:npi', value: '42' }];
  const { json: practitioner } = await node.send('POST', 'Practitioner', { resourceType: 'Practitioner', identifier });
  const answer = await node.send(
    'POST',
    '',
    bundle('transaction', [
      post({ resourceType: 'Practitioner', identifier }, urn(1), { ifNoneExist: 'identifier=urn:npi|42' }),
      post({ resourceType: 'PractitionerRole', practitioner: { reference: urn(1) } }),
      post({ resourceType: 'PractitionerRole', practitioner: { reference: 'Practitioner?identifier=urn:npi|42' } }),
    ]),
  );
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.entry[0].response.status, '200');
  for (const index of [1, 2]) {
    const role = await node.send('GET', `PractitionerRole/${idAt(answer, index)}`);
    assert.equal(role.json.practitioner.reference, `Practitioner/${practitioner.id}`);
  }
  const racing = bundle('transaction', [
    post({ resourceType: 'Practitioner', identifier: [{ value: 'race' }] }, undefined, {
      ifNoneExist: 'identifier=race',
    }),
  ]);
  const answers = await Promise.all([node.send('POST', '', racing), node.send('POST', '', racing)]);
  assert.deepEqual(answers.map(({ json }) => json.entry[0].response.status).sort(), ['200', '201']);
});

test('Prefer: return=representation brings the resources', async () => {
  const answer = await node.send('POST', '', bundle('transaction', [post({ resourceType: 'Patient' })]), {
    prefer: 'return=representation',
  });
  assert.equal(answer.json.entry[0].resource.resourceType, 'Patient');
});

test('each entry of a batch stands alone', async () => {
  const answer = await node.send(
    'POST',
    '',
    bundle('batch', [
      post({ resourceType: 'Patient' }, urn(1)),
      post({ resourceType: 'Condition', subject: { reference: urn(1) } }),
      post({ resourceType: 'Observation', status: 'final' }),
      { request: { method: 'GET', url: 'Organization?identifier=none' } },
      { request: { method: 'GET', url: 'Patient/nobody' } },
      { request: { method: 'PATCH', url: 'Patient/nobody' } },
      {
        resource: { resourceType: 'Organization', id: 'b1', name: 'b' },
        request: { method: 'PUT', url: `${BASE_URL}/Organization/b1` },
      },
      post(bundle('batch', []), undefined, { url: '/' }),
    ]),
  );
  assert.equal(answer.status, 200);
  assert.equal(answer.json.type, 'batch-response');
  const statuses = answer.json.entry.map((entry: { response: { status: string } }) => entry.response.status);
  assert.deepEqual(statuses, ['201', '422', '422', '200', '404', '400', '201', '405']);
  assert.equal(answer.json.entry[2].response.outcome.resourceType, 'OperationOutcome');
  assert.equal(answer.json.entry[3].resource.type, 'searchset');
});

test('a bug in one entry of a batch fails that entry, and a transaction as a whole', async () => {
  const organization = (name: string) => post({ resourceType: 'Organization', name });
  let writes = 0;
  node.vault.beforeWrite = async () => {
    if (++writes === 2) throw new TypeError('secret');
  };
  const answer = await node.send(
    'POST',
    '',
    bundle('batch', [organization('a'), organization('b'), organization('c')]),
  );
  assert.deepEqual(
    answer.json.entry.map((entry: { response: { status: string } }) => entry.response.status),
    ['201', '500', '201'],
  );
  assert.ok(!answer.text.includes('secret'));
  writes = 1;
  const whole = await node.send('POST', '', bundle('transaction', [organization('a')]));
  node.vault.beforeWrite = async () => undefined;
  assert.equal(whole.status, 500);
  assert.equal(codeOf(whole), 'INTERNAL');
});

test('Bundles that are none are refused', async () => {
  const cases: readonly (readonly [unknown, number, string])[] = [
    [{ resourceType: 'Patient' }, 400, 'BUNDLE_INVALID'],
    [bundle('collection', []), 400, 'BUNDLE_INVALID'],
    [{ resourceType: 'Bundle', type: 'batch', entry: {} }, 400, 'BUNDLE_INVALID'],
    [{ resourceType: 'Bundle', type: 'batch', entry: [7] }, 400, 'BUNDLE_INVALID'],
    [{ resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: 7 } }] }, 400, 'BUNDLE_INVALID'],
    [
      { resourceType: 'Bundle', type: 'batch', entry: [{ fullUrl: 7, request: { method: 'GET', url: 'x' } }] },
      400,
      'BUNDLE_INVALID',
    ],
    [
      { resourceType: 'Bundle', type: 'batch', entry: [{ resource: [], request: { method: 'GET', url: 'x' } }] },
      400,
      'BUNDLE_INVALID',
    ],
    [
      bundle(
        'batch',
        Array.from({ length: LIMITS.bundleEntries + 1 }, () => ({})),
      ),
      413,
      'BUNDLE_TOO_LONG',
    ],
    [[], 400, 'BUNDLE_INVALID'],
  ];
  for (const [body, status, code] of cases) {
    const answer = await node.send('POST', '', body);
    assert.equal(answer.status, status, answer.text);
    assert.equal(codeOf(answer), code);
  }
  assert.equal((await node.send('POST', '', { resourceType: 'Bundle', type: 'transaction' })).status, 200);
});

test('a document Bundle is a resource like others and is kept as it is', async () => {
  const body = bundle('collection', [
    { fullUrl: urn(3), resource: { resourceType: 'Condition', subject: { reference: urn(4) } } },
  ]);
  const answer = await node.send('POST', 'Bundle', body);
  assert.equal(answer.status, 201, answer.text);
  assert.equal(answer.json.entry[0].resource.subject.reference, urn(4));
});
