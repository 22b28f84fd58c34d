import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newGenesis } from '../../src/app/new-network.ts';
import { memberSigner } from '../../src/app/open-organisations.ts';
import { MAX_HEADER_CHARS, type MemberCall, signMemberCall } from '../../src/auth/member-call.ts';
import { createMemberFetch } from '../../src/auth/member-fetch.ts';
import { genesisHash } from '../../src/chain/genesis.ts';
import { type Signer, signTransaction } from '../../src/chain/sign-transaction.ts';
import { createLedgerClient, type LedgerClient } from '../../src/ledger/http/ledger-client.ts';
import { canonicalBytes, type JsonObject } from '../../src/std/canonical-json.ts';
import { newOrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';
import { QUIET_START, temporaryFolders, testStarter } from './bad-input-node.ts';

/** A hospital's node on a real socket, on a ledger of four members, one of which will be removed. */
interface HospitalNode {
  readonly url: string;
  readonly chain: string;
  readonly hospital: Signer;
  readonly clinic: Signer;
  readonly laboratory: Signer;
  readonly pharmacy: Signer;
  /** What the node logged as errors. */
  readonly logged: readonly string[];
}

async function startHospital(t: TestContext): Promise<HospitalNode> {
  const { root, folder, keyFolder } = temporaryFolders(t);
  const founders = await Promise.all(
    ['hospital', 'clinic', 'laboratory', 'pharmacy'].map((slug) =>
      newOrganisationKeys({ slug, name: slug, roles: ['provider'] }),
    ),
  );
  const operatorSeed = '05'.repeat(32);
  const entries = founders.map(({ entry }) => entry);
  const document = newGenesis({ name: 'members', createdMs: Date.now(), operatorSeed, founders: entries });
  const [genesis, keys] = [join(root, 'genesis.json'), join(root, 'keys.json')];
  writeFileSync(genesis, canonicalBytes(document as unknown as JsonObject));
  const [own] = founders;
  const file = { format: 'aceso.organisation-keys/1', ...own, operatorSeed };
  writeFileSync(keys, canonicalBytes(file as unknown as JsonObject));
  const logged: string[] = [];
  const node = await testStarter(keyFolder, logged).start({ ...QUIET_START, folder, genesis, keys });
  t.after(() => node.close());
  const [hospital, clinic, laboratory, pharmacy] = founders.map(({ organisation, secrets }) =>
    memberSigner(organisation.account, secrets.signingSeed),
  ) as [Signer, Signer, Signer, Signer];
  return { url: node.url, chain: genesisHash(document), hospital, clinic, laboratory, pharmacy, logged };
}

function clientOf({ url, chain }: HospitalNode, signer: Signer): LedgerClient {
  return createLedgerClient({ url, fetch: createMemberFetch({ signer, chain, clock: Date.now, fetch }) });
}

const TARGET = '/ledger/leaves/0';

test('a node tells its ledger to members, who sign every request, and to nobody else', {
  timeout: 60_000,
}, async (t) => {
  const node = await startHospital(t);
  const { url, chain, hospital, clinic, laboratory, pharmacy } = node;
  const get = async (path: string, authorization?: string) => {
    const response = await fetch(url + path, authorization === undefined ? {} : { headers: { authorization } });
    return [response.status, ((await response.json()) as { code?: string }).code];
  };
  const header = (bend: Partial<MemberCall> = {}, signer: Signer = clinic) =>
    signMemberCall(signer, {
      ...{ chain, audience: hospital.account, atMs: Date.now(), method: 'GET', target: TARGET, body: new Uint8Array() },
      ...bend,
    });
  const until = async (leaf: number) => {
    while ((await clientOf(node, clinic).blocks(1, 1, 1000)).newest.head.logSize <= leaf);
  };
  await until(0);

  await t.test('a member’s own request', async () => {
    assert.deepEqual(await get(TARGET, await header()), [200, undefined]);
  });
  const attacks: Record<string, [string | undefined, string, string?]> = {
    'no header': [undefined, 'MEMBER_CALL_MISSING'],
    'a stale call': [await header({ atMs: Date.now() - 400_000 }), 'MEMBER_CALL_TIME_WRONG'],
    'a call for another node': [await header({ audience: clinic.account }), 'MEMBER_CALL_MISADDRESSED'],
    'a call for another path': [await header(), 'MEMBER_CALL_MISADDRESSED', '/ledger/leaves/1'],
    'a call for another method': [await header({ method: 'POST' }), 'MEMBER_CALL_MISADDRESSED'],
    'a call on another ledger': [await header({ chain: 'ab'.repeat(32) }), 'MEMBER_CALL_MISADDRESSED'],
    'a key that the ledger does not have': [
      await header({}, memberSigner(clinic.account, '77'.repeat(32))),
      'MEMBER_CALL_SIGNATURE_WRONG',
    ],
    'an account that the ledger does not have': [
      await header({}, { ...clinic, account: 'ab'.repeat(16) }),
      'MEMBER_CALL_SIGNATURE_WRONG',
    ],
    'a header of more than 8 KiB': [
      await header({ target: `/${'x'.repeat(MAX_HEADER_CHARS)}` }),
      'MEMBER_CALL_MALFORMED',
    ],
  };
  for (const [name, [authorization, code, path = TARGET]] of Object.entries(attacks)) {
    await t.test(name, async () => assert.deepEqual(await get(path, authorization), [401, code]));
  }
  await t.test('a replayed call', async () => {
    const once = await header();
    assert.deepEqual(await get(TARGET, once), [200, undefined]);
    assert.deepEqual(await get(TARGET, once), [401, 'MEMBER_CALL_REPLAYED']);
  });
  await t.test('a member that was removed', async () => {
    const before = await clientOf(node, clinic).blocks(1, 1, 0);
    assert.equal(before.blocks.length, 1);
    const submit = async (by: Signer, message: JsonObject & { type: string }) => {
      const wire = await signTransaction({ chain, message, nowMs: Date.now() }, by);
      const { outcome } = await clientOf(node, by).submit(wire);
      assert.equal(outcome.code, 'OK', JSON.stringify(outcome.data));
      return outcome;
    };
    const removal = { type: 'membership.remove', account: clinic.account, successor: hospital.account };
    const { id } = await submit(hospital, removal);
    for (const by of [laboratory, pharmacy]) await submit(by, { type: 'membership.approve', proposal: id });
    assert.deepEqual(await get(TARGET, await header()), [401, 'MEMBER_CALL_SIGNATURE_WRONG']);
    await assert.rejects(clientOf(node, clinic).blocks(1, 1, 0), { code: 'MEMBER_CALL_SIGNATURE_WRONG' });
    assert.equal((await clientOf(node, laboratory).blocks(1, 1, 0)).blocks.length, 1);
  });
  assert.deepEqual(node.logged, []);
});
