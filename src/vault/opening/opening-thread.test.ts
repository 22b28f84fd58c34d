import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes, sha256 } from '#crypto/platform';
import { contentHash, type VersionHeader, versionLeaf } from '../../chain/journal-leaf.ts';
import { sealAes256Gcm } from '../../crypto/node/aead.ts';
import { wrapKey } from '../../crypto/node/key-wrap.ts';
import { bytesToHex, concatBytes, utf8 } from '../../std/bytes.ts';
import { blobAad, openSealed, type SealedVersion } from './open-sealed.ts';
import { createOpeningThread } from './opening-thread.ts';

const HEADER: VersionHeader = {
  ...{ account: 'aa'.repeat(16), type: 'Observation', id: 'o1', version: 3 },
  ...{ action: 'update', timeMs: 1_700_000_000_000, author: 'bb'.repeat(16), previous: 'cc'.repeat(32) },
};
const DEAD = new URL('data:text/javascript,throw new Error("no worker")');
const LOST_AT_WORK = new URL(
  'data:text/javascript,import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { throw new Error("lost"); })',
);

function seal(text: string, header: VersionHeader = HEADER): SealedVersion {
  const [key, salt, epochKey] = [randomBytes(32), randomBytes(32), randomBytes(32)];
  const blob = sealAes256Gcm(key, utf8(text), blobAad(header));
  const leaf = bytesToHex(versionLeaf(salt, header, contentHash(utf8(text))));
  const wrapped = wrapKey(epochKey, concatBytes(key, salt));
  return { header, leaf, address: bytesToHex(sha256(blob)), wrapped, epochKey, blob };
}

function flipped(bytes: Uint8Array): Uint8Array {
  const other = bytes.slice();
  other[other.length >> 1] = (other[other.length >> 1] as number) ^ 1;
  return other;
}

/** What may be wrong with a version, one thing each. */
function damaged(): readonly (readonly [SealedVersion, 'key' | 'blob'])[] {
  const good = seal('good');
  const blob = flipped(good.blob);
  const of = (change: Partial<VersionHeader>) => ({ ...good, header: { ...HEADER, ...change } });
  return [
    [{ ...good, epochKey: randomBytes(32) }, 'key'],
    [{ ...good, wrapped: flipped(good.wrapped) }, 'key'],
    [{ ...good, wrapped: seal('other').wrapped }, 'key'],
    [{ ...good, blob }, 'blob'],
    [{ ...good, blob, address: bytesToHex(sha256(blob)) }, 'blob'],
    [{ ...good, address: 'dd'.repeat(32) }, 'blob'],
    [{ ...good, leaf: 'dd'.repeat(32) }, 'blob'],
    [of({ id: 'o2' }), 'blob'],
    [of({ version: 4 }), 'blob'],
    [of({ author: 'dd'.repeat(16) }), 'blob'],
    [of({ timeMs: 1 }), 'blob'],
    [of({ action: 'create' }), 'blob'],
    [of({ previous: '' }), 'blob'],
  ];
}

test('a version opens with what it was sealed with, and with nothing else', () => {
  const good = openSealed(seal('{"n":1.10}'));
  assert.ok(typeof good === 'object');
  assert.deepEqual(new Uint8Array(good.bytes), utf8('{"n":1.10}'));
  for (const [sealed, damage] of damaged()) assert.equal(openSealed(sealed), damage);
});

test('the thread opens what is opened here, each in its place, and so does one that is lost', async () => {
  const texts = ['', 'é', 'x'.repeat(100_000), ...Array.from({ length: 40 }, (_, at) => `text ${at}`)];
  const some = texts.map((text) => [seal(text), utf8(text)] as const);
  const list: readonly (readonly [SealedVersion, Uint8Array | string])[] = [...some, ...damaged(), ...some.slice(3, 6)];
  const threads = [createOpeningThread(), createOpeningThread(DEAD), createOpeningThread(LOST_AT_WORK)];
  for (const thread of threads) {
    for (const part of [list, list, list.slice(0, 5), []]) {
      const opened = await thread.open(part.map(([sealed]) => sealed));
      assert.deepEqual(
        opened.map((one) => (typeof one === 'string' ? one : new Uint8Array(one))),
        part.map(([, expected]) => expected),
      );
    }
  }
  const [thread] = threads;
  const both = await Promise.all([list, list.toReversed()].map((part) => thread?.open(part.map(([sealed]) => sealed))));
  assert.deepEqual(both[0], both[1]?.toReversed());
});
