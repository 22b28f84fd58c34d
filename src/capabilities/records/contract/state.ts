import { EMPTY_LOG_ROOT } from '../../../state/log-proof.ts';
import { type StateMap, type StateReader, stateMap } from '../../../state/typed-map.ts';
import { bytesToHex } from '../../../std/bytes.ts';

/**
 * Where a custodian's journal stood when it was last anchored. `root` is the RFC 6962 root in hexadecimal;
 * `transaction` the id of the anchor, '' before the first: a custodian that crashed before it heard of the commit finds
 * here what proves its entries.
 */
export type JournalAnchor = {
  readonly generation: number;
  readonly size: number;
  readonly root: string;
  readonly transaction: string;
};

/** The last anchor of a generation that a restart closed, and how many of its entries the custodian still had. */
export type ClosedGeneration = {
  readonly size: number;
  readonly root: string;
  readonly keptSize: number;
  readonly transaction: string;
};

/** The mark of an erased entry: the block time at which the ledger took it. */
export type ErasureMark = { readonly timeMs: number };

/** Last anchors by custodian. None means generation 0 at size 0. */
export const journals: StateMap<readonly [custodian: string], JournalAnchor> = stateMap('records.journals', 1);

/** Generations that are closed for good; their receipts stay valid. */
export const closedGenerations: StateMap<readonly [custodian: string, generation: string], ClosedGeneration> = stateMap(
  'records.closed',
  2,
);

/** Erased entries: a key a mark, so that a receipt can prove the presence or the absence of each. */
export const erasures: StateMap<readonly [custodian: string, generation: string, index: string], ErasureMark> =
  stateMap('records.erased', 3);

/** Most entries that one message marks as erased. */
export const ERASURES_PER_MESSAGE = 256;

/** Where the ledger believes a custodian's journal to be; a custodian without an anchor is at size 0. */
export function lastAnchor(state: StateReader, custodian: string): JournalAnchor {
  return (
    state.get(journals, custodian) ?? { generation: 0, size: 0, root: bytesToHex(EMPTY_LOG_ROOT), transaction: '' }
  );
}

/** The last anchor of any generation, a closed one too; undefined for one that has not begun. */
export function anchorOfGeneration(
  state: StateReader,
  custodian: string,
  generation: number,
): JournalAnchor | undefined {
  const last = lastAnchor(state, custodian);
  if (generation === last.generation) return last;
  const closed = state.get(closedGenerations, custodian, String(generation));
  return closed === undefined
    ? undefined
    : { generation, size: closed.size, root: closed.root, transaction: closed.transaction };
}

/** True once the ledger marks an entry of a journal as erased. */
export function isErased(state: StateReader, custodian: string, generation: number, index: number): boolean {
  return state.get(erasures, custodian, String(generation), String(index)) !== undefined;
}

/** Indices of a generation that are marked as erased, in no meaningful order, at most `limit`, after key `after`. */
export function erasedIndices(
  state: StateReader,
  custodian: string,
  generation: number,
  limit: number,
  after?: number,
): readonly number[] {
  const prefix = [custodian, String(generation)] as const;
  const from = after === undefined ? undefined : ([...prefix, String(after)] as const);
  const indices: number[] = [];
  for (const [[, , index]] of state.entries(erasures, prefix, from)) {
    if (indices.length >= limit) break;
    indices.push(Number.parseInt(index, 10));
  }
  return indices;
}
