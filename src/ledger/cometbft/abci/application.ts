import type {
  RequestApplySnapshotChunk,
  RequestCheckTx,
  RequestFinalizeBlock,
  RequestInfo,
  RequestInitChain,
  RequestLoadSnapshotChunk,
  RequestOfferSnapshot,
  RequestPrepareProposal,
  RequestProcessProposal,
  RequestQuery,
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

type Partially<T> = { readonly [K in keyof T]?: T[K] };

/**
 * What an engine calls, by the names of ABCI 2.0 (CometBFT v0.38, spec/abci/abci++_methods.md). The server sees to
 * framing, order and Flush; a rejection of any of these closes the connection with an exception, on which the engine
 * stops. Answers leave out what is zero.
 */
export interface AbciApplication {
  info(request: RequestInfo): Promise<Partially<ResponseInfo>>;
  initChain(request: RequestInitChain): Promise<Partially<ResponseInitChain>>;
  checkTx(request: RequestCheckTx): Promise<Partially<ResponseCheckTx>>;
  prepareProposal(request: RequestPrepareProposal): Promise<Partially<ResponsePrepareProposal>>;
  processProposal(request: RequestProcessProposal): Promise<Partially<ResponseProcessProposal>>;
  finalizeBlock(request: RequestFinalizeBlock): Promise<Partially<ResponseFinalizeBlock>>;
  commit(): Promise<Partially<ResponseCommit>>;
  query(request: RequestQuery): Promise<Partially<ResponseQuery>>;
  listSnapshots(): Promise<Partially<ResponseListSnapshots>>;
  offerSnapshot(request: RequestOfferSnapshot): Promise<Partially<ResponseOfferSnapshot>>;
  loadSnapshotChunk(request: RequestLoadSnapshotChunk): Promise<Partially<ResponseLoadSnapshotChunk>>;
  applySnapshotChunk(request: RequestApplySnapshotChunk): Promise<Partially<ResponseApplySnapshotChunk>>;
}
