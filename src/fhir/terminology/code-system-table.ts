import type { CompactConcept, CompactDesignation, CompactSystem, ConceptProperty } from './compact-system.ts';

/** Values of the property `status` that make a concept inactive (R4 concept-properties); one that is deprecated is still active. */
const INACTIVE_STATUSES = new Set<unknown>(['retired', 'inactive']);

/** A code system, ready to be asked. Concepts are named by index, in order of definition. */
export class CodeSystemTable {
  readonly system: CompactSystem;
  /** By code, folded; a code that is defined twice is its first concept. */
  private readonly indices = new Map<string, number>();
  private children: readonly (readonly number[])[] | undefined;

  constructor(system: CompactSystem) {
    this.system = system;
    for (const [index, [code]] of system.concepts.entries()) {
      const key = this.fold(code);
      if (!this.indices.has(key)) this.indices.set(key, index);
    }
  }

  /** All codes are here, so that what is not found is no code of it. */
  get isComplete(): boolean {
    return this.system.content === 'complete';
  }

  get size(): number {
    return this.system.concepts.length;
  }

  /** The form in which codes are compared: as written, or in lower case where the system ignores case. */
  fold(code: string): string {
    return this.system.caseSensitive ? code : code.toLowerCase();
  }

  indexOf(code: string): number | undefined {
    return this.indices.get(this.fold(code));
  }

  has(code: string): boolean {
    return this.indices.has(this.fold(code));
  }

  code(index: number): string {
    return this.concept(index)[0];
  }

  display(index: number): string | undefined {
    return this.concept(index)[1] || undefined;
  }

  definition(index: number): string | undefined {
    return this.concept(index)[2] || undefined;
  }

  parentsOf(index: number): readonly number[] {
    return this.concept(index)[3] || [];
  }

  properties(index: number): readonly ConceptProperty[] {
    return this.concept(index)[4] || [];
  }

  designations(index: number): readonly CompactDesignation[] {
    return this.concept(index)[5] || [];
  }

  childrenOf(index: number): readonly number[] {
    this.children ??= this.invert();
    return this.children[index] ?? [];
  }

  /** A concept that only groups others (R4 concept-properties `notSelectable`; HL7's own systems also say `abstract`). */
  isAbstract(index: number): boolean {
    return this.properties(index).some(
      ([code, , value]) => (code === 'notSelectable' || code === 'abstract') && value === true,
    );
  }

  isInactive(index: number): boolean {
    return this.properties(index).some(
      ([code, , value]) =>
        (code === 'inactive' && value === true) || (code === 'status' && INACTIVE_STATUSES.has(value)),
    );
  }

  /** The concept and all below it, by indices; a circle in the hierarchy ends the walk. */
  selfAndBelow(index: number): Set<number> {
    return walk(index, (at) => this.childrenOf(at));
  }

  /** The concept and all above it. */
  selfAndAbove(index: number): Set<number> {
    return walk(index, (at) => this.parentsOf(at));
  }

  /** Whether the hierarchy means is-a, as subsumption needs it; a system that does not say is taken to mean it. */
  get isTaxonomy(): boolean {
    return (this.system.hierarchyMeaning ?? 'is-a') === 'is-a';
  }

  private concept(index: number): CompactConcept {
    return this.system.concepts[index] as CompactConcept;
  }

  private invert(): number[][] {
    const children: number[][] = this.system.concepts.map(() => []);
    for (const index of this.system.concepts.keys()) {
      for (const parent of this.parentsOf(index)) children[parent]?.push(index);
    }
    return children;
  }
}

function walk(start: number, next: (index: number) => readonly number[]): Set<number> {
  const seen = new Set([start]);
  // A Set hands out what is added while it is walked.
  for (const index of seen) for (const other of next(index)) seen.add(other);
  return seen;
}
