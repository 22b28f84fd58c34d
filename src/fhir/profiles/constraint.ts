/** An invariant (ElementDefinition.constraint). */
export interface Constraint {
  readonly key: string;
  readonly severity: 'error' | 'warning';
  /** FHIRPath that must hold of the element. */
  readonly expression: string;
}

/** Invariants that the walk over the structure decides by itself, with better places and at less cost. */
const BY_WALK = new Set(['ele-1', 'txt-1', 'txt-2', 'ref-1', 'dom-3', 'sdf-19']);

/** Whether FHIRPath need not be asked. `sdf-19` is a rule for HL7's own publications that needs a registry. */
export function isCheckedByWalk(key: string, expression: string): boolean {
  return BY_WALK.has(key) || expression.includes('htmlChecks()');
}
