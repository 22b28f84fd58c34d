import { type Signer, signTransaction } from '../chain/sign-transaction.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import type { Committed, Ledger } from './ledger.ts';

/**
 * Signs a message with this node's keys and waits until it is committed. The outcome may be a rejection: callers look
 * at `outcome.code`. Throws what `Ledger.submit` throws when it never got that far.
 */
export async function submitMessage(
  ledger: Ledger,
  nowMs: number,
  message: JsonObject & { readonly type: string },
  sender: Signer,
  approvers: readonly Signer[] = [],
): Promise<Committed> {
  // Block time may run ahead of this clock (it never goes back), and a transaction is judged by block time.
  const baseMs = Math.max(nowMs, ledger.head().timeMs);
  const wire = await signTransaction({ chain: ledger.genesisHash, message, nowMs: baseMs }, sender, approvers);
  return ledger.submit(wire);
}
