import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type InteractionHeader, interactionLeaf } from '../../../src/chain/journal-leaf.ts';
import { bytesToHex, hexToBytes } from '../../../src/std/bytes.ts';
import { canonicalBytes } from '../../../src/std/canonical-json.ts';
import { frame } from '../../../src/std/frame.ts';

const { interactions } = JSON.parse(readFileSync(new URL('./interaction-2.json', import.meta.url), 'utf8')) as {
  interactions: readonly { salt: string; header: InteractionHeader; leaf: string }[];
};
const hex = (text: string): Uint8Array => hexToBytes(text) as Uint8Array;
const leafOf = (salt: string, header: InteractionHeader): string => bytesToHex(interactionLeaf(hex(salt), header));

test('committed leaves of interactions of format 2 hold, and are what the format says', () => {
  for (const { salt, header, leaf } of interactions) {
    assert.equal(leafOf(salt, header), leaf);
    const framed = frame('aceso/leaf/interaction/2', canonicalBytes(header));
    assert.equal(createHmac('sha256', hex(salt)).update(framed).digest('hex'), leaf);
  }
  assert.equal(interactions.length, 4);
});

test('a leaf of format 2 changes with each member, and is no leaf of format 1', () => {
  for (const { salt, header, leaf } of interactions) {
    const leaves = Object.entries(header).map(([name, value]) =>
      leafOf(salt, { ...header, [name]: typeof value === 'number' ? value + 1 : Array.isArray(value) ? [...value, ''] : `${value}0` }),
    );
    assert.ok('client' in header);
    const { client, interaction, request, query, ...first } = header;
    leaves.push(leafOf(salt, first), leaf);
    assert.equal(new Set(leaves).size, 14 + 2);
  }
});
