import type { Constraint } from './constraint.ts';
import { evaluateInvariant } from './fhirpath-engine.ts';
import { knownConstraint } from './known-constraints.ts';
import { isObject, report, type Walk } from './walk.ts';

/** Invariants of the element where the walk stands. `base` is its type or backbone path, for FHIRPath. */
export function checkConstraints(value: unknown, base: string, constraints: readonly Constraint[], walk: Walk): void {
  for (const { key, expression, severity } of constraints) {
    if (walk.sink.isFull) return;
    const known = isObject(value) ? knownConstraint(expression) : undefined;
    if (known !== undefined) {
      if (!known(value as Parameters<typeof known>[0], walk.resource)) {
        report(walk, 'invariant', `${key}: the rule does not hold`, undefined, severity);
      }
      continue;
    }
    if (walk.budget.invariants-- <= 0) {
      const [root = ''] = walk.path;
      walk.sink.add(
        'error',
        'too-costly',
        `${root}`,
        'The resource has more places with rules than are evaluated at once',
      );
      return;
    }
    const verdict = evaluateInvariant(expression, base, value, walk);
    if (verdict === 'fails') report(walk, 'invariant', `${key}: the rule does not hold`, undefined, severity);
    if (verdict === 'unknown') {
      report(walk, 'not-supported', `${key}: the rule cannot be evaluated here`, undefined, 'information');
    }
  }
}
