import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex } from '../std/bytes.ts';
import { createIndexHash } from './index/index-hash.ts';
import { blobAad } from './opening/open-sealed.ts';
import { rootKeyToText } from './root-key.ts';
import { createRowMac } from './row-mac.ts';
import { interactionSalt } from './write-operations.ts';

// What is stored under these must be found and opened by every later version: none of the values may ever change.
const KEY = new Uint8Array(32).fill(1);

test('stored formats stay as they are', () => {
  const salts = { tag: KEY, index: KEY, salts: KEY };
  const version = { account: 'a1', type: 'Patient', id: 'p', version: 3 };
  const found = {
    rootKey: rootKeyToText(KEY),
    token: bytesToHex(createIndexHash()({ id: 'a', key: KEY }, 'token', 'Patient', 'identifier', 'urn:x|1')),
    salt: bytesToHex(interactionSalt(salts, new Uint8Array(16).fill(2))),
    aad: bytesToHex(blobAad(version)),
    mac: bytesToHex(createRowMac(KEY).of('table', ['a', 1], Uint8Array.of(9))),
  };
  assert.deepEqual(found, {
    rootKey: `aceso-root-key-1 ${'01'.repeat(32)} d9a9291c\n`,
    token: 'cb558a4e4c416c63ae85bcc17275ef8c',
    salt: '68da5b80de4fa44f51ccce1e245314ed010df9f77cf3d0c59e6f028f5ecdf85f',
    aad: '00000012616365736f2f7661756c742f626c6f622f310000000261310000000750617469656e740000000170000000080000000000000003',
    mac: '73100d7ad65a65f2b5d39e6317489cab',
  });
});
