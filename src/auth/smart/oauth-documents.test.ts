import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testVault } from '../../../test/support/test-vault.ts';
import { readJson, writeJson } from '../documents.ts';
import { kindOf, sweepExpired } from './oauth-documents.ts';

test('what expired is swept a page at a time, and nothing else', async (t) => {
  const { vault } = await testVault(t);
  const pages: number[] = [];
  const store = {
    ...{ custodian: vault.custodian, getDocument: vault.getDocument, putDocument: vault.putDocument },
    async listDocuments(...asked: Parameters<typeof vault.listDocuments>) {
      const page = await vault.listDocuments(...asked);
      pages.push(page.length);
      return page;
    },
  };
  const kind = kindOf('AccessToken');
  const nameOf = (index: number) => String(index).padStart(64, '0');
  for (let index = 0; index < 250; index++)
    await writeJson(store, kind, nameOf(index), { expiresAtMs: index % 2 === 0 ? 1000 : 2000 });
  assert.equal(await sweepExpired([store], () => 1000), 125);
  assert.equal(Math.max(...pages), 100);
  assert.equal(await readJson(store, kind, nameOf(248)), undefined);
  assert.deepEqual(await readJson(store, kind, nameOf(249)), { expiresAtMs: 2000 });
  assert.equal(await sweepExpired([store], () => 1000), 0);
});
