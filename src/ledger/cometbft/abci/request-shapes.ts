import type { Field, Shape } from './wire-shape.ts';

/*
 * The requests of ABCI 2.0, field by field: proto/tendermint/abci/types.proto, types/params.proto and crypto/keys.proto
 * of CometBFT v0.38.25.
 */

const INTEGER: Field = { wire: 'varint' };
const FLAG: Field = { wire: 'varint', most: 1 };
const BYTES: Field = { wire: 'bytes' };
const MANY_BYTES: Field = { wire: 'bytes', repeated: true };

/** A shape of fields numbered from 1; undefined where a number is not used. */
const fields = (...list: readonly (Field | undefined)[]): Shape => ({ fields: [undefined, ...list] });
const upTo = (most: number): Field => ({ wire: 'varint', most });
const one = (shape: Shape): Field => ({ wire: 'message', shape });
const many = (shape: Shape): Field => ({ wire: 'message', shape, repeated: true });

/** google.protobuf.Timestamp and Duration: seconds, nanos. */
const TIME = fields(INTEGER, INTEGER);
const VALIDATOR = fields(BYTES, undefined, INTEGER);
const BLOCK_ID_FLAG = upTo(3);
const COMMIT_INFO = fields(INTEGER, many(fields(one(VALIDATOR), undefined, BLOCK_ID_FLAG)));
const EXTENDED_COMMIT_INFO = fields(INTEGER, many(fields(one(VALIDATOR), undefined, BYTES, BYTES, BLOCK_ID_FLAG)));
const MISBEHAVIOR = fields(upTo(2), one(VALIDATOR), INTEGER, one(TIME), INTEGER);
const PUBLIC_KEY: Shape = { ...fields(BYTES, BYTES), oneOf: true };
const CONSENSUS_PARAMS = fields(
  one(fields(INTEGER, INTEGER)),
  one(fields(INTEGER, one(TIME), INTEGER)),
  one(fields(MANY_BYTES)),
  one(fields(INTEGER)),
  one(fields(INTEGER)),
);
const SNAPSHOT = fields(INTEGER, INTEGER, INTEGER, BYTES, BYTES);
/** ProcessProposal and FinalizeBlock: txs, last commit, misbehaviour, hash, height, time, next validators, proposer. */
const BLOCK = fields(...[MANY_BYTES, one(COMMIT_INFO), many(MISBEHAVIOR), BYTES, INTEGER, one(TIME), BYTES, BYTES]);

export const REQUEST_SHAPES = {
  echo: fields(BYTES),
  flush: fields(),
  info: fields(BYTES, INTEGER, INTEGER, BYTES),
  initChain: fields(
    ...[one(TIME), BYTES, one(CONSENSUS_PARAMS)],
    many(fields(one(PUBLIC_KEY), INTEGER)),
    ...[BYTES, INTEGER],
  ),
  query: fields(BYTES, BYTES, INTEGER, FLAG),
  checkTx: fields(BYTES, upTo(1)),
  commit: fields(),
  listSnapshots: fields(),
  offerSnapshot: fields(one(SNAPSHOT), BYTES),
  loadSnapshotChunk: fields(INTEGER, INTEGER, INTEGER),
  applySnapshotChunk: fields(INTEGER, BYTES, BYTES),
  prepareProposal: fields(
    ...[INTEGER, MANY_BYTES, one(EXTENDED_COMMIT_INFO), many(MISBEHAVIOR), INTEGER, one(TIME), BYTES, BYTES],
  ),
  processProposal: BLOCK,
  finalizeBlock: BLOCK,
} as const satisfies Readonly<Record<string, Shape>>;
