import type { Head } from '../../chain/block.ts';
import { canonicalBytes, type Json, parseCanonical } from '../../std/canonical-json.ts';
import { isHead } from '../store/state-rows.ts';

const FORMAT = 'aceso.ledger-export/1';
export const MANIFEST_FILE = 'manifest.json';
/** For chunks of a ledger of some terabytes. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

/** What an export holds, and what the genesis document of the ledger that goes on names as `previous`. */
export interface ExportManifest {
  readonly head: Head;
  /** Root of the state tree that the head's app hash covers, hexadecimal. */
  readonly treeRoot: string;
  /** Block time of the head, milliseconds since the epoch. */
  readonly timeMs: number;
  readonly counts: { readonly rows: number; readonly leaves: number; readonly transactions: number };
  /** SHA-256 of each chunk, hexadecimal. */
  readonly chunks: readonly string[];
}

export function manifestToBytes({ head, treeRoot, timeMs, counts, chunks }: ExportManifest): Uint8Array {
  return canonicalBytes({ format: FORMAT, head, treeRoot, timeMs, counts, chunks });
}

/** The manifest of exact bytes; undefined for any other. */
export function parseManifest(bytes: Uint8Array): ExportManifest | undefined {
  const value = parseCanonical(bytes);
  if (!isObject(value)) return undefined;
  const { format, head, treeRoot, timeMs, counts, chunks, ...rest } = value;
  const isSound =
    Object.keys(rest).length === 0 &&
    format === FORMAT &&
    head !== undefined &&
    isHead(head) &&
    isHash(treeRoot) &&
    isCount(timeMs) &&
    isObject(counts) &&
    [counts.rows, counts.leaves, counts.transactions].every(isCount) &&
    Array.isArray(chunks) &&
    chunks.every(isHash);
  return isSound ? ({ head, treeRoot, timeMs, counts, chunks } as unknown as ExportManifest) : undefined;
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && !Array.isArray(value);
}

function isHash(value: Json | undefined): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && value >= 0;
}
