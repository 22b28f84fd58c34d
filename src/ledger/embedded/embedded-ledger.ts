import type { Block } from '../../chain/block.ts';
import { reject as rejectTransaction } from '../../chain/codes.ts';
import type { Executed } from '../../chain/kernel-api.ts';
import { ed25519PublicKey } from '../../crypto/node/ed25519.ts';
import { bytesToHex } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { isReject, type Reject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import { type BlockLimits, createMempool, type MempoolLimits, type PooledTransaction } from '../intake/mempool.ts';
import { createSignaturePool } from '../intake/signature-pool.ts';
import type { Commit, Committed, Ledger, LedgerHealth } from '../ledger.ts';
import { collectSignedBlocks, type SignedBlockSource } from '../signed-blocks.ts';
import type { CutTail } from '../store/block-log.ts';
import { type ChainLog, type CommittedChainOptions, openCommittedChain } from '../store/committed-chain.ts';
import { ledgerReads } from '../store/ledger-reads.ts';
import { createCosigner } from '../witness/cosigner.ts';
import type { WitnessClient } from '../witness/witness-client.ts';
import { type ClockFault, createBlockClock } from './block-clock.ts';
import { createHeadSigner } from './head-signer.ts';
import { createIntake } from './intake.ts';

const reject = rejecter(CODES);

const DEFAULT_BLOCK_LIMITS: BlockLimits = { transactions: 1_000, bytes: 4 * 1024 * 1024 };
/** A small block waits this long for signatures that are being verified: one fsync for many instead of for one. */
const GATHER_MS = 2;
const GATHER_BELOW = 128;
/** How long after a full disk a transaction is let through to try again. */
const FULL_DISK_RETRY_MS = 1_000;

export interface EmbeddedLedgerOptions extends Omit<CommittedChainOptions, 'log'> {
  readonly genesis: JsonObject;
  /** Seed of the Ed25519 key that genesis names as its operator's. */
  readonly operatorKey: { readonly seed: Uint8Array };
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Milliseconds that only go forward; by default `performance.now`. */
  readonly monotonic?: () => number;
  readonly log: ChainLog;
  /** Worker threads that verify signatures; 0 verifies on the main thread. */
  readonly threads?: number;
  readonly blockLimits?: BlockLimits;
  readonly mempoolLimits?: MempoolLimits;
  readonly witnesses?: readonly WitnessClient[];
}

export interface EmbeddedLedger extends Ledger, SignedBlockSource {
  /** The operator says that the clock is right; blocks go on. */
  confirmClock(): void;
  /** The unfinished last block that the last start cut off. */
  readonly cut: CutTail | undefined;
}

/**
 * The ledger in one process, under one operator's key. A transaction goes: `kernel.check` → mempool place → signatures
 * in a worker → block → executed → block log, fsync → state in memory → outcome returned → head signed, its signature
 * durable. A block is executed before it is written, so that one which would halt the node never gets into the log.
 * Throws what `openCommittedChain` throws, and LEDGER_OPERATOR_KEY_WRONG.
 */
export async function createEmbeddedLedger(options: EmbeddedLedgerOptions): Promise<EmbeddedLedger> {
  const { kernel, genesis, operatorKey, clock, log, witnesses = [] } = options;
  const monotonic = options.monotonic ?? (() => performance.now());
  const publicKey = bytesToHex(ed25519PublicKey(operatorKey.seed));
  const operator = genesis.operator as JsonObject | undefined;
  if (operator?.kind !== 'embedded' || operator.publicKey !== publicKey) throw reject('LEDGER_OPERATOR_KEY_WRONG');

  const chain = await openCommittedChain(options);
  const blockLimits = options.blockLimits ?? DEFAULT_BLOCK_LIMITS;
  const blockClock = createBlockClock(clock, monotonic);
  const mempool = createMempool(options.mempoolLimits);
  const signatures = createSignaturePool(options.threads ?? 2, (error) =>
    log.error({ error: String(error) }, 'a signature worker ended'),
  );
  const signer = createHeadSigner(chain, operatorKey.seed, log);
  const cosigner = createCosigner({ chain, witnesses, seed: operatorKey.seed, latest: () => signer.latest(), log });
  let now = chain.snapshot();
  let clockFault: ClockFault | undefined;
  let halted: { readonly reason: string; readonly refusal: () => Reject } | undefined;
  let fullSinceMs: number | undefined;
  let closing = false;
  let producing: Promise<void> | undefined;
  let closed: Promise<void> | undefined;
  const intake = createIntake(mempool, signatures, startProducing);

  function halt(reason: string, refusal: () => Reject = () => reject('LEDGER_STOPPED', { reason })): void {
    halted ??= { reason, refusal };
    log.error({ reason }, 'the ledger stands still');
    intake.refuseAll(refusal);
  }

  function checkClock(): ClockFault | undefined {
    if (clockFault === undefined) {
      const next = blockClock.next(chain.head().timeMs);
      if (typeof next !== 'number') {
        clockFault = next;
        log.error({ ...next }, 'the clock is not to be believed: nothing is committed until its operator confirms it');
        intake.refuseAll(() => reject('LEDGER_CLOCK_UNCONFIRMED', { ...next }));
      }
    }
    return clockFault;
  }

  function requireRunning(): void {
    if (closing) throw reject('LEDGER_CLOSED');
    if (halted !== undefined) throw halted.refusal();
    const fault = checkClock();
    if (fault !== undefined) throw reject('LEDGER_CLOCK_UNCONFIRMED', { ...fault });
    if (!chain.hasRoom()) throw reject('LEDGER_STORAGE_FULL');
    if (fullSinceMs !== undefined && monotonic() - fullSinceMs < FULL_DISK_RETRY_MS)
      throw reject('LEDGER_STORAGE_FULL');
  }

  function startProducing(): void {
    producing ??= produceAll()
      .catch((error) => halt(`fault in the node: ${String(error)}`))
      .finally(() => {
        producing = undefined;
        if (mempool.ready() > 0) startProducing();
      });
  }

  async function produceAll(): Promise<void> {
    while (mempool.ready() > 0 && halted === undefined) {
      if (mempool.ready() < GATHER_BELOW && signatures.pending() > 0) await sleep(GATHER_MS);
      if (checkClock() !== undefined) return;
      await produceBlock();
    }
  }

  async function produceBlock(): Promise<void> {
    const previous = chain.head();
    const timeMs = blockClock.next(previous.timeMs) as number;
    const { taken, expired } = mempool.take(blockLimits, timeMs);
    intake.refuse(expired, () => rejectTransaction('TRANSACTION_EXPIRED', { timeMs }));
    if (taken.length === 0) return;
    const block: Block = {
      height: previous.height + 1,
      timeMs,
      transactions: taken.map(({ wire }) => wire),
      misbehaviour: [],
    };
    let executed: Executed;
    try {
      executed = kernel.execute(now, block, intake.isVerified);
    } catch (error) {
      // A fault of storage, memory or missing rules: nothing was written, and nobody was told anything.
      halt(`block ${block.height} could not be executed: ${String(error)}`);
      return;
    }
    await commit(block, executed, taken);
  }

  async function commit(block: Block, executed: Executed, taken: readonly PooledTransaction[]): Promise<void> {
    let committed: readonly Committed[];
    try {
      committed = await chain.commit(block, executed, signer.signatureOf(chain.head()));
    } catch (error) {
      if (!isReject(error)) throw error;
      const { code } = error;
      // The log is as it was before, and the kernel forgets a block that is followed by another of its height.
      intake.refuse(taken, () => reject(code as keyof typeof CODES));
      if (code === 'LEDGER_STORAGE_FULL') fullSinceMs = monotonic();
      else halt('the disk of the blocks failed', () => reject('LEDGER_STORAGE_FAILED'));
      return;
    }
    fullSinceMs = undefined;
    now.release();
    now = chain.snapshot();
    for (const one of committed) intake.commit(one);
    signer.advance();
  }

  /** Finishes what was taken in, then makes everything durable. */
  async function shutDown(): Promise<void> {
    closing = true;
    while (intake.size() > 0 && halted === undefined && clockFault === undefined) {
      startProducing();
      await sleep(1);
    }
    await producing;
    intake.refuseAll(() => reject('LEDGER_CLOSED'));
    await cosigner.close();
    await signer.close();
    await signatures.close();
    now.release();
    await chain.close();
  }

  // Blocks that were not read at the start are read now, beside the work: rot is found before somebody needs them.
  void chain.verifyBlocks().catch((error) => {
    if (closing) return;
    halt(isReject(error) ? `${error.message} ${JSON.stringify(error.data)}` : String(error), () =>
      isReject(error) ? error : reject('LEDGER_STORAGE_FAILED'),
    );
  });
  signer.advance();
  checkClock();

  return {
    ...ledgerReads(chain, kernel, genesis, () => now),
    cut: chain.cut,
    async signedHead() {
      const { signed, cosignatures } = await cosigner.latest();
      const commit: Commit = { kind: 'embedded', publicKey, signature: signed.signature };
      return { head: signed.head, commit, cosignatures };
    },
    async submit(wire) {
      requireRunning();
      // A copy: what was checked is what is written, whatever the caller does with its buffer.
      const own = wire.slice();
      const checked = kernel.check(now, own, clock());
      return intake.submit({ wire: own, checked });
    },
    async signedBlocks(fromHeight, limit) {
      return collectSignedBlocks(chain.stored(fromHeight), await signer.latest(), limit);
    },
    operatorHead: () => signer.latest(),
    health(): LedgerHealth {
      if (halted !== undefined) return { status: 'stopped', reason: halted.reason };
      const fault = checkClock();
      if (fault !== undefined)
        return { status: 'stopped', reason: `the clock ${fault.kind} by ${fault.byMs} ms; confirm it` };
      return fullSinceMs === undefined && chain.hasRoom()
        ? { status: 'ok' }
        : { status: 'stopped', reason: 'the disk is full' };
    },
    confirmClock() {
      blockClock.confirm(chain.head().timeMs);
      clockFault = undefined;
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
