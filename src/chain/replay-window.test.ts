import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReplayWindow } from './replay-window.ts';
import { REPLAY_WINDOW_MS } from './transaction.ts';

test('an id is known until its transaction has expired, in its own block and after a restart', () => {
  const step = fc.record({
    advanceMs: fc.integer({ min: 0, max: 150_000 }),
    ids: fc.array(fc.tuple(fc.nat(30), fc.nat(REPLAY_WINDOW_MS)), { maxLength: 6 }),
    restart: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let window = createReplayWindow();
      const ran = new Map<string, { notAfterMs: number; timeMs: number }>();
      let timeMs = 1_000_000;
      for (const [at, { advanceMs, ids, restart }] of steps.entries()) {
        timeMs += advanceMs;
        if (restart) {
          window = createReplayWindow();
          for (const [id, one] of ran) if (one.timeMs >= timeMs - REPLAY_WINDOW_MS) window.remember(id, one.timeMs);
        }
        window.beginBlock(at + 1, timeMs);
        for (const [number, validityMs] of ids) {
          // The expiry is part of what an id is the hash of: the same number with another expiry is another id.
          const notAfterMs = timeMs + validityMs;
          const id = `${number}/${notAfterMs}`;
          window.add(id, notAfterMs, at + 1);
          ran.set(id, { notAfterMs, timeMs });
        }
        for (const [id, { notAfterMs }] of ran) if (notAfterMs >= timeMs) assert.ok(window.has(id, notAfterMs), id);
        assert.equal(window.has('never', timeMs), false);
      }
    }),
    { numRuns: 300 },
  );
});

test('a block that is executed once more finds its own ids gone and the earlier ones there', () => {
  const window = createReplayWindow();
  window.beginBlock(1, 0);
  window.add('one', 60_000, 1);
  window.beginBlock(2, 0);
  window.add('two', 60_000, 2);
  window.beginBlock(2, 0);
  assert.deepEqual([window.has('one', 60_000), window.has('two', 60_000)], [true, false]);
  window.beginBlock(1, 0);
  assert.equal(window.has('one', 60_000), false);
});
