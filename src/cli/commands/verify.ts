import { stat } from 'node:fs/promises';
import { join } from 'node:path';
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
  usage: `RECEIPT… --trust FILE [--content FILE] [--quiet]  |  --page FILE

  RECEIPT    a receipt, or a folder of them (*.receipt.json)
  --trust    genesis.json of the ledger, or a later checkpoint
  --content  the exact bytes a version receipt is about
  --quiet    only what is refused, and the sum
  --page     write the verify page: one file that checks receipts in a browser, without any server`,
  summary: 'Check receipts offline against a genesis or checkpoint',
  options: {
    trust: { type: 'string' },
    content: { type: 'string' },
    quiet: { type: 'boolean' },
    page: { type: 'string' },
  },
  maxArguments: 10_000,
  async run(context, { trust: trustPath, content: contentPath, quiet, page }, paths) {
    if (typeof page === 'string') return writePage(context, page);
    if (typeof trustPath !== 'string' || paths.length === 0)
      throw reject('ARGUMENTS_WRONG', { problem: 'receipts and --trust FILE are needed' });
    const trust = parseTrust(await readNamedFile(context, trustPath));
    const content = typeof contentPath === 'string' ? await readNamedFile(context, contentPath) : undefined;
    const receipts = await receiptPaths(context, paths);
    const failed = await verifyAll(context, { receipts, trust, content, quiet: quiet === true });
    context.print(`${receipts.length - failed} of ${receipts.length} receipts verified`);
    if (failed > 0 || receipts.length === 0) throw reject('RECEIPTS_UNVERIFIED', { failed });
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

/** Verifies each, says each one's verdict or why it is refused; resolves to how many were. */
async function verifyAll(context: CliContext, { receipts, trust, content, quiet }: Task): Promise<number> {
  const progress = receipts.length > 20 ? context.progress('verifying') : undefined;
  let failed = 0;
  for (const [at, path] of receipts.entries()) {
    try {
      const verdict: Verdict = await verifyReceipt(await readNamedFile(context, path), trust, content);
      if (!quiet) context.print([`${path}: verified`, ...verdictLines(verdict).map((line) => `  ${line}`)].join('\n'));
    } catch (error) {
      if (!isReject(error)) throw error;
      failed++;
      context.print(`${path}: REFUSED ${error.message}`);
    }
    progress?.update(at + 1, receipts.length);
  }
  progress?.stop();
  return failed;
}
