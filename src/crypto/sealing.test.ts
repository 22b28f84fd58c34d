import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEM_MLKEM768_X25519 as nobleKem } from '@panva/hpke-noble';
import { KEM_MLKEM768_X25519 as nativeKem } from 'hpke';
import { utf8 } from '../std/bytes.ts';
import { createSealing } from './sealing.ts';
test('x', async () => {
  const a = createSealing(nativeKem), b = createSealing(nobleKem);
  const seed = new Uint8Array(32).fill(7);
  assert.deepEqual(await a.sealingPublicKey(seed), await b.sealingPublicKey(seed));
  const pk = await a.sealingPublicKey(seed);
  const box = await a.sealTo(pk, utf8('hi'), utf8('i'), utf8('a'));
  console.log(box.enc.length, await b.openSealed(seed, box, utf8('i'), utf8('a')), await a.openSealed(seed, box, utf8('i'), utf8('b')));
  let t=performance.now(); for(let i=0;i<100;i++) await a.sealTo(pk, utf8('hi'), utf8('i'), utf8('a')); console.log('seal native', (performance.now()-t)/100);
  t=performance.now(); for(let i=0;i<100;i++) await a.openSealed(seed, box, utf8('i'), utf8('a')); console.log('open native', (performance.now()-t)/100);
  t=performance.now(); for(let i=0;i<20;i++) await b.openSealed(seed, box, utf8('i'), utf8('a')); console.log('open noble', (performance.now()-t)/20);
});
