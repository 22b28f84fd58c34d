/**
 * Reads the FHIR Shorthand that the example instances of IHE PCF are written in: `Instance:` blocks with rules
 * `* path = value`, soft indices (`[+]`, `[=]`), named slices, `insert` of a RuleSet, aliases. Not a FSH compiler:
 * which elements repeat, and which are CodeableConcepts, it knows of the resources in those examples only.
 */
export interface FshInstance {
  readonly id: string;
  readonly instanceOf: string;
  readonly resource: Readonly<Record<string, unknown>>;
}

type Node = Record<string, unknown>;

const REPEATING = new Set([
  'security',
  'category',
  'performer',
  'organization',
  'policy',
  'purpose',
  'actor',
  'securityLabel',
  'data',
  'action',
  'class',
  'verification',
  'note',
  'component',
  'coding',
  'telecom',
  'name',
  'address',
  'given',
  'member',
  'target',
  'agent',
  'entity',
]);

const CONCEPTS = new Set(['scope', 'category', 'role', 'code']);

/** All instances of `texts`, by id; RuleSets and aliases may stand in any of them. */
export function readFsh(texts: readonly string[]): ReadonlyMap<string, FshInstance> {
  const lines = texts.flatMap((text) => stripBlocks(text).split('\n'));
  const aliases = new Map<string, string>();
  const ruleSets = new Map<string, string[]>();
  const instances: { id: string; instanceOf: string; rules: string[] }[] = [];
  let rules: string[] | undefined;
  for (const line of lines) {
    const [, keyword, rest = ''] =
      /^(Alias|RuleSet|Instance|InstanceOf|Profile|ValueSet|CodeSystem|Extension|Invariant|Logical):\s*(.*?)\s*$/.exec(
        line,
      ) ?? [];
    if (keyword === 'Alias') {
      const [name = '', system = ''] = rest.split(/\s*=\s*/);
      aliases.set(name, system);
    } else if (keyword === 'InstanceOf') {
      const instance = instances.at(-1);
      if (instance !== undefined) instance.instanceOf = rest;
    } else if (keyword !== undefined) {
      rules = [];
      if (keyword === 'RuleSet') ruleSets.set(rest, rules);
      if (keyword === 'Instance') instances.push({ id: rest, instanceOf: '', rules });
    } else if (line.startsWith('* ')) rules?.push(line.slice(2).trim());
  }
  return new Map(
    instances.map(({ id, instanceOf, rules: own }) => {
      const resource: Node = {};
      const indices = new Map<string, number>();
      for (const rule of own.flatMap((line) => expand(line, ruleSets))) applyRule(resource, rule, aliases, indices);
      return [id, { id, instanceOf, resource }];
    }),
  );
}

/** Without descriptions in triple quotes and comments, in which anything may stand. */
function stripBlocks(text: string): string {
  return text
    .replace(/"""[\s\S]*?"""/g, '""')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

function expand(rule: string, ruleSets: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const [, name] = /^insert (\S+)$/.exec(rule) ?? [];
  if (name === undefined) return [rule];
  const found = ruleSets.get(name);
  if (found === undefined) throw new Error(`no RuleSet ${name}`);
  return found.flatMap((line) => expand(line, ruleSets));
}

function applyRule(
  resource: Node,
  rule: string,
  aliases: ReadonlyMap<string, string>,
  indices: Map<string, number>,
): void {
  const [, path, text] = /^(\S+)\s*=\s*(.+)$/.exec(rule) ?? [];
  // What is no assignment constrains a profile and says nothing of an instance.
  if (path === undefined || text === undefined) return;
  const segments = path.match(/[^.[\]]+(?:\[[^\]]+\])*/g) ?? [];
  let node: Node = resource;
  let at = '';
  for (const [depth, segment] of segments.entries()) {
    const name = segment.replace(/\[.*$/, '');
    at += `.${name}`;
    const isLast = depth === segments.length - 1;
    const isRepeating = REPEATING.has(name) || (name === 'provision' && depth > 0);
    const value = isLast ? readValue(text, name, aliases) : undefined;
    if (!isRepeating) {
      if (isLast) node[name] = value;
      else node = entered(node, name, {});
      continue;
    }
    const list = entered<unknown[]>(node, name, []);
    const slice = `${at}${/\[(?![+=\d])[^\]]+\]/.exec(segment)?.[0] ?? ''}`;
    const index = indexOf(segment, slice, indices);
    at += `[${index}]`;
    if (isLast) list[index] = value;
    else node = entered(list, index, {});
  }
}

/** What `holder` holds at `at`; `fresh`, put there, when it holds nothing. */
function entered<T = Node>(holder: object, at: string | number, fresh: T): T {
  const entries = holder as Record<string | number, T>;
  entries[at] ??= fresh;
  return entries[at];
}

/** `[+]` goes to the next entry, `[=]` and none stay at the present one, of the list or of a slice of it. */
function indexOf(segment: string, slice: string, indices: Map<string, number>): number {
  const present = indices.get(slice);
  const index = segment.includes('[+]') ? (present ?? -1) + 1 : (present ?? 0);
  indices.set(slice, index);
  return index;
}

function readValue(text: string, name: string, aliases: ReadonlyMap<string, string>): unknown {
  const [, reference] = /^Reference\(([^)]+)\)$/.exec(text) ?? [];
  if (reference !== undefined) return { reference };
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(text) ?? [];
  if (quoted !== undefined) return quoted;
  const [, system, code] = /^([^\s#]*)#(\S+)(?:\s+"[^"]*")?$/.exec(text) ?? [];
  if (system === undefined || code === undefined) return text;
  if (system === '') return code;
  const coding = { system: aliases.get(system) ?? system, code };
  return CONCEPTS.has(name) ? { coding: [coding] } : coding;
}
