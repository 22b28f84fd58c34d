import type { CompactDefinitions, CompactElement, CompactType } from '../definitions/definitions.ts';
import { type Constraint, isCheckedByWalk } from './constraint.ts';

/** An element of a type, as the definition names it. */
export interface ElementRule {
  /** E.g. `code`, `value[x]`. */
  readonly name: string;
  /** As FHIRPath names it: `value`. */
  readonly pathName: string;
  readonly isChoice: boolean;
  /** As JSON names it: `valueQuantity`, `valueString`, … */
  readonly members: readonly Member[];
  readonly min: number;
  readonly max: number;
  readonly isArray: boolean;
  readonly constraints: readonly Constraint[];
  /** Required binding, and its codes where R4 lists them all. */
  readonly valueSet?: string;
  readonly codes?: ReadonlySet<string>;
}

/** One JSON member: a choice has one for each of its types. */
export interface Member {
  readonly json: string;
  readonly element: ElementRule;
  /** Type's code (`Quantity`, `dateTime`, `ObservationComponent`). */
  readonly code: string;
  readonly isPrimitive: boolean;
  /** Types that a reference may lead to; absent for all. */
  readonly targets?: ReadonlySet<string>;
  /** Of what is in the element; for a primitive, of its `_name`. */
  readonly type: TypeRule;
}

export interface TypeRule {
  readonly name: string;
  /** Where FHIRPath stands in it: `Observation.component`, `Quantity`. */
  readonly path: string;
  readonly isResource: boolean;
  readonly elements: ReadonlyMap<string, ElementRule>;
  readonly members: ReadonlyMap<string, Member>;
  readonly required: readonly ElementRule[];
  readonly constraints: readonly Constraint[];
}

/** Rules of R4's types, each made when it is first asked for. */
export interface TypeRules {
  of(name: string): TypeRule | undefined;
  /** A type that may be kept or contained: abstract ones are none. */
  resource(name: unknown): TypeRule | undefined;
}

const STRUCTURE = 'http://hl7.org/fhir/StructureDefinition/';
const ABSTRACT = new Set(['Resource', 'DomainResource']);
/** Constraints of R4 that the compact definitions leave out. */
const ORG_1: Constraint = {
  key: 'org-1',
  severity: 'error',
  expression: '(identifier.count() + name.count()) > 0',
};

const made = new WeakMap<CompactDefinitions, TypeRules>();

export function typeRules(definitions: CompactDefinitions): TypeRules {
  let rules = made.get(definitions);
  if (rules === undefined) {
    rules = createTypeRules(definitions);
    made.set(definitions, rules);
  }
  return rules;
}

function createTypeRules(definitions: CompactDefinitions): TypeRules {
  const cache = new Map<string, TypeRule>();
  const sets = new Map<string, ReadonlySet<string>>();
  const constraintsOf = (indices: readonly number[] = []): Constraint[] =>
    indices.flatMap((index) => {
      const [key, expression] = definitions.constraints[index] as readonly [string, string, string];
      return isCheckedByWalk(key, expression) ? [] : [{ key, expression, severity: 'error' as const }];
    });

  function of(name: string): TypeRule | undefined {
    const known = cache.get(name);
    if (known !== undefined) return known;
    const compact = Object.hasOwn(definitions.types, name) ? definitions.types[name] : undefined;
    if (compact === undefined) return undefined;
    const rule = ruleOf(name, compact);
    cache.set(name, rule);
    return rule;
  }

  function ruleOf(name: string, compact: CompactType): TypeRule {
    const elements = new Map<string, ElementRule>();
    const members = new Map<string, Member>();
    for (const [path, element] of Object.entries(compact.e)) {
      const rule = elementRule(path, element, name, compact);
      elements.set(path, rule);
      for (const member of rule.members) members.set(member.json, member);
    }
    return {
      name,
      path: compact.p,
      isResource: compact.k === 'resource',
      elements,
      members,
      required: [...elements.values()].filter(({ min }) => min > 0),
      constraints: [...constraintsOf(compact.c), ...(name === 'Organization' ? [ORG_1] : [])],
    };
  }

  function elementRule(name: string, compact: CompactElement, type: string, of: CompactType): ElementRule {
    const isChoice = name.endsWith('[x]');
    const pathName = isChoice ? name.slice(0, -3) : name;
    const members: Member[] = [];
    const inner = new Set(compact.t.flatMap(([code]) => definitions.types[code]?.c ?? []));
    const codes = compact.b === undefined ? undefined : setOf(compact.b);
    const rule: ElementRule = {
      name,
      pathName,
      isChoice,
      members,
      min: compact.n ?? 0,
      max: compact.x === -1 ? Number.POSITIVE_INFINITY : (compact.x ?? 1),
      isArray: compact.a === 1,
      // An element repeats the constraints of its type.
      constraints: constraintsOf((compact.c ?? []).filter((index) => !inner.has(index))),
      ...(compact.b === undefined ? {} : { valueSet: compact.b }),
      ...(codes === undefined ? {} : { codes }),
    };
    for (const [declared, profiles] of compact.t) {
      // A resource's id is of type string in R4's own definition, and an id by its text (R4 §2.26.3.1).
      const isId = name === 'id' && of.k === 'resource' && type !== 'Parameters';
      const code = isId || (name === 'id' && type === 'Parameters') ? 'id' : systemType(declared);
      members.push(member(rule, isChoice ? pathName + capital(code) : name, code, profiles));
    }
    return rule;
  }

  function member(element: ElementRule, json: string, code: string, profiles: readonly string[] = []): Member {
    const isPrimitive = /^[a-z]/.test(code);
    const targets = code === 'Reference' ? targetTypes(profiles) : undefined;
    return {
      json,
      element,
      code,
      isPrimitive,
      ...(targets === undefined ? {} : { targets }),
      get type() {
        const type = of(isPrimitive ? 'Element' : code);
        if (type === undefined) throw new Error(`R4's definitions lack the type ${code}`);
        Object.defineProperty(this, 'type', { value: type });
        return type;
      },
    };
  }

  function setOf(url: string): ReadonlySet<string> | undefined {
    const listed = Object.hasOwn(definitions.valueSets, url) ? definitions.valueSets[url] : undefined;
    if (listed === undefined) return undefined;
    let set = sets.get(url);
    if (set === undefined) {
      set = new Set(listed);
      sets.set(url, set);
    }
    return set;
  }

  return {
    of,
    resource(name) {
      if (typeof name !== 'string' || ABSTRACT.has(name)) return undefined;
      const type = of(name);
      return type?.isResource === true ? type : undefined;
    },
  };
}

function targetTypes(profiles: readonly string[]): ReadonlySet<string> | undefined {
  const names = profiles.map((url) => (url.startsWith(STRUCTURE) ? url.slice(STRUCTURE.length) : ''));
  return names.length === 0 || names.includes('Resource') || names.includes('') ? undefined : new Set(names);
}

function systemType(code: string): string {
  return code.startsWith('http://hl7.org/fhirpath/System.') ? 'string' : code;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
