import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notesContract } from '../../../test/support/notes-contract.ts';
import { createTestChain } from '../../../test/support/test-chain.ts';
import { notesGenesis } from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { signBytes } from '../../chain/transaction.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { createSignaturePool, type SignaturePool } from '../intake/signature-pool.ts';
import { createKnownTransactions } from './known-transactions.ts';

const hospital = testSigner('hospital');
const sections = notesGenesis(['hospital']).sections as Record<string, JsonObject>;

/** What is known over a chain of notes, and how many signatures were verified for it. */
function knownOf() {
  const chain = createTestChain({
    contracts: [notesContract],
    genesis: { sections: { notes: sections.notes as JsonObject } },
  });
  const pool = createSignaturePool(0, () => {});
  let verified = 0;
  const signatures: SignaturePool = {
    ...pool,
    verify(tasks) {
      verified += tasks.length;
      return pool.verify(tasks);
    },
  };
  const { timeMs } = chain;
  const check = (wire: Uint8Array, atMs = timeMs) => chain.kernel.check(chain.store, wire, atMs);
  const known = createKnownTransactions({ check, signatures });
  const wire = () => chain.wire({ type: 'note.put', name: 'a', text: 'b' }, { by: hospital });
  return { known, check, wire, timeMs, verified: () => verified };
}

test('a signature is verified once, whether the pool or a proposal asks first, or both at the same time', async () => {
  const { known, check, wire, timeMs, verified } = knownOf();
  const [pooled, proposed, both] = [wire(), wire(), wire()];
  await known.take(pooled);
  assert.equal((await known.verifyProposed([pooled.slice()], timeMs)).isSound, true);
  assert.equal(verified(), 1);
  assert.equal((await known.verifyProposed([proposed], timeMs)).isSound, true);
  await known.take(proposed.slice());
  assert.equal(verified(), 2);
  const taken = known.take(both);
  assert.equal((await known.verifyProposed([both.slice()], timeMs)).isSound, true);
  await taken;
  assert.equal(verified(), 3);
  const shown = wire();
  await known.verifyProposed([shown], timeMs);
  for (const one of [pooled, proposed, both, shown]) {
    const { id, signatures } = check(one);
    assert.deepEqual(
      signatures.map((task) => known.isVerified(id, task)),
      [true],
    );
  }
});

test('a block that was proposed comes out as the very bytes that were parsed', async () => {
  const { known, wire, timeMs } = knownOf();
  const [pooled, proposed] = [wire(), wire()];
  await known.take(pooled);
  const copies = () => [pooled.slice(), proposed.slice()];
  const first = await known.verifyProposed(copies(), timeMs);
  const again = await known.verifyProposed(copies(), timeMs);
  assert.equal(first.wires[0], pooled);
  assert.deepEqual(
    again.wires.map((one, at) => one === first.wires[at]),
    [true, true],
  );
});

test('a forged signature makes a proposal unsound each time, and keeps the transaction out of the pool', async () => {
  const { known, wire, timeMs } = knownOf();
  const forged = wire();
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  for (let at = 0; at < 2; at++) assert.equal((await known.verifyProposed([forged], timeMs)).isSound, false);
  await assert.rejects(known.take(forged), { code: 'SIGNATURE_WRONG' });
  assert.equal(known.size(), 0);
  // And the other way round, while the pool's verification is under way.
  const other = wire();
  other[other.length - 1] = (other.at(-1) as number) ^ 1;
  const refused = assert.rejects(known.take(other), { code: 'SIGNATURE_WRONG' });
  assert.equal((await known.verifyProposed([other.slice()], timeMs)).isSound, false);
  await refused;
});

test('what is no transaction of this ledger makes a proposal unsound', async () => {
  const { known, wire, timeMs } = knownOf();
  assert.equal((await known.verifyProposed([wire(), signBytes(new Uint8Array(3))], timeMs)).isSound, false);
});
