import type { OrdinalTest } from './index-query.ts';

/**
 * A criterion with everything in place that has to be looked up first: hashes under all scopes, numbers of resources,
 * texts that were opened. What remains is SQL, for which nothing is asked.
 */
export type Resolved =
  /** `shared` hashes are under the custodian's keys, `own` ones under accounts'. */
  | { readonly kind: 'token'; readonly shared: readonly Uint8Array[]; readonly own: readonly Uint8Array[] }
  | { readonly kind: 'ordinal'; readonly ranges: readonly (Names & { readonly tests: readonly OrdinalTest[] })[] }
  /** `targets` undefined: any. */
  | (Names & { readonly kind: 'link'; readonly targets: readonly number[] | undefined })
  | {
      readonly kind: 'linked-by';
      readonly names: readonly Uint8Array[];
      readonly sources: readonly number[];
      readonly positions: readonly number[];
    }
  /** Is one of these resources. */
  | { readonly kind: 'rids'; readonly rids: readonly number[] }
  | { readonly kind: 'id'; readonly ids: readonly string[] }
  | { readonly kind: 'account'; readonly accounts: readonly string[] }
  /** `names` are those of the references here for a chain, of the other type's for a reverse one. */
  | (Names & { readonly kind: 'chain' | 'reverse'; readonly type: string; readonly of: readonly Resolved[] })
  | { readonly kind: 'not'; readonly of: Resolved }
  | { readonly kind: 'any'; readonly of: readonly Resolved[] };

export interface Names {
  readonly shared: readonly Uint8Array[];
  readonly own: readonly Uint8Array[];
}
