import {
  type Response,
  ResponseApplySnapshotChunk,
  ResponseCheckTx,
  ResponseCommit,
  ResponseFinalizeBlock,
  ResponseInfo,
  ResponseInitChain,
  ResponseListSnapshots,
  ResponseLoadSnapshotChunk,
  ResponseOfferSnapshot,
  ResponsePrepareProposal,
  ResponseProcessProposal,
  ResponseQuery,
} from 'cosmjs-types/tendermint/abci/types';
import type { AbciApplication } from './application.ts';
import type { AbciRequest } from './decode-request.ts';

/** A request that the application answers; Echo and Flush are the connection's own. */
export type ApplicationRequest = Exclude<AbciRequest, { readonly kind: 'echo' | 'flush' }>;

/**
 * What changes the state or tells how far it is. One after another over all connections: the engine that was started
 * again after a crash must not hear of a height while the block that its predecessor sent is still being committed.
 */
const IN_TURN: ReadonlySet<AbciRequest['kind']> = new Set<AbciRequest['kind']>([
  ...(['info', 'initChain', 'prepareProposal', 'processProposal', 'finalizeBlock', 'commit'] as const),
  ...(['offerSnapshot', 'applySnapshotChunk'] as const),
]);

/** Calls of one application, from all connections. */
export interface ApplicationCalls {
  /**
   * Calls the application, in its turn where it has to be. `isWanted` is asked when that has come; when nobody waits for
   * the answer any more, the application is not called and the answer is undefined. Rejects as the application does.
   */
  call(request: ApplicationRequest, isWanted: () => boolean): Promise<Response | undefined>;
  /** Resolves when the application has nothing to do any more. */
  idle(): Promise<void>;
}

export function createApplicationCalls(application: AbciApplication): ApplicationCalls {
  let turn: Promise<unknown> = Promise.resolve();
  let underWay = 0;
  const waiting: (() => void)[] = [];

  async function call(request: ApplicationRequest, isWanted: () => boolean): Promise<Response | undefined> {
    if (!isWanted()) return undefined;
    underWay++;
    try {
      return await answer(application, request);
    } finally {
      underWay--;
      if (underWay === 0) for (const resolve of waiting.splice(0)) resolve();
    }
  }

  return {
    call(request, isWanted) {
      if (!IN_TURN.has(request.kind)) return call(request, isWanted);
      const answered = turn.then(() => call(request, isWanted));
      turn = answered.catch(() => undefined);
      return answered;
    },
    async idle() {
      await turn;
      if (underWay > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

/** Whole answers, of which the application leaves out what is zero. They are read only. */
const ZERO = {
  info: ResponseInfo.fromPartial({}),
  initChain: ResponseInitChain.fromPartial({}),
  query: ResponseQuery.fromPartial({}),
  checkTx: ResponseCheckTx.fromPartial({}),
  commit: ResponseCommit.fromPartial({}),
  listSnapshots: ResponseListSnapshots.fromPartial({}),
  offerSnapshot: ResponseOfferSnapshot.fromPartial({}),
  loadSnapshotChunk: ResponseLoadSnapshotChunk.fromPartial({}),
  applySnapshotChunk: ResponseApplySnapshotChunk.fromPartial({}),
  prepareProposal: ResponsePrepareProposal.fromPartial({}),
  processProposal: ResponseProcessProposal.fromPartial({}),
  finalizeBlock: ResponseFinalizeBlock.fromPartial({}),
} as const;

async function answer(application: AbciApplication, { kind, message }: ApplicationRequest): Promise<Response> {
  switch (kind) {
    case 'info':
      return { info: { ...ZERO.info, ...(await application.info(message)) } };
    case 'initChain':
      return { initChain: { ...ZERO.initChain, ...(await application.initChain(message)) } };
    case 'query':
      return { query: { ...ZERO.query, ...(await application.query(message)) } };
    case 'checkTx':
      return { checkTx: { ...ZERO.checkTx, ...(await application.checkTx(message)) } };
    case 'commit':
      return { commit: { ...ZERO.commit, ...(await application.commit()) } };
    case 'listSnapshots':
      return { listSnapshots: { ...ZERO.listSnapshots, ...(await application.listSnapshots()) } };
    case 'offerSnapshot':
      return { offerSnapshot: { ...ZERO.offerSnapshot, ...(await application.offerSnapshot(message)) } };
    case 'loadSnapshotChunk':
      return { loadSnapshotChunk: { ...ZERO.loadSnapshotChunk, ...(await application.loadSnapshotChunk(message)) } };
    case 'applySnapshotChunk':
      return { applySnapshotChunk: { ...ZERO.applySnapshotChunk, ...(await application.applySnapshotChunk(message)) } };
    case 'prepareProposal':
      return { prepareProposal: { ...ZERO.prepareProposal, ...(await application.prepareProposal(message)) } };
    case 'processProposal':
      return { processProposal: { ...ZERO.processProposal, ...(await application.processProposal(message)) } };
    case 'finalizeBlock':
      return { finalizeBlock: { ...ZERO.finalizeBlock, ...(await application.finalizeBlock(message)) } };
  }
}
