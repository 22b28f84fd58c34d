import { MisbehaviorType, type RequestFinalizeBlock } from 'cosmjs-types/tendermint/abci/types';
import type { Block, Head, Misbehaviour } from '../../chain/block.ts';
import { chainIdOf } from '../../chain/chain-id.ts';
import { genesisHash, parseGenesis } from '../../chain/genesis.ts';
import type { Executed, Kernel } from '../../chain/kernel-api.ts';
import { latestSet, sortValidators, type Validator } from '../../chain/validators.ts';
import { bytesToHex, hexToBytes, utf8ToText } from '../../std/bytes.ts';
import { canonicalText, type Json } from '../../std/canonical-json.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Committed } from '../ledger.ts';
import type { ChainLog, CommittedChain } from '../store/committed-chain.ts';
import type { AbciApplication } from './abci/application.ts';
import { answerQuery } from './answer-query.ts';
import { timestampToMs } from './header-time.ts';
import type { KnownTransactions } from './known-transactions.ts';

const reject = rejecter(CODES);

/** CheckTx, ResponseProcessProposal.ProposalStatus: the numbers of abci/types.proto. */
const RECHECK = 1;
const [ACCEPT, REJECT] = [1, 2];
/** Version of the application's protocol, in every header. */
export const APP_VERSION = 1n;
/** After so long without a block the next one is empty: it brings block time, which the last votes tell, up to date. */
const STALE_TIME_MS = 10_000;
const MAX_BLOCK_TRANSACTIONS = 5_000;

type SnapshotCalls = Pick<
  AbciApplication,
  'listSnapshots' | 'offerSnapshot' | 'loadSnapshotChunk' | 'applySnapshotChunk'
>;

export interface ApplicationOptions {
  readonly chain: CommittedChain;
  readonly kernel: Kernel;
  readonly known: KnownTransactions;
  readonly snapshots: SnapshotCalls;
  /** Milliseconds that only go forward. */
  readonly monotonic: () => number;
  readonly log: ChainLog;
  /** Blocks below this height may be thrown away by the engine; 0 keeps all. */
  retainHeight(head: Head): number;
  /** Called when a block is durable, before the engine hears of it. */
  onCommit(block: Block, executed: Executed, committed: readonly Committed[]): void;
}

/**
 * The ledger as CometBFT's application (ABCI 2.0, spec/abci of v0.38). A block is executed in FinalizeBlock, in memory
 * only; Commit makes it durable in one record of the log of blocks, and only then is it anybody's state. After a crash
 * before that, the engine finalizes it once more; after a crash behind it, Info tells the height and the engine goes on
 * from there. Each method throws LEDGER_ENGINE_REQUEST_WRONG for what a sound engine does not ask, and the engine ends.
 */
export function createApplication(options: ApplicationOptions): AbciApplication {
  const { chain, kernel, known, log, monotonic } = options;
  let finalized: { readonly block: Block; readonly executed: Executed } | undefined;
  let committedAtMs = Number.NEGATIVE_INFINITY;

  function wrong(why: string): Error {
    log.error({ why }, 'the consensus engine asked for something that cannot be');
    return reject('LEDGER_ENGINE_REQUEST_WRONG', { why });
  }

  function requireNext(height: bigint, method: string): number {
    const next = chain.head().height + 1;
    if (height !== BigInt(next)) throw wrong(`${method} of height ${height}, the next is ${next}`);
    return next;
  }

  function execute(block: Block): Executed {
    const snapshot = chain.snapshot();
    try {
      return kernel.execute(snapshot, block, known.isVerified);
    } finally {
      snapshot.release();
    }
  }

  return {
    async info() {
      const { height, appHash } = chain.head();
      // Before the first block the engine asks for InitChain, which gives the state of genesis.
      if (height === kernel.genesisHeight) return { appVersion: APP_VERSION, version: 'aceso' };
      return {
        version: 'aceso',
        appVersion: APP_VERSION,
        lastBlockHeight: BigInt(height),
        lastBlockAppHash: hexToBytes(appHash) as Uint8Array,
      };
    },

    async initChain(request) {
      const head = chain.head();
      if (head.height !== kernel.genesisHeight) throw wrong('InitChain after blocks');
      if (request.chainId !== chainIdOf(kernel.genesisHash)) throw wrong('InitChain of another chain');
      if (request.initialHeight !== BigInt(kernel.genesisHeight + 1)) throw wrong('InitChain from another height');
      if (genesisHashOf(request.appStateBytes) !== kernel.genesisHash) throw wrong('InitChain with another genesis');
      const snapshot = chain.snapshot();
      const own = latestSet(kernel.state(snapshot));
      snapshot.release();
      const given = request.validators.map(({ pubKey, power }) => ({
        publicKey: bytesToHex(pubKey?.ed25519 ?? new Uint8Array()),
        power: Number(power),
      }));
      if (!isSameSet(own, given)) throw wrong('InitChain with other validators');
      return { appHash: hexToBytes(head.appHash) as Uint8Array };
    },

    async checkTx({ tx, type }) {
      // Its place in our own pool ends with expiry and commit; the engine only asks whether it still has one.
      if (type === RECHECK && known.pooled(tx) !== undefined) return {};
      try {
        await known.take(tx);
        return {};
      } catch (error) {
        if (!isReject(error)) throw error;
        return { code: 1, log: error.code };
      }
    },

    async prepareProposal({ height, maxTxBytes, time }) {
      requireNext(height, 'PrepareProposal');
      if (time === undefined) throw wrong('PrepareProposal without a time');
      if (monotonic() - committedAtMs > STALE_TIME_MS) return { txs: [] };
      const limits = { transactions: MAX_BLOCK_TRANSACTIONS, bytes: Number(maxTxBytes) };
      return { txs: [...known.select(limits, timestampToMs(time))] };
    },

    async processProposal({ height, time, txs }) {
      requireNext(height, 'ProcessProposal');
      if (time === undefined) throw wrong('ProcessProposal without a time');
      const isAcceptable =
        txs.length <= MAX_BLOCK_TRANSACTIONS && (await known.verifyProposed(txs, timestampToMs(time))).isSound;
      if (!isAcceptable) log.warn({ height: Number(height), transactions: txs.length }, 'refused a proposal');
      return { status: isAcceptable ? ACCEPT : REJECT };
    },

    async finalizeBlock(request) {
      const given = blockOf(request, requireNext(request.height, 'FinalizeBlock'));
      if (given === undefined) throw wrong('FinalizeBlock without a time, or with evidence that names nobody');
      // Signatures that no proposal showed (a block that others decided) are verified in the workers first.
      const { wires } = await known.verifyProposed(given.transactions, given.timeMs);
      const block = { ...given, transactions: wires };
      const executed = execute(block);
      finalized = { block, executed };
      return {
        txResults: executed.outcomes.map(({ code }) => txResult(code)),
        validatorUpdates: executed.validatorUpdates.map(({ publicKey, power }) => ({
          pubKey: { ed25519: hexToBytes(publicKey) as Uint8Array },
          power: BigInt(power),
        })),
        appHash: hexToBytes(executed.head.appHash) as Uint8Array,
      };
    },

    async commit() {
      if (finalized === undefined) throw wrong('Commit before FinalizeBlock');
      const { block, executed } = finalized;
      const committed = await chain.commit(block, executed, '');
      finalized = undefined;
      committedAtMs = monotonic();
      known.settle(
        executed.outcomes.map(({ id }) => id),
        block.timeMs,
      );
      options.onCommit(block, executed, committed);
      return { retainHeight: BigInt(options.retainHeight(executed.head)) };
    },

    query: async (request) => answerQuery({ chain, kernel }, request),
    ...options.snapshots,
  };
}

const NO_BYTES = new Uint8Array();

/** What of an outcome goes into `last_results_hash`: whether it was OK. The log says the rest. */
function txResult(code: string) {
  return {
    code: code === 'OK' ? 0 : 1,
    ...{ data: NO_BYTES, log: '', info: '', gasWanted: 0n, gasUsed: 0n, events: [], codespace: '' },
  };
}

function blockOf(request: RequestFinalizeBlock, height: number): Block | undefined {
  const { time, txs, misbehavior } = request;
  const reports = misbehavior.map(misbehaviourOf);
  if (time === undefined || !reports.every((one) => one !== undefined)) return undefined;
  return { height, timeMs: timestampToMs(time), transactions: txs, misbehaviour: reports };
}

function misbehaviourOf(report: RequestFinalizeBlock['misbehavior'][number]): Misbehaviour | undefined {
  const { type, validator, height, time } = report;
  const isDuplicate = type === MisbehaviorType.DUPLICATE_VOTE;
  if (validator === undefined || time === undefined || (!isDuplicate && type !== MisbehaviorType.LIGHT_CLIENT_ATTACK))
    return undefined;
  return {
    kind: isDuplicate ? 'duplicate-vote' : 'light-client-attack',
    validator: bytesToHex(validator.address),
    height: Number(height),
    timeMs: timestampToMs(time),
  };
}

/** The engine writes the document with white space and escapes of its own, so it is hashed in canonical form again. */
function genesisHashOf(bytes: Uint8Array): string | undefined {
  let value: Json;
  try {
    value = JSON.parse(utf8ToText(bytes)) as Json;
  } catch {
    return undefined;
  }
  const genesis = parseGenesis(value);
  return genesis === undefined ? undefined : genesisHash(genesis);
}

function isSameSet(own: readonly Validator[], given: readonly Validator[]): boolean {
  return canonicalText(sortValidators(given) as Json) === canonicalText(own as Json);
}
