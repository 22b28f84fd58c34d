import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openHeadLog } from '../../ledger/store/head-log.ts';
import { openAppendFolder } from '../../ledger/store/node-append-folder.ts';
import type { BackupWriter } from './backup-folder.ts';
import { fileChunks } from './file-chunks.ts';
import type { BackupFile } from './manifest.ts';

/** A ledger's blocks up to a moment: files that only grow, each up to the size that it had. */
export interface LedgerCut {
  readonly sizeBytes: number;
  copy(writer: Pick<BackupWriter, 'path' | 'write'>): Promise<BackupFile[]>;
}

const BLOCKS = 'ledger/blocks';
const ATTEMPTS = 5;

/**
 * Takes note of where a ledger is, while it goes on. Blocks are its write-ahead log, and its state follows from them, so
 * nothing else is copied. Heads come first: a head that is kept names a block that is durable, and so within the sizes
 * that are looked at afterwards. A record that was being written is cut off at the next opening, as after a crash.
 */
export async function cutLedger(dataFolder: string): Promise<LedgerCut> {
  const folder = join(dataFolder, BLOCKS);
  const heads = await readHeads(folder);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9]{16}\.blocks$/.test(name)).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const segments = names.map((name, at) => ({ name, size: sizes[at] as number }));
  return {
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    async copy(writer) {
      const files: BackupFile[] = [];
      for (const { name, bytes } of heads) files.push(await writer.write(`${BLOCKS}/${name}`, [bytes]));
      for (const { name, size } of segments)
        files.push(await writer.write(`${BLOCKS}/${name}`, fileChunks(join(folder, name), size)));
      return files;
    },
  };
}

/** A file of heads is at most about a megabyte; one may be replaced by the next just then. */
async function readHeads(folder: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  for (let attempt = 1; ; attempt++) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9]{8}\.heads$/.test(name));
    try {
      return await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

/** Height of the newest signed head in a copy; 0 when there is none. */
export async function copiedHeight(folder: string): Promise<number> {
  const heads = await openHeadLog(await openAppendFolder(join(folder, BLOCKS)));
  const height = heads.latest()?.head.height ?? 0;
  await heads.close();
  return height;
}
