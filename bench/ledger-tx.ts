import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { rmSync } from 'node:fs';
import { notesGenesis, noteWire, openNotesLedger, temporaryFolder } from '../test/support/test-ledger.ts';
import { testSigner } from '../test/support/test-signer.ts';
import type { BenchResult } from './result.ts';

const TRANSACTIONS = 30_000;
const ACCOUNTS = 500;
/** Transactions that clients together have under way. */
const UNDER_WAY = 4_000;
const TEXT_BYTES = 40;

/**
 * `ledger.tx`: durable signed transactions per second of the embedded ledger, small ones from many accounts, each
 * counted when its outcome was returned, beside the Ed25519 verifications per second of one core.
 */
export async function benchLedgerTx(): Promise<BenchResult[]> {
  const labels = Array.from({ length: ACCOUNTS }, (_, i) => `bench ${i}`);
  const signers = labels.map((label) => testSigner(label));
  const genesis = notesGenesis(labels);
  const folder = temporaryFolder('bench');
  const ledger = await openNotesLedger(folder, genesis, { threads: 2 });
  try {
    const notAfterMs = Date.now() + 9 * 60_000;
    const text = 'x'.repeat(TEXT_BYTES);
    const wires = Array.from({ length: TRANSACTIONS + UNDER_WAY }, (_, i) =>
      noteWire(
        ledger.genesisHash,
        signers[i % ACCOUNTS] as never,
        { type: 'note.put', name: `n${i % 10_000}`, text },
        notAfterMs,
      ),
    );
    const bound = verificationsPerSecond();
    // Workers start, code gets compiled.
    await Promise.all(wires.splice(0, UNDER_WAY).map((wire) => ledger.submit(wire)));
    const startMs = performance.now();
    const firstHeight = ledger.head().height;
    let next = 0;
    await Promise.all(
      Array.from({ length: UNDER_WAY }, async () => {
        while (next < wires.length) {
          const { outcome } = await ledger.submit(wires[next++] as Uint8Array);
          if (outcome.code !== 'OK') throw new Error(`outcome ${outcome.code}`);
        }
      }),
    );
    const seconds = (performance.now() - startMs) / 1000;
    const value = Math.round(TRANSACTIONS / seconds);
    const blocks = ledger.head().height - firstHeight;
    return [
      { name: 'ledger.tx', value, unit: '1/s', bound, ratio: round(value / bound) },
      {
        name: 'ledger.tx.per-block',
        value: Math.round(TRANSACTIONS / blocks),
        unit: 'transactions',
        bound: null,
        ratio: null,
      },
      { name: 'ledger.tx.bytes', value: (wires[0] as Uint8Array).length, unit: 'bytes', bound: null, ratio: null },
    ];
  } finally {
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ed25519 verifications per second of one core, of a message as long as the transactions. */
function verificationsPerSecond(): number {
  const { privateKey } = generateKeyPairSync('ed25519');
  const publicKey = createPublicKey(privateKey);
  const message = Buffer.alloc(300, 1);
  const signature = sign(null, message, privateKey);
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < 1_000; count++) verify(null, message, publicKey, signature);
  return Math.round((count * 1000) / (performance.now() - startMs));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

if (import.meta.main) for (const result of await benchLedgerTx()) console.log(JSON.stringify(result));
