import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemberPort } from '../../src/capabilities/access/server/exchange-ports.ts';
import { askIntroduction } from '../../src/exchange/introduction.ts';
import { signStatement } from '../../src/exchange/statement.ts';
import { base64urlToBytes, bytesToBase64url } from '../../src/std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../src/std/canonical-json.ts';
import { createExchangeNode, type ExchangeNode, IDENTIFIER } from '../support/exchange-node.ts';
import { refusalOf } from '../support/hospital-node.ts';

const MINUTE_MS = 60_000;

/** A permit of the clinic's for everything, by the clinic as a member. */
async function permitOf(node: ExchangeNode): Promise<string> {
  const message = { type: 'access.request', account: node.account, purpose: 'TREAT', scope: {} };
  const { id, decision } = await node.submit(node.clinic, message);
  assert.equal(decision, 'permit');
  return id as string;
}

/** Countersigns as the clinic, over whatever it was offered. */
async function intercepted(
  node: ExchangeNode,
  alter: (url: string, answer: JsonObject) => JsonObject,
): Promise<string> {
  node.wire.intercept = async (url, send) => {
    const response = await send();
    const answer = (await response.json()) as JsonObject;
    return new Response(JSON.stringify(alter(url, answer)), { status: response.status });
  };
  return (await node.request()).body.code ?? '';
}

const unused = async (node: ExchangeNode) =>
  (await node.hospital.vault.entriesOf(node.account, 50)).rows.every(
    ({ entry }) => entry.kind !== 'interaction' || entry.header.kind !== 'release',
  );

test('a permit is of no use to another member, and none that is unknown is of any', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const permit = await permitOf(node);
  const { account } = node;
  const offer = (by: ExchangeNode['clinic'], body: JsonObject) =>
    refusalOf(node.call(by, node.hospital.account, 'offer', body));
  assert.equal(await offer(node.intruder, { account, permit }), 'EXCHANGE_PERMIT_UNKNOWN');
  assert.equal(await offer(node.clinic, { account, permit: 'a'.repeat(64) }), 'EXCHANGE_PERMIT_UNKNOWN');
  assert.equal(await offer(node.clinic, { account: 'a'.repeat(32), permit }), 'EXCHANGE_PERMIT_UNKNOWN');
  // Nor at a custodian that does not keep the account.
  assert.equal(
    await refusalOf(node.call(node.clinic, node.intruder.account, 'offer', { account, permit })),
    'EXCHANGE_PERMIT_UNKNOWN',
  );
  assert.equal(await offer(node.clinic, { account, permit }), '');
  // The intruder cannot take up the clinic's offer either.
  const stolen = { account, permit, countersignature: 'ab'.repeat(64), key: node.intruder.signer.keyId };
  assert.equal(await refusalOf(node.call(node.intruder, node.hospital.account, 'countersign', stolen)), 'PERMIT_USED');
  assert.ok(await unused(node));
});

test('a permit that has expired releases nothing, neither offer nor key', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const permit = await permitOf(node);
  const { account } = node;
  await node.call(node.clinic, node.hospital.account, 'offer', { account, permit });
  node.clock.offsetMs = 5 * MINUTE_MS + 1000;
  const offer = node.call(node.clinic, node.hospital.account, 'offer', { account, permit });
  assert.equal(await refusalOf(offer), 'EXCHANGE_PERMIT_UNKNOWN');
  assert.ok(await unused(node));
});

test('a wrong countersignature gets no key; after the release a second one gets PERMIT_USED', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const { account } = node;
  const countersign = (permit: string, countersignature: string) =>
    node.call(node.clinic, node.hospital.account, 'countersign', {
      ...{ account, permit, countersignature, key: node.clinic.signer.keyId },
    });
  const permit = await permitOf(node);
  assert.equal(await refusalOf(countersign(permit, 'ab'.repeat(64))), 'RELEASE_NOT_OFFERED');
  await node.call(node.clinic, node.hospital.account, 'offer', { account, permit });
  assert.equal(await refusalOf(countersign(permit, 'ab'.repeat(64))), 'COUNTERSIGNATURE_WRONG');
  assert.ok(await unused(node));
  const used = (await node.request()).body.transaction as string;
  assert.equal(await refusalOf(countersign(used, 'ab'.repeat(64))), 'PERMIT_USED');
  const again = node.call(node.clinic, node.hospital.account, 'offer', { account, permit: used });
  assert.equal(await refusalOf(again), 'PERMIT_USED');
});

test('a call that is replayed, late, altered, misaddressed or of no member is refused', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const { account } = node;
  const permit = await permitOf(node);
  const sign = async (more: JsonObject = {}) =>
    (
      await signStatement(node.clinic.signer, {
        ...{ call: 'offer', chain: node.ledger.genesisHash, audience: node.hospital.account },
        ...{ atMs: node.clinic.clock(), body: { account, permit } },
        ...more,
      })
    ).signed as unknown as JsonObject;
  const path = `/exchange/${node.hospital.account}/releases`;
  const signed = await sign();
  assert.equal((await node.post(path, signed)).status, 200);
  assert.equal((await node.post(path, signed)).code, 'EXCHANGE_REPLAYED');
  assert.equal(
    (await node.post(path, await sign({ atMs: node.clinic.clock() - 5 * MINUTE_MS - 1000 }))).code,
    'EXCHANGE_TIME_WRONG',
  );
  assert.equal(
    (await node.post(path, await sign({ atMs: node.clinic.clock() + 5 * MINUTE_MS + 5000 }))).code,
    'EXCHANGE_TIME_WRONG',
  );
  assert.equal((await node.post(path, await sign({ audience: node.intruder.account }))).code, 'EXCHANGE_MISADDRESSED');
  assert.equal((await node.post(path, await sign({ chain: 'a'.repeat(64) }))).code, 'EXCHANGE_MISADDRESSED');
  assert.equal((await node.post(path, await sign({ call: 'tags' }))).code, 'EXCHANGE_MISADDRESSED');
  const fresh = await sign();
  const flipped = `${String(fresh.signature).slice(0, -1)}${String(fresh.signature).endsWith('0') ? '1' : '0'}`;
  assert.equal((await node.post(path, { ...fresh, signature: flipped })).code, 'EXCHANGE_SIGNATURE_WRONG');
  assert.equal((await node.post(path, { ...fresh, key: node.intruder.signer.keyId })).code, 'EXCHANGE_SIGNATURE_WRONG');
  assert.equal(
    (await node.post(path, await sign({ body: { account, permit, more: 1 } }))).code,
    'EXCHANGE_CALL_MALFORMED',
  );
  assert.equal((await node.post(path, {})).code, 'EXCHANGE_CALL_MALFORMED');
  const elsewhere = `/exchange/${'f'.repeat(32)}/releases`;
  assert.equal((await node.post(elsewhere, await sign())).code, 'ORGANISATION_NOT_HERE');
});

test('an answer that was altered or is not the custodian’s own is not used', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  // Well-formed, and still no word of the custodian's: one bit of the ciphertext is another.
  const flip = (url: string, answer: JsonObject): JsonObject => {
    if (!url.endsWith('/releases')) return answer;
    const offer = parseCanonical(base64urlToBytes(String(answer.bytes)) as Uint8Array) as JsonObject;
    const ciphertext = base64urlToBytes(String(offer.ciphertext)) as Uint8Array;
    ciphertext[40] = (ciphertext[40] as number) ^ 1;
    const altered = { ...offer, ciphertext: bytesToBase64url(ciphertext) };
    return { ...answer, bytes: bytesToBase64url(canonicalBytes(altered)) };
  };
  assert.equal(await intercepted(node, flip), 'EXCHANGE_ANSWER_WRONG');
  assert.ok(await unused(node));
});

test('a consent that is revoked between offer and countersignature withholds the key', async (t) => {
  const node = await createExchangeNode(t);
  const policy = await node.grant({});
  node.wire.intercept = async (url, send) => {
    if (url.endsWith('/countersign'))
      await node.submit(node.hospital, { type: 'consent.revoke', account: node.account, policy });
    return send();
  };
  const { body } = await node.request();
  assert.equal(body.code, 'RELEASE_DENIED');
  assert.ok(await unused(node));
  assert.deepEqual(await node.clinic.vault.listDocuments('released'), []);
  const refused = (await node.hospital.vault.entriesOf(node.account, 20)).rows.filter(
    ({ entry }) => entry.kind === 'interaction' && entry.header.kind === 'refusal',
  );
  assert.equal(refused.length, 1);
});

test('the introduction crosses the wire sealed both ways, and only for a practitioner of the asking member', async (t) => {
  const node = await createExchangeNode(t);
  await node.grant({});
  const seen: string[] = [];
  node.wire.intercept = async (url, send) => {
    const response = await send();
    const text = await response.text();
    if (url.endsWith('/tags')) seen.push(Buffer.from(JSON.parse(text).bytes, 'base64url').toString());
    return new Response(text, { status: response.status });
  };
  assert.equal((await node.request()).status, 200);
  assert.equal(seen.length, 1);
  assert.ok(!seen[0]?.includes(node.account));
  const introductions = (await node.hospital.vault.entriesOf(node.account, 20)).rows
    .flatMap(({ entry }) => (entry.kind === 'interaction' ? [entry.header] : []))
    .filter(({ rules }) => rules.includes('default:introduction'));
  const [{ actor: practitioner } = { actor: '' }] = introductions;
  assert.equal(introductions.length, 1);
  node.wire.intercept = (_url, send) => send();
  // The clinic's physician, named by another member.
  const ask = { identifier: IDENTIFIER, practitioner, purpose: 'TREAT', categories: [] };
  const parts = { call: node.call, members: createMemberPort(node.ledger) };
  const introduced = (by: ExchangeNode['clinic']) => refusalOf(askIntroduction(parts, by, node.hospital.account, ask));
  assert.equal(await introduced(node.clinic), '');
  assert.equal(await introduced(node.intruder), 'EXCHANGE_PATIENT_UNKNOWN');
});
