import assert from 'node:assert/strict';
import { isReject, type Reject } from '../../src/std/reject.ts';

/** The Reject that a promise ends with; anything else fails the test. */
export async function rejectOf(run: Promise<unknown>): Promise<Reject> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(isReject(error), String(error));
  return error;
}
