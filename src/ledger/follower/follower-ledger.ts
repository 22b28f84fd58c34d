import type { Head } from '../../chain/block.ts';
import { headSignBytes } from '../../chain/head.ts';
import type { Executed } from '../../chain/kernel-api.ts';
import { verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { hexToBytes } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { LedgerClient } from '../http/ledger-client.ts';
import type { Committed, Ledger, LedgerHealth } from '../ledger.ts';
import { collectSignedBlocks, type SignedBlock, type SignedBlockSource } from '../signed-blocks.ts';
import { type ChainLog, type CommittedChainOptions, openCommittedChain, sameHead } from '../store/committed-chain.ts';
import type { SignedHead } from '../store/head-log.ts';
import { ledgerReads } from '../store/ledger-reads.ts';

const reject = rejecter(CODES);

const BLOCKS_PER_REQUEST = 64;
const WAIT_MS = 20_000;
/** Pause after a failed request; doubled up to the maximum. */
const MIN_RETRY_MS = 250;
const MAX_RETRY_MS = 15_000;
/** How long a relayed transaction's block may take to get here after the other node has committed it. */
const CATCH_UP_MS = 30_000;

export interface FollowerLedgerOptions extends Omit<CommittedChainOptions, 'log'> {
  readonly genesis: JsonObject;
  /** The node whose blocks this one executes and to which it relays; see `createLedgerClient`. */
  readonly upstream: LedgerClient;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: ChainLog;
}

export interface FollowerLedger extends Ledger, SignedBlockSource {
  /** Resolves when this node has committed a height; rejects when it stops before. */
  reached(height: number): Promise<void>;
}

interface Waiter {
  readonly height: number;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A node that takes its blocks from another's embedded ledger and believes none of it: every head must carry the
 * signature of the operator that genesis names, and executing the block here must lead to that head. Where it does
 * not, the node stops for good (LEDGER_FORKED), with the blocks until then intact. Its own transactions are checked
 * here, relayed, and answered when this node has committed them itself.
 */
export async function createFollowerLedger(options: FollowerLedgerOptions): Promise<FollowerLedger> {
  const { kernel, genesis, upstream, clock, log } = options;
  const operator = genesis.operator as JsonObject | undefined;
  const publicKey = typeof operator?.publicKey === 'string' ? hexToBytes(operator.publicKey) : undefined;
  if (operator?.kind !== 'embedded' || publicKey === undefined) throw reject('LEDGER_OPERATOR_KEY_WRONG');
  const operatorKey = publicKey;

  const chain = await openCommittedChain(options);
  let now = chain.snapshot();
  let stopped: { readonly reason: string; readonly refusal: Error } | undefined;
  let unreachable = false;
  let closing = false;
  let closed: Promise<void> | undefined;
  let wakeUp: () => void = () => {};
  /** The head of this node's last block as the operator signed it; undefined before the other node was heard. */
  let newest = chain.heads.latest();
  let writing: Promise<void> = Promise.resolve();
  const waiters = new Set<Waiter>();

  function requireSigned({ head, signature }: SignedHead): void {
    if (head.genesis !== kernel.genesisHash) throw reject('LEDGER_OTHER_GENESIS', { genesis: head.genesis });
    const holds = verifyEd25519Sync(operatorKey, headSignBytes(head), hexToBytes(signature) ?? new Uint8Array());
    if (!holds) throw reject('LEDGER_FORKED', { height: head.height, why: 'signature' });
  }

  /** What the other node signed as its newest head must not contradict what this one holds. */
  function requireConsistent(signed: SignedHead): void {
    requireSigned(signed);
    const own = headOnly();
    // It gave us these blocks with signed heads, so it cannot honestly have fewer.
    if (signed.head.height < own.height)
      throw reject('LEDGER_FORKED', { height: own.height, why: 'fewer blocks than it signed' });
    if (signed.head.height === own.height && !sameHead(signed.head, own)) {
      throw reject('LEDGER_FORKED', { height: own.height, why: 'another head at the same height' });
    }
  }

  function headOnly(): Head {
    const { timeMs: _, ...head } = chain.head();
    return head;
  }

  async function apply(signed: SignedBlock): Promise<void> {
    const { block, head, signature } = signed;
    const previous = chain.head();
    if (block.height !== previous.height + 1) throw reject('LEDGER_UPSTREAM_MALFORMED', { height: block.height });
    requireSigned({ head, signature });
    if (block.timeMs < previous.timeMs) throw reject('LEDGER_FORKED', { height: block.height, why: 'time went back' });
    const executed: Executed = kernel.execute(now, block);
    if (!sameHead(executed.head, head))
      throw reject('LEDGER_FORKED', { height: block.height, why: 'blocks lead to another head' });
    await chain.commit(block, executed, newest?.head.height === previous.height ? newest.signature : '');
    newest = { head, signature };
    now.release();
    now = chain.snapshot();
    for (const waiter of [...waiters]) if (waiter.height <= block.height) waiter.resolve();
  }

  /** Takes an answer in; throws what stops this node, or LEDGER_STORAGE_FULL. */
  async function takeIn(answer: Awaited<ReturnType<LedgerClient['blocks']>>): Promise<void> {
    if (answer.blocks.length === 0) {
      requireConsistent(answer.newest);
      if (answer.newest.head.height === chain.head().height) newest = answer.newest;
    }
    for (const signed of answer.blocks) {
      if (closing) return;
      await apply(signed);
    }
    await persist();
  }

  /** Makes the newest signature durable, one write for many blocks: only then is it shown to anybody. */
  function persist(): Promise<void> {
    writing = writing
      .catch(() => {})
      .then(async () => {
        const signed = newest;
        if (signed !== undefined && signed.head.height > (chain.heads.latest()?.head.height ?? -1))
          await chain.heads.write(signed);
      });
    return writing;
  }

  function stop(error: unknown): void {
    const refusal = isReject(error) ? error : reject('LEDGER_STOPPED');
    const detail = isReject(error) ? `${error.message} ${JSON.stringify(error.data)}` : String(error);
    stopped = { reason: detail, refusal };
    log.error({ reason: detail }, 'this node follows no longer');
    for (const waiter of [...waiters]) waiter.reject(refusal);
  }

  async function follow(): Promise<void> {
    let retryMs = MIN_RETRY_MS;
    while (!closing && stopped === undefined) {
      let fault: unknown;
      try {
        const answer = await upstream.blocks(chain.head().height + 1, BLOCKS_PER_REQUEST, WAIT_MS);
        await takeIn(answer).catch((error) => {
          if (!isTransient(error)) stop(error);
          throw error;
        });
        unreachable = false;
        retryMs = MIN_RETRY_MS;
        continue;
      } catch (error) {
        fault = error;
      }
      if (closing || stopped !== undefined) return;
      if (!unreachable)
        log.warn({ error: String(fault) }, 'the node that this one follows gave no blocks; trying again');
      unreachable = true;
      await pause(retryMs);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function reached(height: number): Promise<void> {
    if (chain.head().height >= height) return Promise.resolve();
    if (stopped !== undefined) return Promise.reject(stopped.refusal);
    return new Promise((resolve, fail) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        waiters.delete(waiter);
        then();
      };
      const waiter: Waiter = { height, resolve: () => settle(resolve), reject: (error) => settle(() => fail(error)) };
      const timer = setTimeout(() => waiter.reject(reject('LEDGER_UPSTREAM_UNREACHABLE')), CATCH_UP_MS);
      waiters.add(waiter);
      wakeUp();
    });
  }

  /** The head of the last block, its signature durable. Throws LEDGER_UPSTREAM_UNREACHABLE before any was heard of. */
  async function operatorHead(): Promise<SignedHead> {
    await persist();
    const latest = chain.heads.latest();
    if (latest === undefined) throw reject('LEDGER_UPSTREAM_UNREACHABLE');
    return latest;
  }

  const following = follow();

  async function shutDown(): Promise<void> {
    closing = true;
    upstream.close();
    wakeUp();
    await following;
    for (const waiter of [...waiters]) waiter.reject(reject('LEDGER_CLOSED'));
    await writing.catch(() => {});
    now.release();
    await chain.close();
  }

  return {
    ...ledgerReads(chain, kernel, genesis, () => now),
    reached,
    operatorHead,
    async signedHead() {
      const { head, signature } = await operatorHead();
      return {
        head,
        commit: { kind: 'embedded', publicKey: operator.publicKey as string, signature },
        cosignatures: [],
      };
    },
    async submit(wire) {
      if (closing) throw reject('LEDGER_CLOSED');
      if (stopped !== undefined) throw stopped.refusal;
      const { id } = kernel.check(now, wire.slice(), clock());
      const { height } = await upstream.submit(wire);
      await reached(height);
      const committed: Committed | undefined = chain.find(id);
      // The other node said that it is in that block, and the block does not hold it.
      if (committed === undefined) throw reject('LEDGER_UPSTREAM_MALFORMED', { id, height });
      return committed;
    },
    signedBlocks: async (fromHeight, limit) =>
      collectSignedBlocks(chain.stored(fromHeight), await operatorHead(), limit),
    health(): LedgerHealth {
      if (stopped !== undefined) return { status: 'stopped', reason: stopped.reason };
      return unreachable
        ? { status: 'following', reason: 'the node that this one follows does not answer' }
        : { status: 'following' };
    },
    close() {
      closed ??= shutDown();
      return closed;
    },
  };
}

/** What may pass by itself when blocks are taken in: a full disk, an answer that was no ledger's. */
function isTransient(error: unknown): boolean {
  return isReject(error) && (error.code === 'LEDGER_STORAGE_FULL' || error.code === 'LEDGER_UPSTREAM_MALFORMED');
}
