import type { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';

/** Block time of an engine's time: whole milliseconds, the rest cut off, so that it never goes back. */
export function timestampToMs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}
