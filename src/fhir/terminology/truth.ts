/**
 * What can be told of a statement such as "this code is in that value set": no, perhaps, yes. The operators are
 * Kleene's, so that what is not known never turns into a yes or a no by being combined.
 */
export type Truth = 0 | 1 | 2;

export const NO: Truth = 0;
export const PERHAPS: Truth = 1;
export const YES: Truth = 2;

export function either(a: Truth, b: Truth): Truth {
  return a > b ? a : b;
}

export function both(a: Truth, b: Truth): Truth {
  return a < b ? a : b;
}

export function butNot(a: Truth, b: Truth): Truth {
  return both(a, (2 - b) as Truth);
}
