import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { TEST_ORIGIN, testPasskey, testSigner } from '../../../test/support/test-signer.ts';
import { hexToBytes, utf8 } from '../../std/bytes.ts';
import { type BareTask, packTasks, unpackTasks } from './signature-batch.ts';
import { createSignaturePool } from './signature-pool.ts';
import { verifyTask } from './verify-task.ts';

function taskOf(label: string, text: string, passkey = false): BareTask {
  const signer = passkey ? testPasskey(label) : testSigner(label);
  const { algorithm, publicKey, rpIdHash, origin } = signer.record;
  const message = utf8(text);
  const more = rpIdHash === undefined || origin === undefined ? {} : { rpIdHash, origin };
  return {
    algorithm,
    publicKey: hexToBytes(publicKey) as Uint8Array,
    message,
    signature: signer.sign(message),
    ...more,
  };
}

const forged = (task: BareTask): BareTask => ({ ...task, message: utf8('another message') });

test('tasks come out of a buffer as they went in', () => {
  const tasks = [taskOf('a', 'one'), taskOf('b', '', true), { ...taskOf('c', 'three'), signature: new Uint8Array() }];
  assert.equal(tasks[1]?.origin, TEST_ORIGIN);
  assert.deepEqual([...unpackTasks(packTasks(tasks))], tasks);
  assert.deepEqual([...unpackTasks(packTasks([]))], []);
});

test('workers find what the main thread finds, for single requests and for many', async () => {
  const lost: unknown[] = [];
  const pool = createSignaturePool(2, (error) => lost.push(error));
  const good = [taskOf('a', 'one'), taskOf('b', 'two', true)];
  assert.ok(good.every(verifyTask));
  assert.equal(await pool.verify(good), true);
  assert.equal(await pool.verify([good[0] as BareTask, forged(good[1] as BareTask)]), false);
  const requests = Array.from({ length: 700 }, (_, i) => {
    const tasks = [taskOf('a', `message ${i}`)];
    return i % 7 === 0 ? tasks.map(forged) : tasks;
  });
  const results = await Promise.all(requests.map((tasks) => pool.verify(tasks)));
  assert.deepEqual(
    results,
    requests.map((_, i) => i % 7 !== 0),
  );
  assert.equal(pool.pending(), 0);
  await pool.close();
  assert.deepEqual(lost, []);
});

test('what is under way when the pool is closed is still answered', async () => {
  const pool = createSignaturePool(1, () => {});
  const task = taskOf('a', createHash('sha256').update('x').digest('hex'));
  const answers = Array.from({ length: 500 }, () => pool.verify([task]));
  await new Promise((resolve) => setImmediate(resolve));
  await pool.close();
  assert.ok((await Promise.all(answers)).every((holds) => holds));
});
