import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { contentHash, type InteractionHeader, interactionLeaf, type VersionHeader, versionLeaf } from '../../../src/chain/journal-leaf.ts';
import { bytesToHex, hexToBytes, utf8 } from '../../../src/std/bytes.ts';

interface Vectors {
  readonly versions: readonly { salt: string; header: VersionHeader; content: string; leaf: string }[];
  readonly interactions: readonly { salt: string; header: InteractionHeader; leaf: string }[];
}

const { versions, interactions } = JSON.parse(
  readFileSync(new URL('./journal-leaf.json', import.meta.url), 'utf8'),
) as Vectors;
const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;

test('committed leaves of versions hold', () => {
  for (const { salt, header, content, leaf } of versions) {
    assert.equal(bytesToHex(versionLeaf(hex(salt), header, contentHash(utf8(content)))), leaf);
  }
  assert.equal(versions.length, 3);
});

test('committed leaves of interactions hold', () => {
  for (const { salt, header, leaf } of interactions) assert.equal(bytesToHex(interactionLeaf(hex(salt), header)), leaf);
  assert.equal(interactions.length, 4);
});

test('a leaf changes with each member of its header, with its salt and with its content', () => {
  for (const { salt, header, content, leaf } of versions) {
    const hash = contentHash(utf8(content));
    const changed = Object.entries(header).map(([name, value]) => {
      const other = { ...header, [name]: typeof value === 'number' ? value + 1 : `${value}0` };
      return bytesToHex(versionLeaf(hex(salt), other, hash));
    });
    changed.push(bytesToHex(versionLeaf(hex(salt), header, contentHash(utf8(`${content} `)))));
    changed.push(bytesToHex(versionLeaf(contentHash(hex(salt)), header, hash)), leaf);
    assert.equal(new Set(changed).size, 8 + 3);
  }
});
