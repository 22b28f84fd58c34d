/** A value that is found by equality: an HMAC in the vault. */
export interface SearchToken {
  readonly parameter: string;
  readonly value: string;
}

/** A date (milliseconds since 1970) or a number, as a closed interval. Infinities stand for open ends. */
export interface SearchOrdinal {
  /** Name of the parameter; a quantity's also carries its unit (`value-quantity|http://unitsofmeasure.org|g`). */
  readonly parameter: string;
  readonly low: number;
  readonly high: number;
}

/** A literal reference to a resource of this server. */
export interface SearchLink {
  readonly parameter: string;
  readonly type: string;
  readonly id: string;
}

/** A string: as written, and folded (case and accents gone) for comparison by beginning and by part. */
export interface SearchText {
  readonly parameter: string;
  readonly value: string;
  readonly folded: string;
}

/** All that the current version of a resource is found and ordered by. Each entry once. */
export interface IndexEntries {
  readonly tokens: readonly SearchToken[];
  readonly ordinals: readonly SearchOrdinal[];
  readonly links: readonly SearchLink[];
  /** Kept sealed; the vault derives tokens of their beginnings and of the whole itself. */
  readonly texts: readonly SearchText[];
}

export const NO_ENTRIES: IndexEntries = { tokens: [], ordinals: [], links: [], texts: [] };
