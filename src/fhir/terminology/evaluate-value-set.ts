import type { CodeSystemTable } from './code-system-table.ts';
import { rejectTerminology } from './codes.ts';
import type { CompactValueSet, ComposePart, ConceptFilter, ExpandedCode, ListedConcept } from './compact-value-set.ts';
import { conceptFilter } from './concept-filters.ts';
import { TERMINOLOGY_LIMITS } from './limits.ts';
import {
  differenceOf,
  type Gap,
  intersectionOf,
  type Members,
  NOBODY,
  ofSystem,
  type SystemMembers,
  sizeOf,
  unionOf,
  unknownMembers,
} from './members.ts';
import type { TerminologyStore } from './terminology-store.ts';
import { NO, PERHAPS, type Truth, YES } from './truth.ts';

/** Members of value sets of a store; what has a canonical URL is evaluated once and kept. */
export interface ValueSetEvaluator {
  /** By canonical URL; undefined when no such value set is defined. */
  members(canonical: string): Members | undefined;
  /** Of a value set that is not the store's; never kept. Throws EXPANSION_TOO_COSTLY beyond `requestSteps`. */
  membersOf(valueSet: CompactValueSet): Members;
}

class TooMuch extends Error {}

interface Work {
  /** Value sets that are being evaluated: one of them again is a circle. */
  readonly open: Set<string>;
  stepsLeft: number;
}

/** Evaluates `compose` (R4 ValueSet, "Composition Rules"): includes are joined, within one include all parts must hold, excludes are taken off. */
export function createEvaluator(store: TerminologyStore): ValueSetEvaluator {
  const kept = new Map<string, Members>();
  let keptCodes = 0;

  function keep(canonical: string, members: Members): void {
    kept.set(canonical, members);
    keptCodes += sizeOf(members);
    for (const [oldest, held] of kept) {
      if (keptCodes <= TERMINOLOGY_LIMITS.cachedCodes || oldest === canonical) break;
      keptCodes -= sizeOf(held);
      kept.delete(oldest);
    }
  }

  function byCanonical(canonical: string, work: Work): Members | undefined {
    const known = kept.get(canonical);
    if (known !== undefined) {
      spend(work, sizeOf(known));
      return known;
    }
    const valueSet = store.valueSet(canonical) ?? implicitValueSet(canonical);
    if (valueSet === undefined) return undefined;
    if (work.open.has(canonical))
      return unknownMembers(PERHAPS, { at: canonical, reason: 'value sets import each other' });
    if (work.open.size >= TERMINOLOGY_LIMITS.importDepth)
      return unknownMembers(PERHAPS, { at: canonical, reason: 'value sets nested too deep' });
    work.open.add(canonical);
    const members = ofValueSet(valueSet, work);
    work.open.delete(canonical);
    // What was cut short by depth depends on where the evaluation began, so it is not kept for others.
    if (!members.gaps.some(({ reason }) => reason === 'value sets nested too deep') || work.open.size === 0)
      keep(canonical, members);
    return members;
  }

  function implicitValueSet(canonical: string): CompactValueSet | undefined {
    const system = store.systemOfValueSet(canonical);
    if (system === undefined) return undefined;
    return { url: canonical, status: 'active', compose: { inactive: true, include: [{ system }], exclude: [] } };
  }

  function ofValueSet(valueSet: CompactValueSet, work: Work): Members {
    const { compose, expansion } = valueSet;
    const composed = compose === undefined ? undefined : ofCompose(compose, work);
    if (composed !== undefined && !hasGaps(composed)) return composed;
    // An expansion that came along knows what this server cannot work out.
    if (expansion?.complete) return ofExpansion(expansion.codes);
    const known =
      composed ??
      unknownMembers(PERHAPS, { at: valueSet.url, reason: 'value set has no definition that can be evaluated' });
    return expansion === undefined ? known : joinedBy(unionOf, known, ofExpansion(expansion.codes), work);
  }

  function hasGaps(members: Members): boolean {
    if (members.other !== NO) return true;
    for (const [url, { rest, codes }] of members.systems) {
      if (rest === PERHAPS || (rest === YES && store.system(url)?.isComplete !== true)) return true;
      for (const truth of codes.values()) if (truth === PERHAPS) return true;
    }
    return false;
  }

  function ofExpansion(codes: readonly ExpandedCode[]): Members {
    const bySystem = new Map<string, ListedConcept[]>();
    for (const { system, ...concept } of codes) {
      const list = bySystem.get(system) ?? [];
      if (list.length === 0) bySystem.set(system, list);
      list.push({ ...concept, designations: [] });
    }
    const systems = new Map<string, SystemMembers>();
    for (const [system, list] of bySystem) systems.set(system, listed(list, store.system(system)));
    return { systems, other: NO, gaps: [] };
  }

  function ofCompose(compose: NonNullable<CompactValueSet['compose']>, work: Work): Members {
    let members: Members = NOBODY;
    for (const part of compose.include) members = joinedBy(unionOf, members, ofPart(part, work), work);
    for (const part of compose.exclude) members = joinedBy(differenceOf, members, ofPart(part, work), work);
    return compose.inactive ? members : withoutInactive(members, work);
  }

  function joinedBy(join: typeof unionOf, a: Members, b: Members, work: Work): Members {
    if (a === NOBODY && join === unionOf) return b;
    spend(work, sizeOf(a) + sizeOf(b));
    return join(a, b);
  }

  function ofPart(part: ComposePart, work: Work): Members {
    let members = part.system === undefined ? undefined : ofSystemPart(part.system, part, work);
    for (const url of part.valueSets ?? []) {
      const imported = byCanonical(url, work) ?? unknownMembers(PERHAPS, { at: url, reason: 'value set not here' });
      members = members === undefined ? imported : joinedBy(intersectionOf, members, imported, work);
    }
    return members ?? NOBODY;
  }

  function ofSystemPart(system: string, part: ComposePart, work: Work): Members {
    const asked = part.version === undefined ? system : `${system}|${part.version}`;
    const table = store.system(asked);
    if (part.concepts !== undefined && part.filters !== undefined)
      // R4 vsd-3 forbids it, so nobody says what it would mean.
      return ofSystem(system, { codes: new Map(), rest: PERHAPS }, [{ at: asked, reason: 'filter not evaluated' }]);
    if (part.concepts !== undefined) {
      spend(work, part.concepts.length);
      return ofSystem(system, listed(part.concepts, table ?? store.system(system)));
    }
    if (table === undefined) {
      const isOther = part.version !== undefined && store.system(system) !== undefined;
      const reason = isOther ? 'version of the code system not here' : 'code system not here';
      // Each valid code of it, whichever these are.
      const rest = part.filters === undefined && !isOther ? YES : PERHAPS;
      return ofSystem(system, { codes: new Map(), rest }, [{ at: asked, reason }]);
    }
    const gaps: Gap[] = table.isComplete ? [] : [{ at: asked, reason: 'content of the code system not here' }];
    if (part.filters !== undefined) return filtered(system, table, part.filters, gaps, work);
    if (table === store.system(system)) return ofSystem(system, { codes: new Map(), rest: YES }, gaps);
    return filtered(system, table, [], gaps, work);
  }

  function filtered(
    system: string,
    table: CodeSystemTable,
    filters: readonly ConceptFilter[],
    gaps: readonly Gap[],
    work: Work,
  ): Members {
    const tests: ((index: number) => boolean)[] = [];
    for (const filter of filters) {
      const test = conceptFilter(table, filter, (steps) => spend(work, steps));
      if (test === undefined) {
        const gap: Gap = { at: `${system} ${filter.property} ${filter.op}`, reason: 'filter not evaluated' };
        return ofSystem(system, { codes: new Map(), rest: PERHAPS }, [...gaps, gap]);
      }
      tests.push(test);
    }
    const codes = new Map<string, Truth>();
    spend(work, table.size);
    for (let index = 0; index < table.size; index++) {
      if (tests.every((test) => test(index))) codes.set(table.fold(table.code(index)), YES);
    }
    return ofSystem(system, { codes, rest: table.isComplete ? NO : PERHAPS }, gaps);
  }

  function withoutInactive(members: Members, work: Work): Members {
    const inactive = new Map<string, SystemMembers>();
    for (const system of members.systems.keys()) {
      const table = store.system(system);
      if (table === undefined) continue;
      spend(work, table.size);
      const codes = new Map<string, Truth>();
      for (let index = 0; index < table.size; index++) {
        if (table.isInactive(index)) codes.set(table.fold(table.code(index)), YES);
      }
      inactive.set(system, { codes, rest: NO });
    }
    return joinedBy(differenceOf, members, { systems: inactive, other: NO, gaps: [] }, work);
  }

  const start = (stepsLeft: number): Work => ({ open: new Set(), stepsLeft });
  return {
    members(canonical) {
      const known = kept.get(canonical);
      if (known !== undefined) return known;
      try {
        return byCanonical(canonical, start(TERMINOLOGY_LIMITS.evaluationSteps));
      } catch (error) {
        if (!(error instanceof TooMuch)) throw error;
        const members = unknownMembers(PERHAPS, { at: canonical, reason: 'too much to evaluate' });
        keep(canonical, members);
        return members;
      }
    },
    membersOf(valueSet) {
      try {
        return ofValueSet(valueSet, start(TERMINOLOGY_LIMITS.requestSteps));
      } catch (error) {
        if (!(error instanceof TooMuch)) throw error;
        throw rejectTerminology('EXPANSION_TOO_COSTLY', { steps: TERMINOLOGY_LIMITS.requestSteps });
      }
    },
  };
}

function spend(work: Work, steps: number): void {
  work.stepsLeft -= steps;
  if (work.stepsLeft < 0) throw new TooMuch();
}

function listed(concepts: readonly ListedConcept[], table: CodeSystemTable | undefined): SystemMembers {
  const codes = new Map<string, Truth>();
  const displays = new Map<string, string>();
  const spellings = new Map<string, string>();
  for (const { code, display } of concepts) {
    const key = table?.fold(code) ?? code;
    codes.set(key, YES);
    if (display !== undefined) displays.set(key, display);
    if (key !== code) spellings.set(key, code);
  }
  return {
    codes,
    rest: NO,
    ...(displays.size > 0 ? { displays } : {}),
    ...(spellings.size > 0 ? { spellings } : {}),
  };
}
