import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { closeVaults, openVaults } from './open-organisations.ts';

test('a vault that does not open has the others closed, and its own refusal is told', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-vaults-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const organisations = ['a', 'b', 'c'].map((slug, at) => ({ slug, name: slug, account: `${at}`.repeat(32) }));
  const node = { format: 'aceso.node/1', node: 'node-1', organisations } as const;
  const options = { folder, node, rootKey: new Uint8Array(32).fill(7), log: pino({ level: 'silent' }) };
  const first = await openVaults(options);
  assert.deepEqual(
    first.map(({ custodian }) => custodian),
    organisations.map(({ account }) => account),
  );
  await closeVaults(Promise.resolve(first));

  const check = join(folder, 'vaults', 'b', 'key-check');
  const right = readFileSync(check, 'latin1');
  writeFileSync(check, `${'0'.repeat(right.length - 1)}\n`);
  const refused = openVaults(options);
  await assert.rejects(refused, { code: 'VAULT_KEY_WRONG' });
  await closeVaults(refused);

  writeFileSync(check, right);
  // VAULT_IN_USE, were one of them still open.
  await closeVaults(Promise.resolve(await openVaults(options)));
});
