import { BinaryReader } from 'cosmjs-types/binary';
import {
  type Request,
  RequestApplySnapshotChunk,
  RequestCheckTx,
  RequestCommit,
  RequestEcho,
  RequestFinalizeBlock,
  RequestFlush,
  RequestInfo,
  RequestInitChain,
  RequestListSnapshots,
  RequestLoadSnapshotChunk,
  RequestOfferSnapshot,
  RequestPrepareProposal,
  RequestProcessProposal,
  RequestQuery,
} from 'cosmjs-types/tendermint/abci/types';
import { reject } from './codes.ts';
import { REQUEST_SHAPES } from './request-shapes.ts';
import { checkShape, endOfVarint, malformed, readVarint, type Shape } from './wire-shape.ts';

type Kind = keyof typeof REQUEST_SHAPES;
type Messages = { readonly [K in Kind]: NonNullable<Request[K]> };

/** A request by its kind, with the message of cosmjs-types for it. */
export type AbciRequest = { [K in Kind]: { readonly kind: K; readonly message: Messages[K] } }[Kind];

type Read = (reader: BinaryReader, length: number) => AbciRequest;

const entry = <K extends Kind>(
  kind: K,
  codec: { decode(reader: BinaryReader, length: number): Messages[K] },
): { readonly shape: Shape; readonly read: Read } => ({
  shape: REQUEST_SHAPES[kind],
  read: (reader, length) => ({ kind, message: codec.decode(reader, length) }) as AbciRequest,
});

/** Kinds by their numbers in `Request.value` (proto/tendermint/abci/types.proto). */
const KINDS: ReadonlyMap<number, ReturnType<typeof entry>> = new Map([
  [1, entry('echo', RequestEcho)],
  [2, entry('flush', RequestFlush)],
  [3, entry('info', RequestInfo)],
  [5, entry('initChain', RequestInitChain)],
  [6, entry('query', RequestQuery)],
  [8, entry('checkTx', RequestCheckTx)],
  [11, entry('commit', RequestCommit)],
  [12, entry('listSnapshots', RequestListSnapshots)],
  [13, entry('offerSnapshot', RequestOfferSnapshot)],
  [14, entry('loadSnapshotChunk', RequestLoadSnapshotChunk)],
  [15, entry('applySnapshotChunk', RequestApplySnapshotChunk)],
  [16, entry('prepareProposal', RequestPrepareProposal)],
  [17, entry('processProposal', RequestProcessProposal)],
  [20, entry('finalizeBlock', RequestFinalizeBlock)],
]);

/** Sent only after a block turned vote extensions on, which this ledger never does. */
const EXTENSIONS: ReadonlyMap<number, string> = new Map([
  [18, 'extendVote'],
  [19, 'verifyVoteExtension'],
]);

/** Reads a frame where it lies. Byte strings come out as copies with memory of their own: the frame's is reused. */
class OwningReader extends BinaryReader {
  constructor(frame: Uint8Array) {
    super();
    // The constructor above would copy all of it once more.
    this.buf = frame;
    this.len = frame.length;
  }

  override bytes(): Uint8Array {
    const length = this.uint32();
    const start = this.pos;
    this.pos += length;
    this.assertBounds();
    return this.buf.slice(start, this.pos);
  }
}

/**
 * The request in a message of CometBFT's socket protocol. `frame` is a plain Uint8Array (a Buffer's slice would share
 * memory); nothing of the request shares memory with it. Throws Reject ABCI_REQUEST_MALFORMED {at}, ABCI_REQUEST_UNKNOWN
 * {number}, ABCI_REQUEST_UNEXPECTED {kind}.
 */
export function decodeRequest(frame: Uint8Array): AbciRequest {
  const afterTag = endOfVarint(frame, 0, frame.length);
  const tag = readVarint(frame, 0, afterTag);
  const number = Math.floor(tag / 8);
  if (tag % 8 !== 2) throw malformed(0);
  const found = KINDS.get(number);
  if (found === undefined) {
    const extension = EXTENSIONS.get(number);
    if (extension !== undefined) throw reject('ABCI_REQUEST_UNEXPECTED', { kind: extension });
    throw number >= 1 && number < 2 ** 29 ? reject('ABCI_REQUEST_UNKNOWN', { number }) : malformed(0);
  }
  const start = endOfVarint(frame, afterTag, frame.length);
  const length = readVarint(frame, afterTag, start);
  // One kind and nothing after it: of two, Go would take the last and cosmjs-types both.
  if (length !== frame.length - start) throw malformed(afterTag);
  checkShape(frame, start, frame.length, found.shape);
  const reader = new OwningReader(frame);
  reader.pos = start;
  return found.read(reader, length);
}
