import { compareKeys } from '../state/memory-store.ts';
import { type StateMap, type StateReader, type StateWriter, stateMap } from '../state/typed-map.ts';
import type { AccountKind } from './account.ts';
import { addUse, type HeavyAccounts, heavyUse } from './heavy-accounts.ts';
import type { Limits } from './limits.ts';

/** What a member's accounts used in one minute of block time. An earlier minute's record counts as nothing. */
export type BudgetRecord = {
  readonly minute: number;
  readonly bytes: number;
  readonly work: number;
  /** Messages in the urgent lane. */
  readonly urgent: number;
  /** Work of patients and devices, and their urgent messages: the heaviest ones (heavy-accounts.ts). */
  readonly heavy: HeavyAccounts;
  readonly heavyUrgent: HeavyAccounts;
};

/** Budgets by member. Written once a block for each member whose accounts sent something. */
export const budgets: StateMap<readonly [member: string], BudgetRecord> = stateMap('chain.budgets', 1);

const MINUTE_MS = 60_000;

/** Minute of block time, since the epoch. */
export function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

/** Who pays for a transaction: the account that sent it, and the member who answers for that one. */
export interface Payer {
  readonly account: string;
  readonly kind: AccountKind;
  readonly member: string;
}

/** A transaction let in: which lane it runs in, and the work that its payers have left for it. */
export interface Admission {
  readonly lane: 'ordinary' | 'urgent';
  readonly workLeft: number;
}

/**
 * Budgets while one block runs. The rule, all of it:
 * 1. A member's accounts together may send `bytesPerMinute` and cause `workPerMinute` in one minute of block time.
 * 2. One patient or device may cause at most a share of that work; the member's own account and its practitioners may
 *    take all of it, since the member directs them.
 * 3. An urgent message has a lane of its own: `urgentPerMinute` of a member's accounts, `urgentPerAccount` of one, not
 *    counted under 1 and 2. Past that, or when it is too large, it is an ordinary one.
 * A member who was removed is replaced by its successor, for which `Payer.member` already stands.
 */
export interface BlockBudgets {
  /** The lane for a transaction that costs at least `work` and `bytes`; undefined when no budget is left for it. */
  admit(payer: Payer, lane: 'ordinary' | 'urgent', bytes: number, work: number): Admission | undefined;
  /** Books what an admitted transaction used. */
  charge(payer: Payer, lane: 'ordinary' | 'urgent', bytes: number, work: number): void;
  /** Writes the members' records, at the end of the block. */
  write(state: StateWriter): void;
}

interface OpenRecord {
  bytes: number;
  work: number;
  urgent: number;
  readonly before: BudgetRecord | undefined;
  readonly workBy: Map<string, number>;
  readonly urgentBy: Map<string, number>;
}

/** Budgets for one block at `timeMs`; `state` gives the state below it, and is asked once per member. */
export function openBudgets(state: () => StateReader, timeMs: number, limits: Limits): BlockBudgets {
  const minute = minuteOf(timeMs);
  const open = new Map<string, OpenRecord>();

  function recordOf(member: string): OpenRecord {
    const known = open.get(member);
    if (known !== undefined) return known;
    const stored = state().get(budgets, member);
    const before = stored?.minute === minute ? stored : undefined;
    const { bytes, work, urgent } = before ?? { bytes: 0, work: 0, urgent: 0 };
    const record = { bytes, work, urgent, before, workBy: new Map(), urgentBy: new Map() };
    open.set(member, record);
    return record;
  }

  function hasUrgentLane(record: OpenRecord, account: string, bytes: number): boolean {
    if (bytes > limits.urgentBytes || record.urgent >= limits.urgentPerMinute) return false;
    const used = heavyUse(record.before?.heavyUrgent ?? [], account) + (record.urgentBy.get(account) ?? 0);
    return used < limits.urgentPerAccount;
  }

  function workLeft(record: OpenRecord, { account, kind }: Payer): number {
    const left = limits.workPerMinute - record.work;
    if (!isShared(kind)) return left;
    const used = heavyUse(record.before?.heavy ?? [], account) + (record.workBy.get(account) ?? 0);
    return Math.min(left, Math.floor(limits.workPerMinute / limits.accountShare) - used);
  }

  return {
    admit(payer, lane, bytes, work) {
      const record = recordOf(payer.member);
      if (lane === 'urgent' && hasUrgentLane(record, payer.account, bytes)) {
        return { lane, workLeft: limits.workPerTransaction };
      }
      const left = workLeft(record, payer);
      if (record.bytes + bytes > limits.bytesPerMinute || work > left) return undefined;
      return { lane: 'ordinary', workLeft: left };
    },
    charge({ account, kind, member }, lane, bytes, work) {
      const record = recordOf(member);
      if (lane === 'urgent') {
        record.urgent += 1;
        record.urgentBy.set(account, (record.urgentBy.get(account) ?? 0) + 1);
        return;
      }
      record.bytes += bytes;
      record.work += work;
      if (isShared(kind)) record.workBy.set(account, (record.workBy.get(account) ?? 0) + work);
    },
    write(writer) {
      for (const [member, { bytes, work, urgent, before, workBy, urgentBy }] of [...open].sort(([a], [b]) =>
        compareKeys(a, b),
      )) {
        if (bytes === (before?.bytes ?? 0) && urgent === (before?.urgent ?? 0)) continue;
        const heavy = addUse(before?.heavy ?? [], workBy);
        const heavyUrgent = addUse(before?.heavyUrgent ?? [], urgentBy);
        writer.set(budgets, [member], { minute, bytes, work, urgent, heavy, heavyUrgent });
      }
    },
  };
}

function isShared(kind: AccountKind): boolean {
  return kind === 'patient' || kind === 'device';
}
