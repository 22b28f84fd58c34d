import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdapterPayload } from 'oidc-provider';
import { createInteractionMemory, interactionAdapter } from './interaction-memory.ts';

const LIFE_MS = 15 * 60_000;
const MOST_BYTES = 100_000;

/** As an app's request makes one; with the answer of the sign-in, once there is one. */
const begun = (state = 's', accountId?: string): AdapterPayload => ({
  kind: 'Interaction',
  params: { client_id: 'app', state },
  ...(accountId === undefined ? {} : { session: { accountId } }),
});

test('a flood of sign-ins from one network ends its own, the oldest first, and nobody else’s', () => {
  const memory = createInteractionMemory(() => 0, { mostBytes: MOST_BYTES });
  memory.keep('honest', begun(), LIFE_MS, '198.51.100.7');
  for (let count = 0; count < 10_000; count++) memory.keep(`flood ${count}`, begun(), LIFE_MS, '203.0.113.1');
  assert.deepEqual(memory.find('honest'), begun());
  assert.equal(memory.find('flood 0'), undefined);
  assert.deepEqual(memory.find('flood 9999'), begun());
  const left = Array.from({ length: 10_000 }, (_, count) => memory.find(`flood ${count}`)).filter(Boolean).length;
  assert.ok(left > 100 && left < MOST_BYTES / 512, String(left));
});

test('whoever signed in keeps the place when neighbours at the same address flood it', () => {
  const memory = createInteractionMemory(() => 0, { mostBytes: MOST_BYTES });
  memory.keep('signed in', begun(), LIFE_MS, '203.0.113.1');
  memory.keep('signed in', begun('s', 'ada'), LIFE_MS, '');
  memory.keep('not yet', begun(), LIFE_MS, '203.0.113.1');
  for (let count = 0; count < 1000; count++) memory.keep(`flood ${count}`, begun(), LIFE_MS, '203.0.113.1');
  assert.deepEqual(memory.find('signed in'), begun('s', 'ada'));
  assert.equal(memory.find('not yet'), undefined);
});

test('a flood of long parameters from many networks ends its own before short ones', () => {
  const memory = createInteractionMemory(() => 0, { mostBytes: MOST_BYTES });
  memory.keep('honest', begun(), LIFE_MS, '198.51.100.7');
  for (let count = 0; count < 1000; count++)
    memory.keep(`flood ${count}`, begun('x'.repeat(2048)), LIFE_MS, `2001:db8:0:${count}::/64`);
  assert.deepEqual(memory.find('honest'), begun());
});

test('what expired is gone, and gives its room back', () => {
  let nowMs = 0;
  const memory = createInteractionMemory(() => nowMs, { mostBytes: MOST_BYTES });
  for (let count = 0; count < 500; count++) memory.keep(`old ${count}`, begun(), LIFE_MS, '203.0.113.1');
  nowMs = LIFE_MS;
  assert.equal(memory.find('old 499'), undefined);
  memory.keep('new', begun('x'.repeat(90_000)), 2 * LIFE_MS, '198.51.100.7');
  assert.notEqual(memory.find('new'), undefined);
});

test('as the provider’s model it is found until it is destroyed, as it was last kept', async () => {
  const adapter = interactionAdapter(
    createInteractionMemory(() => 0),
    () => 0,
    () => '203.0.113.1',
  );
  await adapter.upsert('uid', begun(), 900);
  await adapter.upsert('uid', begun('s', 'ada'), 600);
  assert.deepEqual(await adapter.find('uid'), begun('s', 'ada'));
  await adapter.destroy('uid');
  assert.equal(await adapter.find('uid'), undefined);
});
