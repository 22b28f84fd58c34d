import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import type { Constraint } from './constraint.ts';
import { isCheckedByWalk } from './constraint.ts';
import type { TypeRule, TypeRules } from './type-rules.ts';

/** A type that a profile lets an element have. */
export interface ProfiledType {
  readonly code: string;
  readonly profiles: readonly string[];
  readonly targets: readonly string[];
}

export interface Slicing {
  readonly discriminators: readonly { readonly type: string; readonly path: string }[];
  readonly rules: 'open' | 'closed' | 'openAtEnd';
  readonly isOrdered: boolean;
}

/** What a profile says of one element (of one slice of it, where it has a slice name). */
export interface ProfileElement {
  /** As the type names it: `code`, `value[x]`. */
  readonly name: string;
  readonly sliceName?: string;
  readonly min: number;
  readonly max: number;
  /** Undefined where the profile leaves R4's types as they are. */
  readonly types?: readonly ProfiledType[];
  readonly fixed?: unknown;
  readonly pattern?: unknown;
  readonly binding?: { readonly strength: 'required' | 'extensible'; readonly valueSet: string };
  readonly constraints: readonly Constraint[];
  readonly maxLength?: number;
  readonly minValue?: unknown;
  readonly maxValue?: unknown;
  readonly children: readonly ProfileElement[];
  readonly slicing?: Slicing;
  readonly slices: readonly ProfileElement[];
  /** Element of the same profile whose rules hold here too. */
  readonly sameAs?: () => ProfileElement | undefined;
}

/** A profile, ready to be held against an element of its type. */
export interface ProfileRule {
  readonly url: string;
  /** Type that it constrains. */
  readonly type: string;
  readonly root: ProfileElement;
}

interface Draft {
  definition: ElementDefinition;
  children: Draft[];
  slices: Draft[];
}

/**
 * Compiles a profile's snapshot: a tree of what it adds to R4. Elements of which it says nothing new are left out, so
 * that holding a resource against it costs what it asks. Undefined without a snapshot.
 */
export function compileProfile(structure: StructureDefinition, rules: TypeRules): ProfileRule | undefined {
  const [first, ...rest] = structure.snapshot?.element ?? [];
  if (first?.path === undefined || structure.type === undefined || structure.url === undefined) return undefined;
  const root: Draft = { definition: first, children: [], slices: [] };
  const byId = new Map<string, Draft>([[first.id ?? first.path, root]]);
  const open = new Map<string, Draft>([[first.path, root]]);
  for (const definition of rest) {
    const path = definition.path ?? '';
    const parent = open.get(path.slice(0, path.lastIndexOf('.')));
    if (parent === undefined) continue;
    const draft: Draft = { definition, children: [], slices: [] };
    byId.set(definition.id ?? path, draft);
    place(draft, parent, path);
    open.set(path, draft);
  }
  const context: Compile = { structure, rules, byId, made: new Map(), root: first.path };
  return { url: structure.url, type: structure.type, root: elementOf(root, structure.type, undefined, context) };
}

/** A slice stands below the element that it is a slice of; a slice `a/b` below the slice `a`. */
function place(draft: Draft, parent: Draft, path: string): void {
  const { sliceName } = draft.definition;
  const whole = parent.children.findLast(({ definition }) => definition.path === path);
  if (sliceName === undefined || whole === undefined) {
    parent.children.push(draft);
    return;
  }
  const outer = whole.slices.find(({ definition }) => sliceName.startsWith(`${definition.sliceName}/`));
  (outer ?? whole).slices.push(draft);
}

interface Compile {
  readonly structure: StructureDefinition;
  readonly rules: TypeRules;
  readonly byId: ReadonlyMap<string, Draft>;
  readonly made: Map<Draft, ProfileElement>;
  /** Path of the first element. */
  readonly root: string;
}

/** `typeName` is the element's type by R4, where it is one; it gives the rules that need not be repeated. */
function elementOf(
  draft: Draft,
  typeName: string | undefined,
  parent: TypeRule | undefined,
  all: Compile,
): ProfileElement {
  const { definition } = draft;
  const last = (definition.path ?? '').split('.').at(-1) ?? '';
  const name = parent === undefined ? last : nameIn(parent, last);
  const base = parent?.elements.get(name);
  const own = typeName === undefined ? undefined : all.rules.of(typeName);
  const known = new Set([...(base?.constraints ?? []), ...(own?.constraints ?? [])].map(({ key }) => key));
  const choice = name === last ? undefined : parent?.members.get(last)?.code;
  const types = typesOf(definition, base?.members.map(({ code }) => code) ?? [], choice);
  const binding = bindingOf(definition, base?.valueSet);
  const slicing = slicingOf(definition);
  const children = draft.children.map((child) => childOf(child, own, all)).filter((child) => child !== undefined);
  const { sliceName, maxLength } = definition;
  const element: ProfileElement = {
    name,
    ...(sliceName === undefined ? {} : { sliceName }),
    min: definition.min ?? 0,
    max: definition.max === '*' || definition.max === undefined ? Number.POSITIVE_INFINITY : Number(definition.max),
    ...(types === undefined ? {} : { types }),
    ...choiceValue(definition, 'fixed'),
    ...choiceValue(definition, 'pattern'),
    ...choiceValue(definition, 'minValue'),
    ...choiceValue(definition, 'maxValue'),
    ...(maxLength === undefined ? {} : { maxLength }),
    ...(binding === undefined ? {} : { binding }),
    constraints: constraintsOf(definition, known),
    children,
    ...(slicing === undefined ? {} : { slicing }),
    slices: draft.slices.map((slice) => elementOf(slice, typeOf(slice, base, all), parent, all)),
    ...sameAs(definition, all),
  };
  all.made.set(draft, element);
  return element;
}

/** A child that asks for nothing new is left out. */
function childOf(draft: Draft, parent: TypeRule | undefined, all: Compile): ProfileElement | undefined {
  const last = (draft.definition.path ?? '').split('.').at(-1) ?? '';
  const base = parent?.elements.get(parent === undefined ? last : nameIn(parent, last));
  const element = elementOf(draft, typeOf(draft, base, all), parent, all);
  const asksNothing =
    base !== undefined &&
    element.min <= base.min &&
    element.max >= base.max &&
    element.types === undefined &&
    element.binding === undefined &&
    element.constraints.length === 0 &&
    element.children.length === 0 &&
    element.slices.length === 0 &&
    element.slicing?.rules !== 'closed' &&
    !('fixed' in element || 'pattern' in element || 'minValue' in element || 'maxValue' in element) &&
    element.maxLength === undefined &&
    element.sameAs === undefined;
  return asksNothing ? undefined : element;
}

/** Name of the element that a path's last part stands for: some tools write `valueQuantity` for `value[x]`. */
function nameIn(parent: TypeRule, last: string): string {
  if (parent.elements.has(last)) return last;
  return parent.members.get(last)?.element.name ?? last;
}

/** The one type of an element by R4 (a backbone has a type of its own); undefined where there are several. */
function typeOf(
  { definition }: Draft,
  base: { members: readonly { code: string }[] } | undefined,
  all: Compile,
): string | undefined {
  const codes = new Set((base?.members ?? []).map(({ code }) => code));
  const named = new Set((definition.type ?? []).map(({ code }) => systemless(code)));
  if (codes.size === 1) {
    const [only] = [...codes];
    return only === 'Resource' && named.size === 1 ? [...named][0] : only;
  }
  const [only] = [...named];
  return named.size === 1 && only !== undefined && all.rules.of(only) !== undefined ? only : undefined;
}

function systemless(code: string | undefined): string {
  return (code ?? '').replace('http://hl7.org/fhirpath/System.', '').replace(/^String$/, 'string');
}

function typesOf(definition: ElementDefinition, base: readonly string[], choice?: string): ProfiledType[] | undefined {
  const declared = (definition.type ?? []).map(({ code, profile = [], targetProfile = [] }) => ({
    code: systemless(code),
    profiles: profile,
    targets: targetProfile.filter((url) => url !== 'http://hl7.org/fhir/StructureDefinition/Resource'),
  }));
  const types = choice === undefined ? declared : declared.filter(({ code }) => code === choice);
  const isNarrowed =
    base.length > 1 && types.length > 0 && base.some((code) => !types.some((one) => one.code === code));
  const isProfiled = types.some(({ profiles, targets }) => profiles.length > 0 || targets.length > 0);
  return isNarrowed || isProfiled ? types : undefined;
}

function bindingOf({ binding }: ElementDefinition, base: string | undefined): ProfileElement['binding'] {
  const strength = binding?.strength;
  if (binding?.valueSet === undefined || (strength !== 'required' && strength !== 'extensible')) return undefined;
  if (strength === 'required' && binding.valueSet.split('|')[0] === base) return undefined;
  return { strength, valueSet: binding.valueSet };
}

function slicingOf({ slicing }: ElementDefinition): Slicing | undefined {
  if (slicing === undefined) return undefined;
  return {
    discriminators: (slicing.discriminator ?? []).map(({ type, path }) => ({
      type: type ?? 'value',
      path: path ?? '$this',
    })),
    rules: slicing.rules ?? 'open',
    isOrdered: slicing.ordered === true,
  };
}

function choiceValue(
  definition: ElementDefinition,
  kind: 'fixed' | 'pattern' | 'minValue' | 'maxValue',
): Record<string, unknown> {
  for (const [name, value] of Object.entries(definition)) {
    if (name.startsWith(kind) && /^[A-Z]/.test(name.slice(kind.length))) return { [kind]: value };
  }
  return {};
}

function constraintsOf({ constraint = [] }: ElementDefinition, known: ReadonlySet<string>): Constraint[] {
  return constraint.flatMap(({ key, expression, severity }) =>
    key === undefined || expression === undefined || known.has(key) || isCheckedByWalk(key, expression)
      ? []
      : [{ key, expression, severity: severity === 'warning' ? ('warning' as const) : ('error' as const) }],
  );
}

function sameAs({ contentReference }: ElementDefinition, all: Compile): { sameAs?: () => ProfileElement | undefined } {
  if (contentReference === undefined) return {};
  const draft = all.byId.get(contentReference.slice(contentReference.indexOf('#') + 1));
  if (draft === undefined) return {};
  return { sameAs: () => all.made.get(draft) };
}
