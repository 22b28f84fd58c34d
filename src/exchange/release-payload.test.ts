import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentHash, type VersionHeader, versionLeaf } from '../chain/journal-leaf.ts';
import { bytesToHex, utf8, utf8ToText } from '../std/bytes.ts';
import { encodePayload, openPayload } from './release-payload.ts';

const ACCOUNT = 'a1'.repeat(16);
const header: VersionHeader = {
  ...{ account: ACCOUNT, type: 'Observation', id: 'o-1', version: 1, action: 'create', timeMs: 1, author: ACCOUNT },
  previous: '',
};
const version = { header, salt: new Uint8Array(32).fill(5), bytes: utf8('{"value":1.10}') };
const leaf = bytesToHex(versionLeaf(version.salt, header, contentHash(version.bytes)));

test('a payload gives back what the leaves commit to, byte for byte', () => {
  const [opened] = openPayload(encodePayload([version]), ACCOUNT, [leaf]) ?? [];
  assert.deepEqual(opened, version);
});

test('a custodian cannot release other bytes, another header, more, less or another patient’s than its leaves say', () => {
  const cases = {
    bytes: [{ ...version, bytes: utf8('{"value":1.1}') }],
    salt: [{ ...version, salt: new Uint8Array(32) }],
    time: [{ ...version, header: { ...header, timeMs: 2 } }],
    author: [{ ...version, header: { ...header, author: 'b'.repeat(32) } }],
    more: [version, version],
    less: [],
  };
  for (const [name, versions] of Object.entries(cases))
    assert.equal(openPayload(encodePayload(versions), ACCOUNT, [leaf]), undefined, name);
  assert.equal(openPayload(encodePayload([version]), 'b0'.repeat(16), [leaf]), undefined, 'another account');
  const spaced = utf8(`${utf8ToText(encodePayload([version]))} `);
  assert.equal(openPayload(spaced, ACCOUNT, [leaf]), undefined, 'not canonical');
});
