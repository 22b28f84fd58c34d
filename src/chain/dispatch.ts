import { Value } from 'typebox/value';
import { createOverlay, type Overlay } from '../state/overlay.ts';
import { createStateReader, createStateWriter } from '../state/typed-state.ts';
import { canonicalText, type JsonObject } from '../std/canonical-json.ts';
import { isReject } from '../std/reject.ts';
import type { BlockHeader } from './block.ts';
import type { BlockBudgets, Payer } from './budget.ts';
import { reject } from './codes.ts';
import type { Signer } from './contract.ts';
import { isHalting } from './fault.ts';
import type { SignatureTask } from './kernel-api.ts';
import { type Limits, WORK } from './limits.ts';
import { createMeter, type Meter } from './meter.ts';
import type { RulesInForce } from './registry.ts';
import type { ReplayWindow } from './replay-window.ts';
import { signatureTasks } from './signature.ts';
import { type ActiveRule, chargedMember, findSigners, requireVerifiedUsers } from './signers.ts';
import { type Message, REPLAY_WINDOW_MS, type Transaction, type TransactionBody } from './transaction.ts';

/** All that one block's transactions share. */
export interface BlockRun {
  readonly genesisHash: string;
  readonly block: BlockHeader;
  /** The block's writes so far. */
  readonly overlay: Overlay;
  readonly rules: RulesInForce;
  readonly limits: Limits;
  readonly budgets: BlockBudgets;
  readonly window: ReplayWindow;
  /** True when a task's signature holds; for one that a worker checked before, without checking again. */
  holds(id: string, task: SignatureTask): boolean;
  /** Told of a contract's fault; the outcome says only INTERNAL. */
  onInternalError(error: unknown, type: string): void;
}

/** What a transaction came to. `signers` is empty when it was refused before its signatures were found right. */
export interface Ran {
  readonly code: string;
  readonly data: JsonObject;
  readonly dataText: string;
  readonly signers: readonly { readonly account: string; readonly key: string; readonly role: 'sender' | 'approver' }[];
}

/**
 * Refuses what is not for this ledger and this moment. Throws Reject TRANSACTION_OTHER_LEDGER, TRANSACTION_EXPIRED,
 * TRANSACTION_TOO_LONG_LIVED, TRANSACTION_REPLAYED.
 */
export function requireTimely(
  { id, body }: Transaction,
  at: { readonly genesisHash: string; readonly timeMs: number; readonly window: ReplayWindow },
): void {
  if (body.chain !== at.genesisHash) throw reject('TRANSACTION_OTHER_LEDGER');
  if (body.notAfterMs < at.timeMs) throw reject('TRANSACTION_EXPIRED', { timeMs: at.timeMs });
  if (body.notAfterMs > at.timeMs + REPLAY_WINDOW_MS) throw reject('TRANSACTION_TOO_LONG_LIVED', { timeMs: at.timeMs });
  if (at.window.has(id, body.notAfterMs)) throw reject('TRANSACTION_REPLAYED');
}

/** A message's active rule, or the code that says why there is none. */
export type FoundRule = ActiveRule | 'MESSAGE_INACTIVE' | 'SCHEMA_INVALID';

/**
 * The active rule of a message that has its form, or why there is none. Whether a newer version of the software knows
 * the type makes no difference here, else two versions would disagree.
 */
export function findRule(rules: RulesInForce, given: Message): FoundRule {
  const rule = rules.get(given.type);
  if (rule === undefined) return 'MESSAGE_INACTIVE';
  const known = checked.get(given);
  if (known?.rule === rule) return known.found;
  const { type, ...message } = given;
  // Interpreted: a compiled check evaluates code, which browsers forbid and validators need not trust.
  const found: FoundRule = Value.Check(rule.schema, message)
    ? { rule, message: Object.freeze(message) }
    : 'SCHEMA_INVALID';
  checked.set(given, { rule, found });
  return found;
}

/** Messages held against a schema already: a parsed transaction comes by when it is checked, and when its block runs. */
const checked = new WeakMap<Message, { readonly rule: ActiveRule['rule']; readonly found: FoundRule }>();

/** What a transaction costs before its message runs. */
export function baseWork({ body, wire }: Transaction): number {
  return WORK.transaction + body.signers.length * WORK.signature + wire.length * WORK.wireByte;
}

/** The payer of a transaction: its sender and the member who answers for that account. */
export function payerOf(state: Parameters<typeof chargedMember>[0], sender: Signer): Payer {
  return { account: sender.account, kind: sender.record.kind, member: chargedMember(state, sender.record) };
}

/**
 * Runs one transaction on the block's state: all its writes, or none but what it used of the budget. Throws only what
 * halts the node (fault.ts).
 */
export function runTransaction(run: BlockRun, transaction: Transaction): Ran {
  let signers: Ran['signers'] = [];
  try {
    const { found, active } = authenticate(run, transaction, (verified) => {
      signers = verified;
    });
    const data = runMessage(run, transaction, found, active);
    return { code: 'OK', ...data, signers };
  } catch (error) {
    return { ...refusal(run, error, transaction.body), signers };
  }
}

/** Finds the signers and checks their signatures; from then on the transaction counts as theirs, and as used. */
function authenticate(
  run: BlockRun,
  transaction: Transaction,
  onVerified: (signers: Ran['signers']) => void,
): { found: readonly Signer[]; active: FoundRule } {
  const { id, body } = transaction;
  requireTimely(transaction, { timeMs: run.block.timeMs, genesisHash: run.genesisHash, window: run.window });
  const active = findRule(run.rules, body.message);
  const state = createStateReader(run.overlay);
  const found = findSigners(state, body, typeof active === 'string' ? undefined : active);
  const tasks = signatureTasks(
    transaction,
    found.map(({ key }) => key),
  );
  for (const task of tasks) if (!run.holds(id, task)) throw reject('SIGNATURE_WRONG', { account: task.account });
  run.window.add(id, body.notAfterMs, run.block.height);
  onVerified(
    found.map(({ account, role }, at) => ({ account, key: (tasks[at] as SignatureTask).keyRecordHash, role })),
  );
  return { found, active };
}

type Data = Pick<Ran, 'data' | 'dataText'>;

function runMessage(run: BlockRun, transaction: Transaction, signers: readonly Signer[], active: FoundRule): Data {
  const [sender, ...approvers] = signers as readonly [Signer, ...Signer[]];
  const base = baseWork(transaction);
  const payer = payerOf(createStateReader(run.overlay), sender);
  const lane = typeof active === 'string' ? 'ordinary' : active.rule.lane;
  const admission = run.budgets.admit(payer, lane, transaction.wire.length, base);
  if (admission === undefined) throw reject('BUDGET_EXCEEDED');
  const meter = createMeter(run.limits, base, admission.workLeft);
  try {
    if (typeof active === 'string') throw reject(active);
    const { rule, message } = active;
    if (rule.sensitive === true) requireVerifiedUsers(signers);
    return handle(run, meter, (state) =>
      rule.handle({
        block: run.block,
        transaction: { id: transaction.id, sender, approvers },
        message: message as never,
        state,
        work: meter.charge,
      }),
    );
  } finally {
    run.budgets.charge(payer, admission.lane, transaction.wire.length, meter.used);
  }
}

/** Runs a handler over a layer of its own, which joins the block's writes only when all has gone well. */
function handle(run: BlockRun, meter: Meter, call: (state: ReturnType<typeof createStateWriter>) => JsonObject): Data {
  const layer = createOverlay(run.overlay);
  const data = call(createStateWriter(layer, meter.chargeState));
  const dataText = boundedText(data, run.limits);
  for (const [key, value] of layer.writes()) run.overlay.set(key, value);
  return { data, dataText };
}

/** Canonical text of an outcome's data. A contract that returns anything else has a fault. */
function boundedText(data: JsonObject, limits: Limits): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new TypeError('outcome data is an object');
  const text = canonicalText(data);
  if (text.length > limits.outcomeDataBytes) throw new TypeError('outcome data is too large');
  return text;
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** A refusal's code and data; any throw that is none is a fault of the contract, and its text enters no outcome. */
function refusal(run: BlockRun, error: unknown, { message }: TransactionBody): Omit<Ran, 'signers'> {
  if (isHalting(error)) throw error;
  if (isReject(error) && error.code !== 'OK' && CODE.test(error.code)) {
    try {
      return { code: error.code, data: error.data, dataText: boundedText(error.data, run.limits) };
    } catch (fault) {
      if (isHalting(fault)) throw fault;
      run.onInternalError(fault, message.type);
    }
  } else {
    run.onInternalError(error, message.type);
  }
  return { code: 'INTERNAL', data: {}, dataText: '{}' };
}
