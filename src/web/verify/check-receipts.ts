import type { Trust } from '../../chain/receipt/trust.ts';
import { type Verdict, verifyReceipt } from '../../chain/receipt/verify.ts';
import { isReject, type Reject } from '../../std/reject.ts';
import type { GivenFile } from './given-file.ts';

/** What came of one receipt. */
export type Checked =
  | {
      readonly name: string;
      readonly verdict: Verdict;
      /** Whether the given content is the one that a version's receipt is about. */
      readonly content: 'matches' | 'differs' | 'not given';
    }
  | { readonly name: string; readonly refused: Pick<Reject, 'code' | 'message'> };

/** Checks receipts one after the other and tells of each; stops when `isWanted` says that nobody waits any more. */
export async function checkReceipts(
  receipts: readonly GivenFile[],
  against: { readonly trust: Trust; readonly content: GivenFile | undefined },
  on: { isWanted(): boolean; checked(result: Checked): Promise<void> | void },
): Promise<void> {
  for (const receipt of receipts) {
    const result = await checkReceipt(receipt, against);
    if (!on.isWanted()) return;
    await on.checked(result);
  }
}

async function checkReceipt(
  { name, bytes }: GivenFile,
  { trust, content }: { readonly trust: Trust; readonly content: GivenFile | undefined },
): Promise<Checked> {
  try {
    const verdict = await verifyReceipt(bytes, trust);
    const { statement } = verdict;
    const isVersion = statement.kind === 'journal' && statement.entry.kind === 'version';
    if (content === undefined || !isVersion) return { name, verdict, content: 'not given' };
    return { name, verdict, content: (await isContentOf(bytes, trust, content)) ? 'matches' : 'differs' };
  } catch (error) {
    if (!isReject(error)) throw error;
    return { name, refused: error };
  }
}

async function isContentOf(receipt: Uint8Array, trust: Trust, content: GivenFile): Promise<boolean> {
  try {
    await verifyReceipt(receipt, trust, content.bytes);
    return true;
  } catch (error) {
    if (isReject(error) && error.code === 'RECEIPT_CONTENT_DIFFERS') return false;
    throw error;
  }
}
