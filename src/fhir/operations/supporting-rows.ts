import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import { localReference, referencesIn } from '../references.ts';
import type { ResourceName, VisibleData } from './visible-data.ts';

/** How often references are followed on from what they led to: PractitionerRole, then its Organization, then that one's. */
const HOPS = 3;
/** References looked up at a time, and for one page; most of a chart's lead to what comes by itself. */
const AT_ONCE = 50;
const MAX_LOOKUPS = 5000;
/** Resources that one page takes beside its own. */
const MAX_ROWS = 1000;

export interface SupportingRows {
  readonly rows: readonly VersionRow[];
  /** True when more is referred to than one page takes. */
  readonly isCut: boolean;
}

/**
 * What literal references of `from`, wherever in a resource they stand, lead to: each once, none of `from`, only what
 * the caller may see and `isWanted`. What is not `isShown` is gone through and left out.
 */
export async function supportingRows(
  { baseUrl, limits }: FhirContext,
  data: VisibleData,
  options: {
    readonly from: readonly VersionRow[];
    readonly isWanted: (row: VersionRow) => boolean;
    readonly isShown: (row: VersionRow) => boolean;
  },
): Promise<SupportingRows> {
  const { from, isWanted, isShown } = options;
  const known = new Set(from.map(nameOf));
  const rows: VersionRow[] = [];
  let [reached, chars, lookups] = [from, 0, 0];
  for (let hop = 0; hop < HOPS && reached.length > 0; hop++) {
    const names: ResourceName[] = [];
    for (const row of reached) {
      for (const { value } of referencesIn(await data.text(row))) {
        const target = localReference(value, baseUrl);
        if (target === undefined || known.has(nameOf(target))) continue;
        known.add(nameOf(target));
        names.push({ type: target.type, id: target.id });
      }
    }
    const next: VersionRow[] = [];
    for (let at = 0; at < names.length; at += AT_ONCE) {
      if (lookups >= MAX_LOOKUPS || next.length >= MAX_ROWS || rows.length >= MAX_ROWS || chars >= limits.bundleBytes)
        return { rows, isCut: true };
      lookups += AT_ONCE;
      const found = await data.current(names.slice(at, at + AT_ONCE), isWanted);
      for (const row of found) {
        chars += (await data.text(row)).length;
        next.push(row);
        if (isShown(row)) rows.push(row);
      }
    }
    reached = next;
  }
  return { rows, isCut: false };
}

function nameOf({ type, id }: ResourceName): string {
  return `${type}/${id}`;
}
