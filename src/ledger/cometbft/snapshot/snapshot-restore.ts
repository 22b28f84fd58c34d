import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ResponseApplySnapshotChunk_Result as Applied,
  ResponseOfferSnapshot_Result as Offered,
} from 'cosmjs-types/tendermint/abci/types';
import { sha256 } from '#crypto/platform';
import type { Head } from '../../../chain/block.ts';
import { bytesToHex, equalBytes } from '../../../std/bytes.ts';
import { isReject, rejecter } from '../../../std/reject.ts';
import { CODES } from '../../codes.ts';
import { type ChunkFolder, emptyChunkFolder } from '../../store/chunk-folder.ts';
import type { ChainLog, CommittedChain } from '../../store/committed-chain.ts';
import { chunkSource, headOfChunk, MAX_CHUNK_BYTES } from '../../store/state-chunks.ts';
import { unproven } from '../../store/state-rows.ts';
import type { AbciApplication } from '../abci/application.ts';
import { parseMetadata, SNAPSHOT_FORMAT, type SnapshotMetadata, snapshotHash } from './snapshot-metadata.ts';

const reject = rejecter(CODES);

export interface SnapshotRestoreOptions {
  readonly chain: Pick<CommittedChain, 'folder' | 'head' | 'baseHeight' | 'restore'>;
  readonly log: ChainLog;
  /** Called when the chain has another state, before the engine is answered. */
  readonly onRestored?: () => void;
}

export interface SnapshotRestore {
  /** What the engine asks for while it looks for a state to begin with (statesync/syncer.go). */
  readonly calls: Pick<AbciApplication, 'offerSnapshot' | 'applySnapshotChunk'>;
}

/** The snapshot that was accepted last. */
interface Underway {
  readonly metadata: SnapshotMetadata;
  /** The one that the engine's light client has verified, hexadecimal. */
  readonly appHash: string;
  readonly folder: ChunkFolder;
  readonly received: Set<number>;
  readonly senders: Set<string>;
}

/**
 * Takes a snapshot of other members: its chunks are put by, each with the hash that the metadata names, and when all are
 * there the chain is restored from them. Nothing is believed but the app hash of the engine's light client. A fault of
 * this node's own disk is thrown, and the engine stops; a fault of the snapshot is answered, and it tries another.
 */
export function createSnapshotRestore({ chain, log, onRestored = () => {} }: SnapshotRestoreOptions): SnapshotRestore {
  const path = join(chain.folder, 'restoring');
  let underway: Underway | undefined;
  // What a stop in the middle has left.
  const cleaned = rm(path, { recursive: true, force: true }).catch((error) =>
    log.warn({ error: String(error) }, 'the rest of a broken-off snapshot stays'),
  );

  async function end(): Promise<void> {
    underway = undefined;
    await rm(path, { recursive: true, force: true });
  }

  /** Everybody who served this one said that these chunks are the state: they follow from its metadata. */
  async function refuse({ metadata, senders }: Underway, error: unknown) {
    log.warn({ height: metadata.height, error: String(error) }, 'refused a snapshot');
    await end();
    return { result: Applied.REJECT_SNAPSHOT, rejectSenders: [...senders] };
  }

  function judge({ metadata, appHash }: Underway, head: Head): void {
    if (head.height !== metadata.height || head.appHash !== appHash) throw unproven('head');
  }

  async function restore(of: Underway): Promise<void> {
    await chain.restore(
      chunkSource({
        chunks: of.metadata.chunks.length,
        async read(index) {
          const bytes = await of.folder.read(index);
          if (bytes === undefined) throw new Error(`chunk ${index} is gone from ${path}`);
          return bytes;
        },
        judge: (head) => judge(of, head),
        entries: 'window',
        // The log may be older than the ledger that goes on with it.
        notBeforeMs: chain.head().timeMs,
      }),
    );
  }

  return {
    calls: {
      async offerSnapshot({ snapshot, appHash }) {
        if (snapshot === undefined || appHash.length !== 32) throw reject('LEDGER_ENGINE_REQUEST_WRONG');
        await cleaned;
        await end();
        if (snapshot.format !== SNAPSHOT_FORMAT) return { result: Offered.REJECT_FORMAT };
        const metadata = equalBytes(snapshotHash(snapshot.metadata), snapshot.hash)
          ? parseMetadata(snapshot.metadata)
          : undefined;
        const isSound =
          metadata !== undefined &&
          BigInt(metadata.height) === snapshot.height &&
          metadata.chunks.length === snapshot.chunks;
        if (!isSound) return { result: Offered.REJECT_SENDER };
        const { height } = chain.head();
        // Blocks were committed here: the engine must go on from them, and has lost what it knew.
        if (height !== chain.baseHeight()) return { result: Offered.ABORT };
        // The same height again: the engine stopped before it had noted that it was there.
        if (metadata.height < height) return { result: Offered.REJECT };
        underway = {
          metadata,
          appHash: bytesToHex(appHash),
          folder: await emptyChunkFolder(path),
          received: new Set(),
          senders: new Set(),
        };
        log.info({ height: metadata.height, chunks: snapshot.chunks }, 'takes a snapshot of other members');
        return { result: Offered.ACCEPT };
      },
      async applySnapshotChunk({ index, chunk, sender }) {
        const of = underway;
        const expected = of?.metadata.chunks[index];
        if (of === undefined || expected === undefined) throw reject('LEDGER_ENGINE_REQUEST_WRONG');
        if (chunk.length > MAX_CHUNK_BYTES || bytesToHex(sha256(chunk)) !== expected) {
          log.warn({ index, sender }, 'a member sent a chunk that is not the one of the snapshot');
          return { result: Applied.RETRY, refetchChunks: [index], rejectSenders: sender === '' ? [] : [sender] };
        }
        if (sender !== '') of.senders.add(sender);
        try {
          // The rest is in vain when the head is another.
          if (index === 0) judge(of, headOfChunk(chunk));
          await of.folder.write(index, chunk);
          of.received.add(index);
          if (of.received.size < of.metadata.chunks.length) return { result: Applied.ACCEPT };
          await restore(of);
        } catch (error) {
          if (isReject(error) && FAULTS.has(error.code)) return refuse(of, error);
          throw error;
        }
        await end();
        onRestored();
        return { result: Applied.ACCEPT };
      },
    },
  };
}

/** What is wrong with the snapshot, and not with this node. */
const FAULTS: ReadonlySet<string> = new Set<keyof typeof CODES>(['LEDGER_STATE_UNPROVEN', 'LEDGER_OTHER_GENESIS']);
