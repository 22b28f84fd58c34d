import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchangeNode } from '../../../../test/support/exchange-node.ts';
import { utf8 } from '../../../std/bytes.ts';
import { NO_ENTRIES } from '../../../vault/index/index-entries.ts';

test('whom a patient has told of the record is not released with it', async (t) => {
  const { hospital, account, grant, request } = await createExchangeNode(t);
  const written = (type: string) => ({
    ...{ account, type, id: 'x', version: 1, timeMs: hospital.clock(), author: account, action: 'create' as const },
    ...{ labels: [], categories: [type], entries: NO_ENTRIES },
    bytes: utf8(JSON.stringify({ resourceType: type, id: 'x' })),
  });
  await hospital.vault.write([written('Subscription'), written('Flag')], []);
  await grant({});
  const { body } = await request();
  const types = new Set(body.bundle?.entry?.map(({ resource }) => resource.resourceType));
  assert.deepEqual([types.has('Flag'), types.has('Subscription')], [true, false]);
});
