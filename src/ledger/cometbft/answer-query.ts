import type { RequestQuery, ResponseQuery } from 'cosmjs-types/tendermint/abci/types';
import type { Kernel } from '../../chain/kernel-api.ts';
import { validators } from '../../chain/validators.ts';
import { proveKey, readTreeRoot } from '../../state/tree.ts';
import { treeKeyHash } from '../../state/tree-proof.ts';
import { storeKeyOf } from '../../state/typed-state.ts';
import { bytesToHex, utf8, utf8ToText } from '../../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import type { CommittedChain } from '../store/committed-chain.ts';

type Answer = Partial<ResponseQuery>;
interface Deps {
  readonly chain: CommittedChain;
  readonly kernel: Kernel;
}

const MAX_DATA_BYTES = 64 * 1024;
const REFUSED = { unknown: 1, malformed: 2, denied: 3 } as const;
const PROOF_TYPE = 'aceso:tree';
const PEER_BY_ID = /^\/p2p\/filter\/id\/([0-9a-fA-F]{40})$/;

/**
 * ABCI Query, at the latest committed block:
 * `/p2p/filter/id/<node>` and `/p2p/filter/addr/<address>` whether a peer is let in (spec/p2p, filter_peers);
 * `/state/<map>/<key parts>` a value of the state, with `prove` how it leads to the app hash: one proof operator
 * `aceso:tree`, canonical JSON {head, proof, schema, treeRoot} (state/tree-proof.ts);
 * `/query/<name>` a capability's query, canonical JSON in and out. Anything else has code 1.
 */
export function answerQuery(deps: Deps, { path, data, prove }: RequestQuery): Answer {
  if (data.length > MAX_DATA_BYTES || path.length > 1_024) return refusal('malformed', 'too long');
  const { chain, kernel } = deps;
  const snapshot = chain.snapshot();
  const { timeMs: _, ...head } = chain.head();
  try {
    // Whoever it is says so with its node's key in the handshake; the address tells nothing.
    if (path.startsWith('/p2p/filter/addr/')) return {};
    const peer = PEER_BY_ID.exec(path)?.[1]?.toLowerCase();
    if (peer !== undefined)
      return isLetIn(deps, snapshot, peer) ? {} : refusal('denied', 'no member of this ledger runs that node');
    const [, room, name = '', ...key] = path.split('/');
    const height = BigInt(head.height);
    if (room === 'query')
      return { value: canonicalBytes(kernel.query(snapshot, name, argumentOf(data)) as Json), height };
    if (room !== 'state') return refusal('unknown', 'no such path');
    const storeKey = storeKeyOf(name, key);
    const value = snapshot.get(storeKey) ?? new Uint8Array();
    if (!prove) return { key: utf8(storeKey), value, height };
    const treeRoot = bytesToHex(readTreeRoot(snapshot));
    const proof = {
      head,
      proof: proveKey(snapshot, treeKeyHash(storeKey)) as unknown as JsonObject,
      schema: 1,
      treeRoot,
    };
    const op = { type: PROOF_TYPE, key: utf8(storeKey), data: canonicalBytes(proof) };
    return { key: utf8(storeKey), value, height, proofOps: { ops: [op] } };
  } catch (error) {
    if (isReject(error)) return refusal('unknown', error.code);
    if (error instanceof TypeError) return refusal('malformed', 'not a key of the state');
    throw error;
  } finally {
    snapshot.release();
  }
}

/** Members' nodes are in the state, those of founders from genesis on; one that joins is voted in first. */
function isLetIn({ kernel }: Deps, snapshot: Parameters<Kernel['state']>[0], node: string): boolean {
  for (const [, record] of kernel.state(snapshot).entries(validators, [])) if (record.node === node) return true;
  return false;
}

function argumentOf(data: Uint8Array): JsonObject {
  const value = data.length === 0 ? {} : parseCanonical(data);
  if (typeof value !== 'object' || Array.isArray(value))
    throw new TypeError(`not an argument: ${utf8ToText(data.slice(0, 16))}`);
  return value as JsonObject;
}

function refusal(kind: keyof typeof REFUSED, log: string): Answer {
  return { code: REFUSED[kind], log };
}
