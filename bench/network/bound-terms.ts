import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { join } from 'node:path';
import { openCommittedChain } from '../../src/ledger/store/committed-chain.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { notesKernel, silentLog } from '../../test/support/test-ledger.ts';
import type { NetworkPlan } from './four-validators.ts';
import { signStock } from './signed-stock.ts';

/** Blocks that are executed before the clock starts, so that the code is compiled. */
const WARM_BLOCKS = 4;
const WARM_TRANSACTIONS = 6_000;
const VERIFICATIONS = 15_000;

/** Processor seconds of this thread, so that what else runs on the machine meanwhile is not counted. */
function threadSeconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1e6;
}

/** Seconds for one Ed25519 verification by node:crypto on one core, of a message as long as ours. */
export function verifySeconds(messageBytes: number): number {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const message = Buffer.alloc(messageBytes, 1);
  const signature = sign(null, message, privateKey);
  const key = createPublicKey(publicKey.export({ format: 'pem', type: 'spki' }));
  const check = (): boolean => verify(null, message, key, signature);
  for (let at = 0; at < VERIFICATIONS / 10; at++) check();
  const start = threadSeconds();
  for (let at = 0; at < VERIFICATIONS; at++) check();
  return (threadSeconds() - start) / VERIFICATIONS;
}

/**
 * Seconds for one of our transactions in `kernel.execute`, on one core: blocks of `perBlock` that nobody parsed before, on
 * the real chain with its LMDB, signatures taken as verified. Making the block durable is not counted.
 */
export async function executeSeconds(plan: NetworkPlan, perBlock: number): Promise<number> {
  const genesis = plan.genesis as unknown as JsonObject;
  const kernel = notesKernel(genesis);
  const chain = await openCommittedChain({ folder: join(plan.folder, 'execute'), kernel, log: silentLog });
  const warm = Math.max(WARM_BLOCKS, Math.ceil(WARM_TRANSACTIONS / perBlock));
  const measured = Math.max(5, Math.ceil(5_000 / perBlock));
  const stock = signStock(plan, 0, (warm + measured) * perBlock);
  const startMs = Date.now();
  let seconds = 0;
  try {
    for (let at = 0; at < warm + measured; at++) {
      const transactions = Array.from({ length: perBlock }, () => stock.next() as Uint8Array);
      const block = { height: at + 1, timeMs: startMs + at * 500, transactions, misbehaviour: [] };
      const snapshot = chain.snapshot();
      const start = threadSeconds();
      const executed = kernel.execute(snapshot, block, () => true);
      if (at >= warm) seconds += threadSeconds() - start;
      snapshot.release();
      if (executed.outcomes.some(({ code }) => code !== 'OK')) throw new Error('a transaction was refused');
      await chain.commit(block, executed, '');
    }
  } finally {
    await chain.close();
  }
  return seconds / (measured * perBlock);
}
