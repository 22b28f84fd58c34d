import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchangeNode, RESTRICTED } from '../support/exchange-node.ts';
import { refusalOf } from '../support/hospital-node.ts';

const ids = (bundle: { entry?: readonly { resource: { resourceType: string; id: string } }[] } | undefined) =>
  (bundle?.entry ?? []).map(({ resource }) => `${resource.resourceType}/${resource.id}`).sort();

test('a permitted request brings what the policy shows, verified and journalled on both sides', async (t) => {
  const node = await createExchangeNode(t);
  const exceptions = [{ labelTags: node.tags('label', RESTRICTED) }];
  const policy = await node.grant({ exceptions });
  const { status, body } = await node.request();
  assert.equal(status, 200, body.text);
  assert.equal(body.decision, 'permit');
  assert.deepEqual(body.rules, [`${policy}#0`]);
  // The restricted one is withheld, and nothing says that it is there.
  assert.deepEqual(ids(body.bundle), ['Condition/con-1', 'Observation/obs-1', 'Observation/obs-2', 'Patient/pat-1']);
  assert.equal(body.resources, 4);
  // Exact bytes as the custodian stores them.
  const row = await node.hospital.vault.current('Observation', 'obs-1');
  assert.ok(row);
  assert.ok(body.text.includes(Buffer.from(await node.hospital.vault.open(row)).toString()));
  const permit = body.transaction as string;
  for (const { vault } of [node.hospital, node.clinic]) {
    const entries = (await vault.entriesOf(node.account, 10)).rows.map(({ entry }) => entry);
    const release = entries.find((entry) => entry.kind === 'interaction' && entry.header.kind === 'release');
    assert.ok(release?.kind === 'interaction');
    assert.equal(release.header.permit, permit);
    assert.equal(release.header.organisation, node.clinic.account);
    assert.equal(release.header.versions.length, 4);
    assert.ok(release.header.versions.includes(row.leaf));
  }
  assert.ok(await node.clinic.vault.getDocument('released', permit));
  assert.deepEqual(await node.clinic.vault.listDocuments('release-pending'), []);
  assert.ok(await node.hospital.vault.getDocument('release-evidence', permit));
});

test('asked for by resource type, nothing else is released', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const { body } = await node.request({ resourceTypes: ['Condition'] });
  assert.deepEqual(ids(body.bundle), ['Condition/con-1']);
});

test('without a consent the ledger denies, and the custodian is not even asked', async (t) => {
  const node = await createExchangeNode(t);
  const called: string[] = [];
  node.wire.intercept = (url, send) => {
    called.push(new URL(url).pathname.split('/').slice(3).join('/'));
    return send();
  };
  const { status, body } = await node.request();
  assert.equal(status, 200);
  assert.deepEqual([body.decision, body.resources, body.bundle], ['deny', 0, undefined]);
  assert.deepEqual(body.rules, ['default:no-permit']);
  assert.deepEqual(called, ['tags']);
});

test('what the caller or the request lacks is refused before anything is asked', async (t) => {
  const node = await createExchangeNode(t);
  const cases: readonly [Record<string, string | string[]>, string][] = [
    [{ purpose: 'HRESCH' }, 'REQUEST_PURPOSE_UNDECLARED'],
    [{ custodian: node.clinic.account }, 'REQUEST_OWN_RECORDS'],
    [{ custodian: 'f'.repeat(32) }, 'EXCHANGE_NODE_UNKNOWN'],
    [{ identifier: 'urn:mrn|47' }, 'EXCHANGE_PATIENT_UNKNOWN'],
    [{ identifier: '4711' }, 'REQUEST_INVALID'],
    [{ resourceTypes: [] }, 'REQUEST_INVALID'],
    [{ more: 'x' }, 'REQUEST_INVALID'],
  ];
  for (const [body, code] of cases) assert.equal((await node.request(body)).body.code, code, JSON.stringify(body));
});

test('a lost answer is made good by the same countersignature, once', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  let sent: string | undefined;
  node.wire.intercept = async (url, send) => {
    const answer = await send();
    if (!url.endsWith('/countersign') || sent !== undefined) return answer;
    sent = await answer.text();
    throw new TypeError('connection reset');
  };
  const { body } = await node.request();
  assert.equal(body.code, 'EXCHANGE_UNREACHABLE');
  const [pending] = await node.clinic.vault.listDocuments('release-pending');
  assert.ok(pending);
  const { permit, countersignature } = JSON.parse(Buffer.from(pending.bytes).toString());
  const again = { account: node.account, permit, countersignature, key: node.clinic.signer.keyId };
  const first = await node.call(node.clinic, node.hospital.account, 'countersign', again);
  const second = await node.call(node.clinic, node.hospital.account, 'countersign', again);
  assert.deepEqual(first, second);
  const releases = (await node.hospital.vault.entriesOf(node.account, 20)).rows.filter(
    ({ entry }) => entry.kind === 'interaction' && entry.header.kind === 'release',
  );
  assert.equal(releases.length, 1);
});

test('a custodian that crashed between journal and answer takes the same countersignature up, and no other', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const sent: string[] = [];
  node.wire.intercept = async (url, send) => {
    const answer = await send();
    if (url.endsWith('/countersign')) sent.push(url);
    return answer;
  };
  const permit = (await node.request()).body.transaction as string;
  assert.equal(sent.length, 1);
  const { vault } = node.hospital;
  // As it lies on disk when the journal is written and the last document is not.
  const { sealed, ...bound } = JSON.parse(
    Buffer.from((await vault.getDocument('release-offer', permit)) ?? []).toString(),
  );
  assert.ok(sealed);
  await vault.putDocument('release-offer', permit, Buffer.from(JSON.stringify(bound)));
  const request = { account: node.account, permit, key: node.clinic.signer.keyId };
  const countersign = (countersignature: string) =>
    node.call(node.clinic, node.hospital.account, 'countersign', { ...request, countersignature });
  assert.equal(await refusalOf(countersign('ab'.repeat(64))), 'PERMIT_USED');
  assert.ok((await countersign(bound.countersignature)).sealed);
  const releases = (await vault.entriesOf(node.account, 20)).rows.filter(
    ({ entry }) => entry.kind === 'interaction' && entry.header.kind === 'release',
  );
  assert.equal(releases.length, 1);
});
