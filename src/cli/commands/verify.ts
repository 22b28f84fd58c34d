import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nextCheckpoint } from '../../chain/receipt/checkpoint-file.ts';
import { parseTrust, type Trust } from '../../chain/receipt/trust.ts';
import { verdictLines } from '../../chain/receipt/verdict-text.ts';
import { type Verdict, verifyReceipt } from '../../chain/receipt/verify.ts';
import { utf8 } from '../../std/bytes.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { pathOf, readNamedFile, readNamedFolder, writeNamedFile } from '../files.ts';

const reject = rejecter(CODES);

/** `aceso verify`: checks receipts offline. Needs no node, no network and no data folder. */
export const verifyCommand: Command = {
  name: 'verify',
  usage: `RECEIPT… --trust FILE [--content FILE] [--checkpoint FILE] [--quiet]  |  --page FILE

  RECEIPT       a receipt, or a folder of them (*.receipt.json)
  --trust       genesis.json of the ledger, or a later checkpoint
  --content     the exact bytes a version receipt is about
  --checkpoint  when all is verified, write the newest head and its keys there, to be the trust file from now on:
                keys that are retired by then can no longer forge anything for you
  --quiet       only what is refused, and the sum
  --page        write the verify page: one file that checks receipts in a browser, without any server`,
  summary: 'Check receipts offline against a genesis or checkpoint',
  options: {
    trust: { type: 'string' },
    content: { type: 'string' },
    checkpoint: { type: 'string' },
    quiet: { type: 'boolean' },
    page: { type: 'string' },
  },
  maxArguments: 10_000,
  async run(context, { trust: trustPath, content: contentPath, checkpoint, quiet, page }, paths) {
    if (typeof page === 'string') return writePage(context, page);
    if (typeof trustPath !== 'string' || paths.length === 0)
      throw reject('ARGUMENTS_WRONG', { problem: 'receipts and --trust FILE are needed' });
    const trust = parseTrust(await readNamedFile(context, trustPath));
    const content = typeof contentPath === 'string' ? await readNamedFile(context, contentPath) : undefined;
    const receipts = await receiptPaths(context, paths);
    const { failed, newest } = await verifyAll(context, { receipts, trust, content, quiet: quiet === true });
    context.print(`${receipts.length - failed} of ${receipts.length} receipts verified`);
    if (failed > 0 || newest === undefined) throw reject('RECEIPTS_UNVERIFIED', { failed });
    if (typeof checkpoint === 'string') await keepCheckpoint(context, checkpoint, newest, trust);
  },
};

async function writePage(context: CliContext, path: string): Promise<void> {
  await writeNamedFile(context, path, utf8(await context.nodes.verifyPage()));
  context.print(`${path}: open it in a browser, and drop receipts and genesis.json on it`);
}

/** Folders stand for the receipts in them. */
async function receiptPaths(context: CliContext, paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const absolute = pathOf(context, path);
    const isFolder = await stat(absolute).then(
      (entry) => entry.isDirectory(),
      () => false,
    );
    if (!isFolder) found.push(path);
    else
      for (const name of await readNamedFolder(context, path))
        if (name.endsWith('.receipt.json')) found.push(join(path, name));
  }
  return found;
}

interface Task {
  readonly receipts: readonly string[];
  readonly trust: Trust;
  readonly content: Uint8Array | undefined;
  readonly quiet: boolean;
}

/** Verifies each, says each one's verdict or why it is refused; resolves to how many were, and to that of the newest head. */
async function verifyAll(
  context: CliContext,
  { receipts, trust, content, quiet }: Task,
): Promise<{ readonly failed: number; readonly newest: Verified | undefined }> {
  const progress = receipts.length > 20 ? context.progress('verifying') : undefined;
  let failed = 0;
  let newest: Verified | undefined;
  for (const [at, path] of receipts.entries()) {
    try {
      const bytes = await readNamedFile(context, path);
      const verdict = await verifyReceipt(bytes, trust, content);
      if (newest === undefined || isBetterBasis(verdict, newest.verdict)) newest = { bytes, verdict };
      if (!quiet) context.print([`${path}: verified`, ...verdictLines(verdict).map((line) => `  ${line}`)].join('\n'));
    } catch (error) {
      if (!isReject(error)) throw error;
      failed++;
      context.print(`${path}: REFUSED ${error.message}`);
    }
    progress?.update(at + 1, receipts.length);
  }
  progress?.stop();
  return { failed, newest };
}

/** A higher head; of one head, the receipt that ties it to the held checkpoint. */
function isBetterBasis(one: Verdict, other: Verdict): boolean {
  if (one.head.height !== other.head.height) return one.head.height > other.head.height;
  return other.checkpoint === 'not tied' && one.checkpoint !== 'not tied';
}

/** Exact bytes of a receipt and what it proved. */
interface Verified {
  readonly bytes: Uint8Array;
  readonly verdict: Verdict;
}

/**
 * Writes the checkpoint of a verified receipt. One that is there already is replaced only by a newer one that verifies
 * under it: else a history that retired keys forged, and that a genesis cannot tell from the true one, would take its
 * place. A crash leaves the old file or the new one. Throws Reject FILE_EXISTS for a file that is no checkpoint, and
 * what the receipt is refused with.
 */
async function keepCheckpoint(
  context: CliContext,
  path: string,
  { bytes, verdict }: Verified,
  trust: Trust,
): Promise<void> {
  const held = await heldCheckpoint(context, path);
  const checkpoint =
    held === undefined ? nextCheckpoint(verdict, trust) : nextCheckpoint(await verifyReceipt(bytes, held), held);
  const temporary = `${path}.new`;
  await writeNamedFile(context, temporary, checkpoint);
  await rename(pathOf(context, temporary), pathOf(context, path));
  context.print(`${path}: checkpoint at height ${verdict.head.height}, to be the trust file from now on`);
}

async function heldCheckpoint(context: CliContext, path: string): Promise<Trust | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readNamedFile(context, path);
  } catch (error) {
    if (isReject(error) && error.data.reason === 'ENOENT') return undefined;
    throw error;
  }
  const held = parseTrust(bytes);
  if (held.head === undefined) throw reject('FILE_EXISTS');
  return held;
}
