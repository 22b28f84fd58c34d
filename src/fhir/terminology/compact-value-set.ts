import { type CompactDesignation, designationsOf, objectsOf, optionalText, textOf } from './compact-system.ts';

type Json = Readonly<Record<string, unknown>>;

export interface ListedConcept {
  readonly code: string;
  readonly display?: string;
  readonly designations: readonly CompactDesignation[];
}

export interface ConceptFilter {
  readonly property: string;
  /** R4 filter-operator. */
  readonly op: string;
  readonly value: string;
}

/** `ValueSet.compose.include` or `exclude`. Absent lists do not restrict. */
export interface ComposePart {
  readonly system?: string;
  readonly version?: string;
  readonly concepts?: readonly ListedConcept[];
  readonly filters?: readonly ConceptFilter[];
  readonly valueSets?: readonly string[];
}

export interface ExpandedCode {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

/** A value set without what is not read. */
export interface CompactValueSet {
  readonly url: string;
  readonly version?: string;
  readonly name?: string;
  readonly title?: string;
  readonly status: string;
  readonly compose?: {
    /** False leaves inactive codes out. */
    readonly inactive: boolean;
    readonly include: readonly ComposePart[];
    readonly exclude: readonly ComposePart[];
  };
  /** Codes of an expansion that came with it; `complete` when they are all. */
  readonly expansion?: { readonly complete: boolean; readonly codes: readonly ExpandedCode[] };
}

/** Extensions by which an expansion says that it does not hold all codes. */
const OPEN_EXPANSIONS = /valueset-(?:toocostly|unclosed)$/;

/** Compact form of a ValueSet resource. Throws TypeError when its compose is not of R4's shape. */
export function compactValueSet(resource: Json): CompactValueSet {
  const [compose] = objectsOf([resource.compose]);
  const [expansion] = objectsOf([resource.expansion]);
  return {
    url: textOf(resource.url) ?? '',
    ...optionalText('version', resource.version),
    ...optionalText('name', resource.name),
    ...optionalText('title', resource.title),
    status: textOf(resource.status) ?? 'unknown',
    ...(compose === undefined
      ? {}
      : {
          compose: {
            inactive: compose.inactive !== false,
            include: partsOf(compose.include),
            exclude: partsOf(compose.exclude),
          },
        }),
    ...(expansion === undefined ? {} : { expansion: compactExpansion(expansion) }),
  };
}

function partsOf(parts: unknown): ComposePart[] {
  return objectsOf(parts).map((part) => {
    const compact: ComposePart = {
      ...optionalText('system', part.system),
      ...optionalText('version', part.version),
      ...(part.concept === undefined ? {} : { concepts: objectsOf(part.concept).flatMap(listedConcept) }),
      ...(part.filter === undefined ? {} : { filters: objectsOf(part.filter).map(conceptFilter) }),
      ...(part.valueSet === undefined ? {} : { valueSets: canonicals(part.valueSet) }),
    };
    // Read as "everything", such a part would turn into what its author never meant.
    if (compact.system === undefined && (compact.concepts ?? compact.filters) !== undefined)
      throw new TypeError('a part of compose has codes without a system');
    if (compact.system === undefined && compact.valueSets === undefined)
      throw new TypeError('a part of compose has neither system nor valueSet');
    return compact;
  });
}

function listedConcept(concept: Json): ListedConcept[] {
  const code = textOf(concept.code);
  if (code === undefined) return [];
  return [{ code, ...optionalText('display', concept.display), designations: designationsOf(concept) }];
}

function conceptFilter({ property, op, value }: Json): ConceptFilter {
  if (typeof property !== 'string' || typeof op !== 'string' || typeof value !== 'string')
    throw new TypeError('a filter of compose is incomplete');
  return { property, op, value };
}

function canonicals(value: unknown): string[] {
  const urls = (Array.isArray(value) ? value : [value]).filter((url) => typeof url === 'string');
  if (urls.length === 0) throw new TypeError('a valueSet of compose is no canonical');
  return urls;
}

function compactExpansion(expansion: Json): NonNullable<CompactValueSet['expansion']> {
  const codes: ExpandedCode[] = [];
  let entries = 0;
  const pending = [...objectsOf(expansion.contains)];
  for (const entry of pending) {
    entries++;
    // An abstract entry, or one without a code, is there to navigate by (R4 ValueSet.expansion.contains.abstract).
    const [system, code] = [textOf(entry.system), textOf(entry.code)];
    if (system !== undefined && code !== undefined && entry.abstract !== true)
      codes.push({ system, code, ...optionalText('display', entry.display) });
    // An array hands out what is added while it is walked.
    for (const inner of objectsOf(entry.contains)) pending.push(inner);
  }
  const open = objectsOf(expansion.extension).some(({ url }) => OPEN_EXPANSIONS.test(String(url)));
  const cut = typeof expansion.total === 'number' && expansion.total > entries;
  return { complete: !open && !cut && !(Number(expansion.offset) > 0), codes };
}
