import { randomUUID } from 'node:crypto';
import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../../operations/operation.ts';
import { instant } from '../../resource-text.ts';
import type { CodeSystemTable } from '../code-system-table.ts';
import { rejectTerminology } from '../codes.ts';
import type { CompactDesignation } from '../compact-system.ts';
import { TERMINOLOGY_LIMITS } from '../limits.ts';
import type { Members, SystemMembers } from '../members.ts';
import { NO, PERHAPS, YES } from '../truth.ts';
import { composeJson, designationJson } from './definition-json.ts';
import { type FoundValueSet, findValueSet, type TerminologyOperationOptions, unsupported } from './find-terminology.ts';
import { fault, type ReadParameters, readParameters } from './read-parameters.ts';

/** What R4 names and is not here (context, date, versions forced on others' definitions) is refused by its name. */
const SPEC = {
  url: 'text',
  valueSet: 'ValueSet',
  valueSetVersion: 'text',
  filter: 'text',
  offset: 'count',
  count: 'count',
  includeDesignations: 'boolean',
  includeDefinition: 'boolean',
  activeOnly: 'boolean',
  excludeNested: 'boolean',
  excludeNotForUI: 'boolean',
  excludePostCoordinated: 'boolean',
  displayLanguage: 'text',
} as const;

/** A code of an expansion before it is written. */
interface Expanded {
  readonly system: string;
  readonly table: CodeSystemTable | undefined;
  readonly index: number | undefined;
  readonly code: string;
  readonly display: string | undefined;
}

/** ValueSet/$expand (R4). The expansion is flat, whatever `excludeNested` says: R4 leaves nesting to the server. */
export function createExpand(options: TerminologyOperationOptions): FhirOperation {
  return {
    name: '$expand',
    definition: 'http://hl7.org/fhir/OperationDefinition/ValueSet-expand',
    on: ['type', 'instance'],
    types: ['ValueSet'],
    get: true,
    run: (context, call) => expand(options, context, call),
  };
}

async function expand(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
): Promise<FhirResult> {
  const parameters = readParameters(call, SPEC);
  judgeLanguage(parameters);
  const found = await findValueSet(options, context, call, parameters);
  judgeKnown(found);
  const count = parameters.count('count');
  const offset = parameters.count('offset') ?? 0;
  const most = Math.min(count ?? TERMINOLOGY_LIMITS.expansionCodes, TERMINOLOGY_LIMITS.expansionCodes);
  const passes = codeTest(parameters);
  const page: Expanded[] = [];
  const used = new Map<string, CodeSystemTable | undefined>();
  let total = 0;
  for (const entry of codesOf(found)) {
    if (!passes(entry)) continue;
    used.set(entry.system, entry.table);
    if (total >= offset && page.length < most) page.push(entry);
    total++;
  }
  if (count === undefined && total - offset > TERMINOLOGY_LIMITS.expansionCodes)
    throw rejectTerminology('EXPANSION_TOO_COSTLY', { codes: total, limit: TERMINOLOGY_LIMITS.expansionCodes });
  const { valueSet } = found;
  const withDesignations = parameters.flag('includeDesignations') === true;
  const answer = {
    resourceType: 'ValueSet',
    ...(valueSet.url === '' ? {} : { url: valueSet.url }),
    ...(valueSet.version === undefined ? {} : { version: valueSet.version }),
    ...(valueSet.name === undefined ? {} : { name: valueSet.name }),
    ...(valueSet.title === undefined ? {} : { title: valueSet.title }),
    status: valueSet.status,
    ...(parameters.flag('includeDefinition') === true ? composeJson(valueSet) : {}),
    expansion: {
      identifier: `urn:uuid:${randomUUID()}`,
      timestamp: instant(context.clock()),
      total,
      offset,
      ...listOrNothing('parameter', [...echoOf(parameters), ...versionsOf(used)]),
      ...listOrNothing(
        'contains',
        page.map((entry) => containsJson(entry, withDesignations)),
      ),
    },
  };
  return { status: 200, body: JSON.stringify(answer) };
}

/** Displays are in the language of the definitions, which is English. */
export function judgeLanguage(parameters: ReadParameters): void {
  const language = parameters.text('displayLanguage');
  if (language !== undefined && !/^en(?:-|$)/i.test(language))
    throw fault('displayLanguage', 'only en is supported here');
}

/** Refuses what cannot be listed in full: an expansion that leaves out codes would be a wrong answer. */
function judgeKnown({ members, terminology: { store } }: FoundValueSet): void {
  const missing = [...members.gaps];
  let isKnown = members.other === NO;
  for (const [system, { codes, rest }] of members.systems) {
    const open = rest === PERHAPS || (rest === YES && store.system(system)?.isComplete !== true);
    if (!open && ![...codes.values()].includes(PERHAPS)) continue;
    isKnown = false;
    if (missing.length === 0) missing.push({ at: system, reason: 'content of the code system not here' });
  }
  if (!isKnown) throw unsupported(missing);
}

function* codesOf({ members, terminology: { store } }: FoundValueSet): Generator<Expanded> {
  for (const [system, some] of (members as Members).systems) {
    const table = store.system(system);
    if (some.rest === YES && table !== undefined) yield* wholeSystem(system, table, some);
    for (const [key, truth] of some.codes) {
      const index = table?.indexOf(key);
      if (truth !== YES || (some.rest === YES && index !== undefined)) continue;
      const code = some.spellings?.get(key) ?? (index === undefined ? key : (table as CodeSystemTable).code(index));
      yield { system, table, index, code, display: displayOf(some, key, table, index) };
    }
  }
}

function* wholeSystem(system: string, table: CodeSystemTable, some: SystemMembers): Generator<Expanded> {
  for (let index = 0; index < table.size; index++) {
    const code = table.code(index);
    const key = table.fold(code);
    if ((some.codes.get(key) ?? YES) !== YES || table.indexOf(code) !== index) continue;
    yield { system, table, index, code, display: displayOf(some, key, table, index) };
  }
}

function displayOf(
  some: SystemMembers,
  key: string,
  table: CodeSystemTable | undefined,
  index: number | undefined,
): string | undefined {
  return some.displays?.get(key) ?? (index === undefined ? undefined : table?.display(index));
}

function codeTest(parameters: ReadParameters): (entry: Expanded) => boolean {
  const words = (parameters.text('filter') ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  if (words.length > 20) throw fault('filter', 'has more than 20 words');
  const activeOnly = parameters.flag('activeOnly') === true;
  const forUserInterface = parameters.flag('excludeNotForUI') === true;
  return ({ table, index, code, display }) => {
    if (index !== undefined && table !== undefined) {
      if (activeOnly && table.isInactive(index)) return false;
      if (forUserInterface && table.isAbstract(index)) return false;
    }
    const text = `${code} ${display ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

function containsJson({ system, table, index, code, display }: Expanded, withDesignations: boolean): object {
  const known = table === undefined || index === undefined ? undefined : { table, index };
  const designations: readonly CompactDesignation[] =
    known === undefined || !withDesignations ? [] : known.table.designations(known.index);
  return {
    system,
    ...(known?.table.isAbstract(known.index) ? { abstract: true } : {}),
    ...(known?.table.isInactive(known.index) ? { inactive: true } : {}),
    ...(known?.table.system.version === undefined ? {} : { version: known.table.system.version }),
    code,
    ...(display === undefined ? {} : { display }),
    ...listOrNothing('designation', designations.map(designationJson)),
  };
}

/** Parameters that shaped the expansion (R4 ValueSet.expansion.parameter). */
function echoOf(parameters: ReadParameters): object[] {
  const echo: object[] = [];
  for (const [name, type] of Object.entries(SPEC)) {
    if (name === 'url' || name === 'valueSetVersion') continue;
    if (type === 'text' && parameters.text(name) !== undefined) echo.push({ name, valueString: parameters.text(name) });
    if (type === 'count' && parameters.count(name) !== undefined)
      echo.push({ name, valueInteger: parameters.count(name) });
    if (type === 'boolean' && parameters.flag(name) !== undefined)
      echo.push({ name, valueBoolean: parameters.flag(name) });
  }
  return echo;
}

function versionsOf(used: ReadonlyMap<string, CodeSystemTable | undefined>): object[] {
  return [...used].flatMap(([system, table]) =>
    table?.system.version === undefined ? [] : [{ name: 'version', valueUri: `${system}|${table.system.version}` }],
  );
}

/** FHIR has no empty arrays. */
function listOrNothing(name: string, list: readonly object[]): object {
  return list.length > 0 ? { [name]: list } : {};
}
