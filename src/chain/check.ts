import type { KvReader } from '../state/store.ts';
import type { StateReader } from '../state/typed-map.ts';
import { createStateReader } from '../state/typed-state.ts';
import { equalBytes } from '../std/bytes.ts';
import { type BlockBudgets, minuteOf, openBudgets } from './budget.ts';
import { reject } from './codes.ts';
import { baseWork, findRule, payerOf, requireTimely } from './dispatch.ts';
import { HEAD_KEY, readHead, readTimeMs } from './head-store.ts';
import type { CheckedTransaction } from './kernel-api.ts';
import type { Limits } from './limits.ts';
import type { Registry, RulesInForce } from './registry.ts';
import type { ReplayWindow } from './replay-window.ts';
import { readActivations } from './rules.ts';
import { signatureTasks } from './signature.ts';
import { findSigners, requireVerifiedUsers } from './signers.ts';
import type { Transaction } from './transaction.ts';

/** What of a kernel a check needs. */
export interface CheckContext {
  readonly genesisHash: string;
  readonly registry: Registry;
  readonly limits: Limits;
  readonly window: ReplayWindow;
}

/** What all checks at one head share: read once for it, not once for each of its thousands of transactions. */
interface Basis {
  /** Exact bytes of the stored head: they name the whole state. */
  readonly headBytes: Uint8Array;
  readonly committedMs: number;
  readonly rules: RulesInForce;
  minute: number;
  budgets: BlockBudgets;
}

/**
 * A check that refuses early what the next block would refuse, by the same rules at the committed state; the block
 * stays the judge, since other transactions come before. `nowMs` is the host's clock, which block time is about to
 * follow. Signatures are left to the caller. Throws Reject with the codes of `codes.ts`.
 */
export function createCheck(
  context: CheckContext,
): (store: KvReader, transaction: Transaction, nowMs: number) => CheckedTransaction {
  const { genesisHash, registry, limits, window } = context;
  let latest: Basis | undefined;
  // Budgets are read as members come up, each time through the snapshot of the check at hand: earlier ones may be gone.
  let reading: StateReader;

  function basisOf(store: KvReader, nowMs: number): Basis & { readonly timeMs: number } {
    const headBytes = store.get(HEAD_KEY);
    if (headBytes === undefined) throw new Error('the store is empty: initialise it first');
    let basis = latest;
    if (basis === undefined || !equalBytes(basis.headBytes, headBytes)) {
      const committedMs = readTimeMs(store) ?? 0;
      const rules = registry.inForce(readActivations(reading), (readHead(store)?.height ?? 0) + 1);
      const none = openBudgets(() => reading, 0, limits);
      basis = { headBytes: headBytes.slice(), committedMs, rules, minute: -1, budgets: none };
      latest = basis;
    }
    const timeMs = Math.max(nowMs, basis.committedMs);
    if (basis.minute !== minuteOf(timeMs)) {
      basis.minute = minuteOf(timeMs);
      basis.budgets = openBudgets(() => reading, timeMs, limits);
    }
    return { ...basis, timeMs };
  }

  return (store, transaction, nowMs) => {
    const state = createStateReader(store);
    reading = state;
    const { timeMs, rules, budgets } = basisOf(store, nowMs);
    const { body, wire } = transaction;
    requireTimely(transaction, { genesisHash, timeMs, window });
    const active = findRule(rules, body.message);
    if (active === 'MESSAGE_INACTIVE' && !registry.isDeclared(body.message.type)) throw reject('MESSAGE_UNKNOWN');
    if (typeof active === 'string') throw reject(active);
    const signers = findSigners(state, body, active);
    if (active.rule.sensitive === true) requireVerifiedUsers(signers);
    const payer = payerOf(state, signers[0] as (typeof signers)[number]);
    const admission = budgets.admit(payer, active.rule.lane, wire.length, baseWork(transaction));
    if (admission === undefined) throw reject('BUDGET_EXCEEDED');
    const keys = signers.map(({ key }) => key);
    const { lane } = admission;
    return {
      id: transaction.id,
      notAfterMs: body.notAfterMs,
      sponsor: payer.member,
      lane,
      signatures: signatureTasks(transaction, keys),
    };
  };
}
