import { verifyEd25519 } from '#crypto/platform';
import { verifyConsistency } from '../../state/log-proof.ts';
import { base64urlToBytes, bytesToHex } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { appHash } from '../app-hash.ts';
import { checkpointOrigin, checkpointText } from '../checkpoint.ts';
import { cosignatureSignBytes } from '../cosignature.ts';
import { CODES } from './codes.ts';
import { verifyCommit } from './commit.ts';
import { hashOf } from './hash.ts';
import { parseReceipt, type Receipt } from './receipt.ts';
import { type Statement, verifySubject } from './subject.ts';
import type { Trust } from './trust.ts';

const reject = rejecter(CODES);

/** What a receipt proved, and what stands behind it, for people to read. */
export interface Verdict {
  readonly statement: Statement;
  readonly head: Receipt['head'];
  /** `1 operator key`, `3 of 4 members`. */
  readonly standing: string;
  /** The keys that prove heads from this one on; those of the trust file, unless validators changed since. */
  readonly operator: Trust['operator'];
  /** Witnesses whose cosignatures verified, with the time each gave, in seconds since the epoch. */
  readonly witnesses: readonly { readonly name: string; readonly timeS: number }[];
  /** How the receipt relates to the checkpoint of the trust file; `none` where that is a genesis. */
  readonly checkpoint: 'none' | 'same' | 'extended' | 'not tied';
}

/**
 * Verifies exact bytes of a receipt offline. `content` are the bytes that a version's receipt is about, when at hand.
 * Throws a Reject of `codes.ts` at the first thing that does not hold; nothing in a receipt goes unchecked.
 */
export async function verifyReceipt(bytes: Uint8Array, trust: Trust, content?: Uint8Array): Promise<Verdict> {
  const receipt = parseReceipt(bytes);
  if (receipt === undefined) throw reject('RECEIPT_MALFORMED');
  const { head } = receipt;
  if (head.genesis !== trust.genesis) throw reject('RECEIPT_OTHER_LEDGER');
  checkAppHash(receipt);
  const { standing, operator } = await verifyCommit(receipt, trust);
  const witnesses = await verifyCosignatures(receipt, trust);
  const checkpoint = checkCheckpoint(receipt, trust);
  const statement = await verifySubject(receipt, content);
  return { statement, head, standing, operator, witnesses, checkpoint };
}

function checkAppHash({ app, head }: Receipt): void {
  const computed = appHash(hashOf(app.treeRoot), hashOf(head.logRoot), head.logSize, app.schema);
  if (bytesToHex(computed) !== head.appHash) throw reject('RECEIPT_HEAD_UNPROVEN');
}

/** Every cosignature must be by a witness that the trust file names, and none may count twice. */
async function verifyCosignatures({ head, cosignatures }: Receipt, trust: Trust): Promise<Verdict['witnesses']> {
  const text = checkpointText({
    origin: checkpointOrigin(head.genesis),
    size: head.logSize,
    root: hashOf(head.logRoot),
  });
  const seen = new Set<string>();
  const verified: { name: string; timeS: number }[] = [];
  for (const { name, timeS, signature } of cosignatures) {
    const witness = trust.witnesses.find((one) => one.name === name);
    if (witness === undefined || seen.has(name)) throw reject('RECEIPT_KEY_UNKNOWN', { witness: name });
    seen.add(name);
    const signed = cosignatureSignBytes(text, timeS);
    if (!(await verifyEd25519(hashOf(witness.publicKey), signed, base64urlToBytes(signature) ?? new Uint8Array()))) {
      throw reject('RECEIPT_SIGNATURE_WRONG', { witness: name });
    }
    verified.push({ name, timeS });
  }
  return verified;
}

/**
 * Holds the receipt against the checkpoint. The same size must have the same root, and a higher head no shorter log; a
 * consistency proof that starts at the checkpoint must start at its root. A receipt that says nothing of the checkpoint is `not tied` to it: the keys
 * of the trust file still had to sign it.
 */
function checkCheckpoint(receipt: Receipt, trust: Trust): Verdict['checkpoint'] {
  const { head, extends: earlier } = receipt;
  if (earlier !== undefined) {
    const path = earlier.path.map(hashOf);
    const holds = verifyConsistency(earlier.logSize, hashOf(earlier.logRoot), head.logSize, hashOf(head.logRoot), path);
    if (!holds) throw reject('RECEIPT_HEAD_UNPROVEN');
  }
  const held = trust.head;
  if (held === undefined) return 'none';
  const meets = [head, earlier].find((log) => log?.logSize === held.logSize);
  if (meets !== undefined && meets.logRoot !== held.logRoot) throw reject('RECEIPT_CHECKPOINT_CONTRADICTED');
  const [above, longer] = [Math.sign(head.height - held.height), Math.sign(head.logSize - held.logSize)];
  const contradicts = above === 0 ? head.appHash !== held.appHash : above * longer < 0;
  if (contradicts) throw reject('RECEIPT_CHECKPOINT_CONTRADICTED');
  if (meets === undefined) return 'not tied';
  return meets === head ? 'same' : 'extended';
}
