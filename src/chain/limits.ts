import { type Static, Type } from 'typebox';

/**
 * What the kernel allows. Defaults suit a demonstration and the import of a hospital's patients; genesis overrides
 * single ones (`sections.chain.limits`), the same for everybody, since outcomes depend on them.
 *
 * Work is counted in units of about a tenth of a microsecond on one core of 2020: see `WORK`.
 */
export const DEFAULT_LIMITS = {
  /** Wire bytes that a member's accounts may send in one minute of block time, all together. */
  bytesPerMinute: 64 * 1024 * 1024,
  /** Work that they may cause in it: half of one core. */
  workPerMinute: 300_000_000,
  /** What a single patient or device may take of the member's work: one part in this many. */
  accountShare: 4,
  /** The lane for revoke, veto and freeze: messages a minute for a member, and for one account. */
  urgentPerMinute: 2_000,
  urgentPerAccount: 8,
  /** Largest transaction that the urgent lane takes, in bytes; a larger one is charged as an ordinary one. */
  urgentBytes: 16 * 1024,
  /** Work of one transaction. */
  workPerTransaction: 5_000_000,
  /** Most bytes of canonical JSON in one outcome's data. */
  outcomeDataBytes: 16 * 1024,
} as const;

export type Limits = { readonly [name in keyof typeof DEFAULT_LIMITS]: number };

/** What things cost, in units of work. A change of one is a new version of the `chain` rules. */
export const WORK = {
  transaction: 100,
  /** Verifying a signature takes about 0.1 ms. */
  signature: 1_000,
  /** Per byte on the wire, besides the budget of bytes. */
  wireByte: 1,
  get: 50,
  entry: 50,
  set: 500,
  delete: 500,
  /** Per byte of a value that is read or written. */
  stateByte: 1,
} as const;

const names = Object.keys(DEFAULT_LIMITS).sort();

/** Overrides of limits in genesis. */
export const LimitsSchema = Type.Object(
  Object.fromEntries(names.map((name) => [name, Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 40 }))])),
  { additionalProperties: false },
);

/** The limits of a ledger. */
export function withDefaults(overrides: Static<typeof LimitsSchema> | undefined): Limits {
  return { ...DEFAULT_LIMITS, ...(overrides as Partial<Limits> | undefined) };
}
