import { CodeSystemTable } from './code-system-table.ts';
import type { CompactSystem } from './compact-system.ts';
import type { CompactValueSet } from './compact-value-set.ts';
import { TERMINOLOGY_LIMITS } from './limits.ts';

export type TerminologyKind = 'CodeSystem' | 'ValueSet';

/** What a source holds of one code system or value set, to find it by. */
export interface TerminologyEntry {
  readonly kind: TerminologyKind;
  readonly url: string;
  readonly version?: string;
  readonly id?: string;
  /** Code systems: R4 codesystem-content-mode. */
  readonly content?: string;
}

/** Where definitions come from: R4's own, a package, stored resources. */
export interface TerminologySource {
  readonly entries: readonly TerminologyEntry[];
  /** FHIR version as which all entries also answer: R4's bindings say `|4.0.1` of what has a version of its own. */
  readonly alias?: string;
  /** Compact form of an entry, and about how many characters it takes. Throws TypeError when it is of another shape. */
  read(index: number): { readonly compact: CompactSystem | CompactValueSet; readonly chars: number };
}

/** Code systems and value sets by canonical URL, perhaps with `|version`. */
export interface TerminologyStore {
  system(canonical: string): CodeSystemTable | undefined;
  valueSet(canonical: string): CompactValueSet | undefined;
  /** Canonical URL with version of the resource that its source gives this id. */
  withId(kind: TerminologyKind, id: string): string | undefined;
  /** Canonical URL of the code system whose `valueSet` (all its codes) has this URL. */
  systemOfValueSet(canonical: string): string | undefined;
}

interface Place {
  readonly source: TerminologySource;
  readonly index: number;
  readonly entry: TerminologyEntry;
}

interface Index {
  readonly places: ReadonlyMap<string, Place>;
  readonly ids: ReadonlyMap<string, string>;
}

/**
 * A store over `sources`, opened at the first question. Without a version, the last source that has the whole of it
 * answers (a package brings newer editions of HL7's vocabulary), but for what is FHIR's own (`http://hl7.org/fhir/…`),
 * where the first does, so that no package loosens R4's bindings. With a version, exactly that answers. Parsed
 * definitions are kept up to `TERMINOLOGY_LIMITS.parsedChars`, the oldest going first.
 */
export function createTerminologyStore(
  openSources: () => readonly TerminologySource[],
  base?: TerminologyStore,
): TerminologyStore {
  let index: Index | undefined;
  const parsed = new Map<Place, { readonly value: CodeSystemTable | CompactValueSet; readonly chars: number }>();
  let parsedChars = 0;
  const find = (kind: TerminologyKind, canonical: string): Place | undefined => {
    index ??= indexOf(openSources());
    return index.places.get(`${kind} ${canonical}`);
  };
  const read = (place: Place): CodeSystemTable | CompactValueSet | undefined => {
    const known = parsed.get(place);
    if (known !== undefined) return known.value;
    const loaded = load(place);
    if (loaded === undefined) return undefined;
    parsed.set(place, loaded);
    parsedChars += loaded.chars;
    for (const [oldest, { chars }] of parsed) {
      if (parsedChars <= TERMINOLOGY_LIMITS.parsedChars || oldest === place) break;
      parsed.delete(oldest);
      parsedChars -= chars;
    }
    return loaded.value;
  };
  const get = (kind: TerminologyKind, canonical: string) => {
    const place = find(kind, canonical);
    return place === undefined ? undefined : read(place);
  };
  return {
    system: (canonical) => (get('CodeSystem', canonical) as CodeSystemTable | undefined) ?? base?.system(canonical),
    valueSet: (canonical) => (get('ValueSet', canonical) as CompactValueSet | undefined) ?? base?.valueSet(canonical),
    withId(kind, id) {
      index ??= indexOf(openSources());
      return index.ids.get(`${kind} ${id}`) ?? base?.withId(kind, id);
    },
    systemOfValueSet(canonical) {
      // By R4's own naming first, so that not every code system is read for a value set that nobody defines.
      const [url] = canonical.split('|') as [string];
      const guess = url.replace('/ValueSet/', '/CodeSystem/');
      for (const system of [guess, url]) {
        if (this.system(system)?.system.valueSet?.split('|')[0] === url) return system;
      }
      return undefined;
    },
  };
}

function load(place: Place): { value: CodeSystemTable | CompactValueSet; chars: number } | undefined {
  try {
    const { compact, chars } = place.source.read(place.index);
    const value =
      place.entry.kind === 'CodeSystem' ? new CodeSystemTable(compact as CompactSystem) : (compact as CompactValueSet);
    return { value, chars };
  } catch (error) {
    // A definition of another shape than R4's is as good as none.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function indexOf(sources: readonly TerminologySource[]): Index {
  const places = new Map<string, Place>();
  const ids = new Map<string, string>();
  for (const source of sources) {
    for (const [index, entry] of source.entries.entries()) {
      const { kind, url, version, id } = entry;
      const place: Place = { source, index, entry };
      const canonical = version === undefined ? url : `${url}|${version}`;
      const held = places.get(`${kind} ${url}`);
      if (held === undefined || answersBefore(place, held)) places.set(`${kind} ${url}`, place);
      if (version !== undefined && !places.has(`${kind} ${canonical}`)) places.set(`${kind} ${canonical}`, place);
      if (source.alias !== undefined) places.set(`${kind} ${url}|${source.alias}`, place);
      if (id !== undefined && !ids.has(`${kind} ${id}`)) ids.set(`${kind} ${id}`, canonical);
    }
  }
  return { places, ids };
}

function answersBefore(later: Place, earlier: Place): boolean {
  if (later.source !== earlier.source && later.entry.url.startsWith('http://hl7.org/fhir/')) return false;
  return later.entry.content === earlier.entry.content || earlier.entry.content !== 'complete';
}
