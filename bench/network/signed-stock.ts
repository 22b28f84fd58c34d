import { buildBody, encodeTransaction, signBytes } from '../../src/chain/transaction.ts';
import { chainOf, membersOf, type NetworkPlan } from './four-validators.ts';

/** Notes of a member: they are written again and again, so that the state does not grow with the load. */
const NOTES = 100;

/** Signed transactions in one piece of memory, so that those which wait cost the collector nothing. */
export interface SignedStock {
  /** Bytes of each. */
  readonly wireBytes: number;
  /** The next, or undefined when there is none left. */
  next(): Uint8Array | undefined;
}

/**
 * `count` transactions of the members at validator `at`, each member's in turn. All have the same length, the least that
 * the format allows but for a few bytes of the note's name.
 */
export function signStock(plan: NetworkPlan, at: number, count: number): SignedStock {
  const signers = membersOf(at);
  const chain = chainOf(plan);
  const notAfterMs = Date.now() + 9 * 60_000;
  const sign = (index: number): Uint8Array => {
    const signer = signers[index % signers.length] as (typeof signers)[number];
    const note = Math.floor(index / signers.length) % NOTES;
    const body = buildBody({
      chain,
      nonce: (BigInt(at + 1) * 2n ** 64n + BigInt(index)).toString(16).padStart(32, '0'),
      notAfterMs,
      signers: [{ account: signer.account, key: signer.keyId, role: 'sender' }],
      message: { type: 'note.put', name: `n${String(note).padStart(2, '0')}`, text: '' },
    });
    return encodeTransaction(body, [signer.sign(signBytes(body))]);
  };
  const wireBytes = sign(0).length;
  const memory = new Uint8Array(wireBytes * count);
  for (let index = 0; index < count; index++) memory.set(sign(index), index * wireBytes);
  let taken = 0;
  return {
    wireBytes,
    next() {
      if (taken === count) return undefined;
      const start = taken++ * wireBytes;
      return memory.slice(start, start + wireBytes);
    },
  };
}
