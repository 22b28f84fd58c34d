import { canonicalBytes, type Json } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from './codes.ts';
import { CHECKPOINT_FORMAT, type Trust } from './trust.ts';
import type { Verdict } from './verify.ts';

const reject = rejecter(CODES);

/**
 * Exact bytes of the checkpoint that a verified receipt makes: its head, the keys that prove heads from there on, and
 * the witnesses of the trust file it was verified against. A reader who keeps it no longer rests on keys that were
 * retired before it. Throws Reject RECEIPT_BEFORE_CHECKPOINT when the trust file is of a later head, and
 * RECEIPT_NOT_TIED when a single operator signed a head that is not proved to go on from the held one: that step would
 * drop the evidence of a rewritten ledger. Where members signed, their consensus ties the heads.
 */
export function nextCheckpoint({ head, operator, checkpoint }: Verdict, trust: Trust): Uint8Array {
  if (trust.head !== undefined && head.height < trust.head.height)
    throw reject('RECEIPT_BEFORE_CHECKPOINT', { height: head.height, checkpoint: trust.head.height });
  if (checkpoint === 'not tied' && operator.kind !== 'cometbft') throw reject('RECEIPT_NOT_TIED');
  return canonicalBytes({ format: CHECKPOINT_FORMAT, head, operator, witnesses: trust.witnesses } as Json);
}
