import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAttemptLimits } from './attempt-limits.ts';
import { sourcePrefix } from './source-prefix.ts';

const MINUTE = 60_000;
const FROM = '192.0.2.1';

/** Failures in order: [session, source, times, at]. Then how long [session, source] waits, at a time. */
const TABLE: readonly {
  readonly says: string;
  readonly failures: readonly (readonly [session: string, source: string, times: number, atMs: number])[];
  readonly asked: readonly [session: string, source: string, atMs: number];
  readonly waitMs: number;
}[] = [
  { says: 'nothing failed', failures: [], asked: ['s', FROM, 0], waitMs: 0 },
  { says: 'nine failures are fumbling', failures: [['s', FROM, 9, 0]], asked: ['s', FROM, 0], waitMs: 0 },
  { says: 'ten are not', failures: [['s', FROM, 10, 0]], asked: ['s', FROM, 0], waitMs: 15 * MINUTE },
  { says: 'time passes', failures: [['s', FROM, 10, 0]], asked: ['s', FROM, 14 * MINUTE], waitMs: MINUTE },
  { says: 'and it may go on', failures: [['s', FROM, 10, 0]], asked: ['s', FROM, 15 * MINUTE], waitMs: 0 },
  {
    says: 'one who guessed the session elsewhere',
    failures: [['s', '198.51.100.9', 99, 0]],
    asked: ['s', FROM, 0],
    waitMs: 0,
  },
  { says: 'a neighbour’s one session', failures: [['t', FROM, 99, 0]], asked: ['s', FROM, 0], waitMs: 0 },
  {
    says: 'a neighbour’s many sessions leave each of ours its one try',
    failures: Array.from({ length: 500 }, (_, at) => [`t${at}`, FROM, 3, 0] as const),
    asked: ['s', FROM, 0],
    waitMs: 0,
  },
  {
    says: 'what fails on from a noisy network is slowed down',
    failures: [...Array.from({ length: 500 }, (_, at) => [`t${at}`, FROM, 3, 0] as const), ['s', FROM, 1, 0]],
    asked: ['s', FROM, 0],
    waitMs: 2000,
  },
  {
    says: 'by seconds, however long the flood was',
    failures: [...Array.from({ length: 500 }, (_, at) => [`t${at}`, FROM, 3, 0] as const), ['s', FROM, 1, 0]],
    asked: ['s', FROM, 2000],
    waitMs: 0,
  },
];

for (const { says, failures, asked, waitMs } of TABLE) {
  test(`tries: ${says}`, () => {
    const limits = createAttemptLimits();
    for (const [session, source, times, atMs] of failures) {
      for (let n = 0; n < times; n++) limits.failed(session, source, atMs);
    }
    const [session, source, atMs] = asked;
    assert.equal(limits.waitMs(session, source, atMs), waitMs);
  });
}

test('a credential waits after five proved failures in a row, and is free after a success', () => {
  const limits = createAttemptLimits();
  for (let n = 0; n < 4; n++) limits.credentialFailed('c', 0);
  assert.equal(limits.credentialWaitMs('c', 0), 0);
  limits.credentialFailed('c', MINUTE);
  assert.equal(limits.credentialWaitMs('c', MINUTE), 15 * MINUTE);
  assert.equal(limits.credentialWaitMs('d', MINUTE), 0);
  assert.equal(limits.credentialWaitMs('c', 16 * MINUTE), 0);
  limits.credentialWorked('c');
  assert.equal(limits.credentialWaitMs('c', MINUTE), 0);
});

test('memory is bounded: the longest ago is forgotten, which lets in', () => {
  const limits = createAttemptLimits({ remembered: 3 });
  for (const session of ['a', 'b', 'c', 'a', 'd']) {
    for (let n = 0; n < 10; n++) limits.failed(session, FROM, 0);
  }
  const waits = ['a', 'b', 'c', 'd'].map((session) => limits.waitMs(session, FROM, 0) > 0);
  assert.deepEqual(waits, [true, false, true, true]);
});

test('networks by address', () => {
  const table: readonly (readonly [address: string, prefix: string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.1', '1:2:3:4::/64'],
    ['::2:3:4:5:192.0.2.1', '0:0:2:3::/64'],
    ['', 'unknown'],
    ['not an address', 'unknown'],
    ['999.1.1.1', 'unknown'],
    ['::ffff:999.1.1.1', 'unknown'],
  ];
  for (const [address, prefix] of table) assert.equal(sourcePrefix(address), prefix, address);
});
