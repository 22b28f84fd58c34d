/** Bounds of one search, checked while it is read. */
export const SEARCH_LIMITS = {
  /** Entries of a page when `_count` is absent, and at most. */
  pageDefault: 50,
  pageMax: 500,
  /** Parameters of any kind. */
  parameters: 64,
  /** Characters of one parameter's name, and of its value. */
  nameChars: 512,
  valueChars: 8192,
  /** Values between commas, over all parameters, each counted for every type that a chain tries. */
  alternatives: 512,
  /** How many references a chain or `_has` follows. */
  chainDepth: 3,
  /** Types that one step of a chain may lead to. */
  chainTargets: 16,
  /** Resources that the values of one reference parameter may name (an id alone names one of each type). */
  targets: 1000,
  includes: 16,
  sortKeys: 4,
  elements: 64,
} as const;

export type SearchLimits = { readonly [Name in keyof typeof SEARCH_LIMITS]: number };
