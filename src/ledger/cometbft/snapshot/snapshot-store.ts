import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '#crypto/platform';
import { bytesToHex } from '../../../std/bytes.ts';
import {
  type ChunkFolder,
  chunkFolder,
  emptyChunkFolder,
  readBoundedFile,
  renameFolder,
  writeSynced,
} from '../../store/chunk-folder.ts';
import type { ChainLog, CommittedChain } from '../../store/committed-chain.ts';
import { type EntryReads, readEntries, windowStart } from '../../store/log-entries.ts';
import { cutChunks } from '../../store/state-chunks.ts';
import { stateRows } from '../../store/state-rows.ts';
import type { Snapshot } from '../../store/state-store.ts';
import type { AbciApplication } from '../abci/application.ts';
import {
  metadataToBytes,
  parseMetadata,
  SNAPSHOT_FORMAT,
  type SnapshotMetadata,
  snapshotHash,
} from './snapshot-metadata.ts';

export interface SnapshotStoreOptions {
  /** Holds one folder for each snapshot; made when it is not there. */
  readonly folder: string;
  readonly chain: EntryReads & Pick<CommittedChain, 'head' | 'snapshot'>;
  readonly log: ChainLog;
  /** How many are kept; one more lies there while it is made. */
  readonly keep: number;
  /** One is taken at heights that are multiples of this, the same on every member. */
  readonly everyBlocks: number;
}

export interface SnapshotStore {
  /** To be called right after the commit of a height, before the next block. Returns at once. */
  onCommit(height: number): void;
  /** What the engine asks for. */
  readonly calls: Pick<AbciApplication, 'listSnapshots' | 'loadSnapshotChunk'>;
  /** Resolves when none is being made. */
  idle(): Promise<void>;
  /** Breaks off what is being made. To be called before the chain is closed. */
  close(): Promise<void>;
}

interface Kept {
  readonly metadata: SnapshotMetadata;
  readonly bytes: Uint8Array;
  readonly folder: ChunkFolder;
}

const METADATA_FILE = 'metadata.json';
const KEPT_NAME = /^[0-9]{16}$/;
const MAKING = 'making';
const MAX_METADATA_FILE_BYTES = 4_000_000;

/**
 * The snapshots of a node, for members that join. One at a time is made, beside the work: from the state as it was at
 * its height, in slices of a few milliseconds. What goes wrong with one is logged and never the node's fault: it is of
 * use to others only.
 */
export function createSnapshotStore(options: SnapshotStoreOptions): SnapshotStore {
  const { folder, chain, log, keep, everyBlocks } = options;
  let kept: readonly Kept[] = [];
  let making: Promise<void> | undefined;
  let closing = false;
  const ready = readKept().catch((error) => log.error({ error: String(error) }, 'the snapshots cannot be read'));

  /** Finds what is whole, the newest first, and removes the rest: what a stop has left half-made, or a disk damaged. */
  async function readKept(): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const found: Kept[] = [];
    for (const name of (await readdir(folder)).sort().reverse()) {
      const one = KEPT_NAME.test(name) ? await readOne(join(folder, name)) : undefined;
      if (one !== undefined) found.push(one);
      else if (KEPT_NAME.test(name) || name === MAKING) await rm(join(folder, name), { recursive: true, force: true });
    }
    kept = found;
  }

  async function readOne(path: string): Promise<Kept | undefined> {
    const bytes = await readBoundedFile(join(path, METADATA_FILE), MAX_METADATA_FILE_BYTES);
    const metadata = bytes === undefined ? undefined : parseMetadata(bytes);
    return bytes === undefined || metadata === undefined ? undefined : { metadata, bytes, folder: chunkFolder(path) };
  }

  async function take(height: number, logSize: number, state: Snapshot): Promise<void> {
    await ready;
    const first = windowStart(chain, logSize);
    if (first === undefined) throw new Error('this node lacks entries of the last ten minutes');
    const target = await emptyChunkFolder(join(folder, MAKING));
    const hashes: string[] = [];
    for await (const chunk of cutChunks(stateRows(state), first, readEntries(chain, first, logSize))) {
      if (closing) return;
      hashes.push(bytesToHex(sha256(chunk)));
      await target.write(hashes.length - 1, chunk);
    }
    const bytes = metadataToBytes({ height, chunks: hashes });
    await writeSynced(join(target.path, METADATA_FILE), bytes);
    const path = join(folder, String(height).padStart(16, '0'));
    await rm(path, { recursive: true, force: true });
    await renameFolder(target.path, path);
    const all = [
      { metadata: { height, chunks: hashes }, bytes, folder: chunkFolder(path) },
      ...kept.filter(({ metadata }) => metadata.height !== height),
    ].sort((a, b) => b.metadata.height - a.metadata.height);
    kept = all.slice(0, keep);
    // A member in the middle of an old one is told that its chunks are gone, and takes the next.
    for (const { folder: old } of all.slice(keep)) await rm(old.path, { recursive: true, force: true });
    log.info({ height, chunks: hashes.length }, 'made a snapshot for members that join');
  }

  return {
    onCommit(height) {
      if (height % everyBlocks !== 0 || making !== undefined || closing) return;
      const { height: committed, logSize } = chain.head();
      if (committed !== height) throw new Error(`a snapshot of ${height} is taken at ${height}, not at ${committed}`);
      const state = chain.snapshot();
      making = take(height, logSize, state)
        .catch(async (error) => {
          log.warn({ height, error: String(error) }, 'no snapshot was made');
          // On a full disk this is what others wait for; the next start tries once more.
          await rm(join(folder, MAKING), { recursive: true, force: true }).catch(() => {});
        })
        .finally(() => {
          state.release();
          making = undefined;
        });
    },
    calls: {
      async listSnapshots() {
        await ready;
        const snapshots = kept.map(({ metadata, bytes }) => ({
          height: BigInt(metadata.height),
          format: SNAPSHOT_FORMAT,
          chunks: metadata.chunks.length,
          hash: snapshotHash(bytes),
          metadata: bytes,
        }));
        return { snapshots };
      },
      /** No bytes: the engine tells who asked that the chunk is missing (statesync/reactor.go). */
      async loadSnapshotChunk({ height, format, chunk }) {
        await ready;
        const one =
          format === SNAPSHOT_FORMAT ? kept.find(({ metadata }) => BigInt(metadata.height) === height) : undefined;
        if (one === undefined || chunk >= one.metadata.chunks.length) return {};
        const bytes = await one.folder.read(chunk);
        return bytes === undefined ? {} : { chunk: bytes };
      },
    },
    idle: async () => void (await making),
    async close() {
      closing = true;
      await making;
      await ready;
    },
  };
}
