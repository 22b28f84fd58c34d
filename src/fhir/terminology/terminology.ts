/** A code as a resource carries it. `system` is absent for an element of type code. */
export interface CodeValue {
  readonly system?: string;
  readonly code: string;
  readonly display?: string;
}

/**
 * What R4 itself and the loaded packages define of code systems and value sets. Nothing is asked of others: `unknown`
 * says plainly that membership cannot be told here (a code system of others, or a filter that is not evaluated).
 */
export interface Terminology {
  /** Membership of a code in a value set (canonical URL, perhaps with `|version`). */
  inValueSet(valueSet: string, code: CodeValue): 'member' | 'absent' | 'unknown';
}
