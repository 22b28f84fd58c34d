import { createEvaluator, type ValueSetEvaluator } from './evaluate-value-set.ts';
import { GRAMMARS } from './grammars.ts';
import type { Members, SystemMembers } from './members.ts';
import type { CodeValue, Terminology } from './terminology.ts';
import type { TerminologyStore } from './terminology-store.ts';
import { either, NO, PERHAPS, type Truth, YES } from './truth.ts';

/** Terminology with what the operations ask beyond validation. */
export interface KnownTerminology extends Terminology, ValueSetEvaluator {
  readonly store: TerminologyStore;
  /** Whether a code system has a code. */
  hasCode(system: string, code: string): Truth;
  /** Whether one of `members` is this code. */
  isMember(members: Members, code: CodeValue): Truth;
}

const ANSWERS = ['absent', 'unknown', 'member'] as const;

/** Terminology over a store. Nothing is read before the first question; about a microsecond for each after that. */
export function createTerminology(store: TerminologyStore): KnownTerminology {
  const evaluator = createEvaluator(store);

  function hasCode(system: string, code: string): Truth {
    const table = store.system(system);
    if (table?.has(code)) return YES;
    if (table?.isComplete) return NO;
    return GRAMMARS.get(system)?.(code) ?? PERHAPS;
  }

  function truthIn(system: string, members: SystemMembers, code: string): Truth {
    const exact = members.codes.get(code);
    if (exact !== undefined) return exact;
    const table = store.system(system);
    const folded = table === undefined || table.system.caseSensitive ? undefined : members.codes.get(table.fold(code));
    return folded ?? (members.rest === YES ? hasCode(system, code) : members.rest);
  }

  function isMember(members: Members, { system, code }: CodeValue): Truth {
    if (system !== undefined) {
      const some = members.systems.get(system);
      return some === undefined ? members.other : truthIn(system, some, code);
    }
    let truth = members.other;
    for (const [url, some] of members.systems) {
      truth = either(truth, truthIn(url, some, code));
      if (truth === YES) break;
    }
    return truth;
  }

  return {
    ...evaluator,
    store,
    hasCode,
    isMember,
    inValueSet(valueSet, code) {
      const members = evaluator.members(valueSet);
      return members === undefined ? 'unknown' : ANSWERS[isMember(members, code)];
    },
  };
}
