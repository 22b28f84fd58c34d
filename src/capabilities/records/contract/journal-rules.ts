import { Type } from 'typebox';
import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import { EMPTY_LOG_ROOT, verifyConsistency } from '../../../state/log-proof.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import { bytesToHex, hexToBytes } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { requireActive } from '../../membership/contract/ballots.ts';
import { AccountId, strict, TransactionId } from '../../membership/contract/schemas.ts';
import {
  approveProposal,
  openProposal,
  requireMember,
  type Tally,
  tallyToData,
  type VoteContext,
} from '../../membership/contract/votes.ts';
import { reject } from './codes.ts';
import {
  anchorOfGeneration,
  closedGenerations,
  ERASURES_PER_MESSAGE,
  erasures,
  journals,
  lastAnchor,
} from './state.ts';

const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Generation = Type.Integer({ minimum: 0, maximum: 1_000_000 });

/** Each hash of a consistency proof is hashed up to twice: about 2 µs, in units of 0.1 µs. */
const WORK_PER_PROOF_HASH = 20;

const anchor = messageRule({
  schema: Type.Object(
    {
      generation: Generation,
      size: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
      root: Hash,
      /** Size that the proof starts at: the last anchor's. */
      from: Type.Optional(Count),
      /** RFC 6962 §2.1.2 consistency proof; empty from size 0. 2 × 53 hashes are the most for sizes below 2^53. */
      proof: Type.Array(Hash, { maxItems: 106 }),
    },
    strict,
  ),
  lane: 'ordinary',
  handle(context) {
    const custodian = requireMember(context);
    const { generation, size, root, from, proof } = context.message;
    const last = lastAnchor(context.state, custodian);
    if (generation !== last.generation) throw reject('JOURNAL_GENERATION', last);
    if (size < last.size) throw reject('JOURNAL_SHRUNK', last);
    if (size === last.size) throw reject(root === last.root ? 'JOURNAL_ANCHOR_UNCHANGED' : 'JOURNAL_FORKED', last);
    if (from !== undefined && from !== last.size) throw reject('JOURNAL_BASE', last);
    context.work(proof.length * WORK_PER_PROOF_HASH);
    const path = proof.map(bytesOfHex);
    if (!verifyConsistency(last.size, bytesOfHex(last.root), size, bytesOfHex(root), path)) {
      throw reject('JOURNAL_INCONSISTENT', last);
    }
    context.state.set(journals, [custodian], { generation, size, root, transaction: context.transaction.id });
    return { generation, size, root };
  },
});

/** Bytes of hexadecimal that a schema or the contract itself has let through. */
function bytesOfHex(hex: string): Uint8Array {
  const bytes = hexToBytes(hex);
  if (bytes === undefined) throw new TypeError('not hexadecimal');
  return bytes;
}

type Restart = { readonly custodian: string; readonly generation: number; readonly keptSize: number };

/** Rejects MEMBER_UNKNOWN, JOURNAL_GENERATION, JOURNAL_KEPT_SIZE. */
function checkRestart(state: StateReader, body: Restart): void {
  requireActive(state, body.custodian);
  const last = lastAnchor(state, body.custodian);
  if (body.generation !== last.generation) throw reject('JOURNAL_GENERATION', last);
  if (body.keptSize > last.size) throw reject('JOURNAL_KEPT_SIZE', last);
}

function executeRestart(state: StateWriter, { custodian, generation, keptSize }: Restart): JsonObject {
  const { size, root, transaction } = lastAnchor(state, custodian);
  const next = { generation: generation + 1, size: 0, root: bytesToHex(EMPTY_LOG_ROOT), transaction: '' };
  state.set(closedGenerations, [custodian, String(generation)], { size, root, keptSize, transaction });
  state.set(journals, [custodian], next);
  return { custodian, closed: generation, generation: next.generation, lost: size - keptSize };
}

function settleRestart(context: VoteContext, tally: Tally): JsonObject {
  if (!tally.reached) return tallyToData(tally, {});
  const body = tally.body as Restart;
  checkRestart(context.state, body);
  return tallyToData(tally, executeRestart(context.state, body));
}

const restart = messageRule({
  schema: Type.Object(
    {
      custodian: AccountId,
      /** The generation to close. */
      generation: Generation,
      /** Entries of it that the custodian still has; what was anchored beyond is reported as lost. */
      keptSize: Count,
    },
    strict,
  ),
  lane: 'ordinary',
  handle(context) {
    requireMember(context);
    const { custodian, generation, keptSize } = context.message;
    const body: Restart = { custodian, generation, keptSize };
    checkRestart(context.state, body);
    return settleRestart(context, openProposal(context, 'journal.restart', body));
  },
});

const approveRestart = messageRule({
  schema: Type.Object({ proposal: TransactionId }, strict),
  lane: 'ordinary',
  handle: (context) => settleRestart(context, approveProposal(context, ['journal.restart'], context.message.proposal)),
});

const erase = messageRule({
  schema: Type.Object(
    { generation: Generation, indices: Type.Array(Count, { minItems: 1, maxItems: ERASURES_PER_MESSAGE }) },
    strict,
  ),
  lane: 'ordinary',
  handle(context) {
    const custodian = requireMember(context);
    const { generation, indices } = context.message;
    const last = anchorOfGeneration(context.state, custodian, generation);
    if (last === undefined) throw reject('JOURNAL_GENERATION', lastAnchor(context.state, custodian));
    if (new Set(indices).size !== indices.length) throw reject('ERASURE_REPEATED');
    let marked = 0;
    for (const index of indices) {
      if (index >= last.size) throw reject('ERASURE_NOT_ANCHORED', { index, size: last.size });
      const key = [custodian, String(generation), String(index)] as const;
      // A mark stays at its first time: a custodian that does not know whether its message arrived sends it again.
      if (context.state.get(erasures, ...key) !== undefined) continue;
      context.state.set(erasures, key, { timeMs: context.block.timeMs });
      marked++;
    }
    return { generation, marked };
  },
});

/** Journals and erasures, version 1. */
export const journalMessages: Readonly<Record<string, MessageRule>> = {
  'journal.anchor': anchor,
  'journal.restart': restart,
  'journal.approveRestart': approveRestart,
  'records.erase': erase,
};
