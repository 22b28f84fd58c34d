import type { Item } from './element-items.ts';
import type { ProfileElement, ProfileRule } from './profile-rules.ts';
import { createIssueSink } from './validation-issue.ts';
import type { Node, Walk } from './walk.ts';

/** Profiles that are loaded, by canonical URL (perhaps with `|version`). */
export interface ProfileSource {
  find(url: string): ProfileRule | undefined;
  /** Type that a profile constrains; undefined for one that is neither R4's own nor loaded. */
  typeOf(url: string): string | undefined;
}

/** A walk over a resource along a profile. */
export interface ProfileWalk extends Walk {
  readonly profiles: ProfileSource;
  /** Steps that are left: slices that need whole comparisons multiply, and a resource may be made so that they do. */
  /** Holds values against an element of a profile; slices need it for what is inside them. */
  readonly checkItems: (element: ProfileElement, items: readonly Item[], walk: ProfileWalk) => void;
  readonly checkAgainst: (profile: ProfileRule, value: Node, walk: ProfileWalk) => void;
}

/** Steps that one validation may take: some ten times what the largest official example needs. */
export const PROFILE_STEPS = 400_000;

/** Invariants that FHIRPath may evaluate in one validation, some 20 microseconds each. */
export const INVARIANTS = 50_000;

/** Takes a step; false, with an issue, when none is left. */
export function spend(walk: ProfileWalk): boolean {
  if (walk.budget.steps > 0) {
    walk.budget.steps--;
    return !walk.sink.isFull;
  }
  const [root = ''] = walk.path;
  walk.sink.add('error', 'too-costly', `${root}`, 'Holding the resource against its profiles takes too many steps');
  return false;
}

/** Whether a check finds no error; what it finds is not reported. */
export function conforms(walk: ProfileWalk, item: Item, check: (scratch: ProfileWalk) => void): boolean {
  const sink = createIssueSink(1);
  check({ ...walk, path: [...walk.path, ...item.path], sink });
  return sink.errors === 0;
}
