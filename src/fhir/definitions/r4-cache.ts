import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a compact form of R4's publications is kept, built once in an installation. */
export function r4CacheFile(name: string): string {
  return fileURLToPath(new URL(`../../../node_modules/.cache/aceso/${name}`, import.meta.url));
}

/**
 * Writes a cache file to one beside it, then renames that, so that a crash leaves the old file or none. Throws what the
 * file system says.
 */
export function writeCache(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}

/** The same, where an installation that cannot be written to is no fault: its next start builds the content again. */
export function tryWriteCache(file: string, content: string | Uint8Array): void {
  try {
    writeCache(file, content);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}
