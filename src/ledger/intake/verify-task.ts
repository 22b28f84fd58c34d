import { checkSignature } from '../../chain/signature.ts';
import { verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { verifyEs256Sync } from '../../crypto/node/es256.ts';
import type { BareTask } from './signature-batch.ts';

/** True when a task's signature holds, by node:crypto: the check of kernel, inline path and workers alike. */
export function verifyTask(task: BareTask): boolean {
  return checkSignature(
    { ...task, account: '', keyRecordHash: '' },
    { verifyEd25519: verifyEd25519Sync, verifyEs256: verifyEs256Sync },
  );
}
