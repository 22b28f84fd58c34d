import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { contractsOf } from './contracts.ts';
import { replay, type Vector } from './vector.ts';

const folder = new URL('.', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

test('there are vectors', () => assert.ok(files.length > 0));

for (const file of files) {
  test(`block list ${file} comes to the same roots as ever`, () => {
    const vector = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector;
    const { genesisAppHash, blocks } = replay(contractsOf(vector.contracts), vector);
    assert.equal(genesisAppHash, vector.genesisAppHash);
    assert.ok(blocks.length > 0);
    assert.deepEqual(blocks, vector.blocks);
  });
}

test('a block list with one transaction left out comes to other roots', () => {
  const vector = JSON.parse(readFileSync(new URL('notes.json', folder), 'utf8')) as Vector;
  const [first, ...rest] = vector.blocks;
  const shorter = { ...vector, blocks: [{ ...first, transactions: first?.transactions.slice(1) }, ...rest] } as Vector;
  const { blocks } = replay(contractsOf(vector.contracts), shorter);
  for (const [at, { appHash }] of blocks.entries()) assert.notEqual(appHash, vector.blocks[at]?.appHash);
});
