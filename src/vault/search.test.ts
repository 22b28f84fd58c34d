import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALICE, BOB, codeOf, observation, testVault } from './test-vault.ts';
import type { CustodianVault, SearchOptions, SearchToken } from './vault.ts';

const HIV = ['http://terminology.hl7.org/CodeSystem/v3-ActCode|HIV'];
const status: SearchToken = { parameter: 'status', value: 'final' };
const code: SearchToken = { parameter: 'code', value: 'http://loinc.org|1' };

async function ids(
  vault: CustodianVault,
  tokens: readonly SearchToken[],
  options: Omit<SearchOptions, 'limit'> = {},
): Promise<string[]> {
  return (await vault.search('Observation', tokens, { limit: 100, ...options })).rows.map((row) => row.id);
}

test('all tokens must match, in order of id, within the type and the account', async (t) => {
  const { vault } = await testVault(t);
  await vault.write(
    [
      observation('b', 1, { tokens: [status, code] }),
      observation('a', 1, { tokens: [status] }),
      observation('c', 1, { tokens: [code, status], account: BOB }),
      observation('d', 1, { tokens: [code] }),
      observation('a', 1, { tokens: [status], type: 'Condition' }),
    ],
    [],
  );
  assert.deepEqual(await ids(vault, [status]), ['a', 'b', 'c']);
  assert.deepEqual(await ids(vault, [status, code]), ['b', 'c']);
  assert.deepEqual(await ids(vault, [status, code], { account: BOB }), ['c']);
  assert.deepEqual(await ids(vault, [], { account: ALICE }), ['a', 'b', 'd']);
  assert.deepEqual(await ids(vault, []), ['a', 'b', 'c', 'd']);
  assert.deepEqual(await ids(vault, [{ parameter: 'status', value: 'fina' }]), []);
  assert.deepEqual(await ids(vault, [status], { account: 'ee'.repeat(16) }), []);
});

test('an update moves the tokens, a delete takes them away', async (t) => {
  const { vault } = await testVault(t);
  await vault.write([observation('a', 1, { tokens: [status] }), observation('b', 1, { tokens: [status] })], []);
  await vault.write([observation('a', 2, { tokens: [code, code] }), observation('b', 2, { action: 'delete' })], []);
  assert.deepEqual(await ids(vault, [status]), []);
  assert.deepEqual(await ids(vault, [code]), ['a']);
  assert.deepEqual(await ids(vault, []), ['a']);
  assert.deepEqual(await ids(vault, [], { account: ALICE }), ['a']);
});

test('pages join up to the whole, whatever the limit', async (t) => {
  const { vault } = await testVault(t);
  const names = Array.from({ length: 23 }, (_, i) => `o${String(i * 7).padStart(3, '0')}`);
  await vault.write(
    names.map((id, i) =>
      observation(id, 1, { tokens: i % 3 === 0 ? [status, code] : [status], labels: i % 5 === 0 ? HIV : [] }),
    ),
    [],
  );
  const options = [[[]], [[status]], [[status, code]]] as const;
  for (const [tokens] of options) {
    const whole = await ids(vault, tokens, { accounts: [ALICE, BOB] });
    assert.equal(whole.length, tokens.length === 2 ? 8 : 23);
    for (const limit of [1, 2, 5, 23, 24]) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await vault.search('Observation', tokens, {
          limit,
          accounts: [ALICE, BOB],
          ...(after === undefined ? {} : { after }),
        });
        seen.push(...page.rows.map((row) => row.id));
        assert.ok(page.rows.length <= limit);
        after = page.next;
      } while (after !== undefined);
      assert.deepEqual(seen, whole);
    }
  }
});

test('versions with a sensitive label are found for the accounts that are named, and for no others', async (t) => {
  const { vault } = await testVault(t);
  await vault.write(
    [
      observation('plain', 1, { tokens: [code] }),
      observation('alice-hiv', 1, { tokens: [code], labels: HIV }),
      observation('bob-hiv', 1, { tokens: [code], labels: HIV, account: BOB }),
    ],
    [],
  );
  assert.deepEqual(await ids(vault, [code]), ['plain']);
  assert.deepEqual(await ids(vault, [code], { accounts: [ALICE] }), ['alice-hiv', 'plain']);
  assert.deepEqual(await ids(vault, [code], { accounts: [BOB, ALICE] }), ['alice-hiv', 'bob-hiv', 'plain']);
  assert.deepEqual(await ids(vault, [code], { account: BOB }), ['bob-hiv']);
  // A label that goes makes the next version findable like the rest.
  await vault.write([observation('alice-hiv', 2, { tokens: [code] })], []);
  assert.deepEqual(await ids(vault, [code]), ['alice-hiv', 'plain']);
});

test('more accounts than 1,000 are refused, not searched in part', async (t) => {
  const { vault } = await testVault(t);
  const accounts = Array.from({ length: 1001 }, (_, i) => i.toString(16).padStart(32, '0'));
  assert.equal(await codeOf(() => vault.search('Observation', [code], { accounts, limit: 1 })), 'TOO_COSTLY');
  assert.equal(await codeOf(() => vault.search('Observation', [code], { accounts: accounts.slice(1), limit: 1 })), '');
  assert.equal(await codeOf(() => vault.search('Observation', [code], { limit: 1, after: 'x' })), 'CURSOR_INVALID');
});
