import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../../operations/operation.ts';
import type { CodeSystemTable } from '../code-system-table.ts';
import { printable, rejectTerminology } from '../codes.ts';
import { textOf } from '../compact-system.ts';
import { judgeLanguage } from './expand.ts';
import { findSystem, type TerminologyOperationOptions, unsupported } from './find-terminology.ts';
import { fault, parametersText, readParameters } from './read-parameters.ts';

const SPEC = {
  code: 'text',
  system: 'text',
  version: 'text',
  coding: 'Coding',
  displayLanguage: 'text',
  property: ['text'],
} as const;

/** What R4 always answers by a parameter of its own. */
const OWN_PARAMETERS = new Set(['url', 'name', 'version', 'code', 'display']);
/** Children that are listed of one concept. */
const MAX_CHILDREN = 1_000;
/** Types of a property's value (R4 CodeSystem.concept.property.value[x]). */
const VALUE_TYPES = new Set(['Code', 'Coding', 'String', 'Integer', 'Boolean', 'DateTime', 'Decimal']);

/** CodeSystem/$lookup (R4). Without `property`, all that is known of the concept is answered. */
export function createLookup(options: TerminologyOperationOptions): FhirOperation {
  return {
    name: '$lookup',
    definition: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup',
    on: ['type'],
    types: ['CodeSystem'],
    get: true,
    run: (context, call) => lookup(options, context, call),
  };
}

async function lookup(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
): Promise<FhirResult> {
  const parameters = readParameters(call, SPEC);
  judgeLanguage(parameters);
  const coding = parameters.object('coding');
  if ((coding === undefined) === (parameters.text('code') === undefined))
    throw fault('code', 'send either code with system, or coding');
  const code = parameters.text('code') ?? textOf(coding?.code);
  const system = parameters.text('system') ?? textOf(coding?.system);
  const version = parameters.text('version') ?? textOf(coding?.version);
  if (code === undefined || system === undefined) throw fault('system', 'code and system are both needed');
  const url = version === undefined ? system : `${system.split('|')[0]}|${version}`;
  const found = await findSystem(options, context, call, { url });
  const index = found.table?.indexOf(code);
  if (found.table === undefined || index === undefined) {
    if (found.table?.isComplete) throw rejectTerminology('TERMINOLOGY_CODE_UNKNOWN', { system: printable(system) });
    throw unsupported([{ at: found.url, reason: 'content of the code system not here' }]);
  }
  return { status: 200, body: conceptText(found.table, index, new Set(parameters.texts('property'))) };
}

function conceptText(table: CodeSystemTable, index: number, asked: ReadonlySet<string>): string {
  const { title, name, url, version } = table.system;
  const wants = (property: string) => asked.size === 0 || asked.has(property);
  const designations = table
    .designations(index)
    .filter(([language]) => wants('designation') || asked.has(`lang.${language}`));
  return parametersText([
    { name: 'name', valueString: title ?? name ?? url },
    version === undefined ? undefined : { name: 'version', valueString: version },
    // A concept without a display is shown by its code.
    { name: 'display', valueString: table.display(index) ?? table.code(index) },
    ...designations.map(([language, useSystem, useCode, value]) => ({
      name: 'designation',
      part: [
        ...(language === '' ? [] : [{ name: 'language', valueCode: language }]),
        ...(useCode === ''
          ? []
          : [{ name: 'use', valueCoding: { ...(useSystem === '' ? {} : { system: useSystem }), code: useCode } }]),
        { name: 'value', valueString: value },
      ],
    })),
    ...propertyParts(table, index)
      .filter(({ code }) => !OWN_PARAMETERS.has(code) && wants(code))
      .map(({ part }) => part),
  ]);
}

function propertyParts(
  table: CodeSystemTable,
  index: number,
): { code: string; part: Readonly<Record<string, unknown>> }[] {
  const parts: { code: string; part: Readonly<Record<string, unknown>> }[] = [];
  const put = (code: string, value: object, description?: string) =>
    parts.push({
      code,
      part: {
        name: 'property',
        part: [
          { name: 'code', valueCode: code },
          { name: 'value', ...value },
          ...(description === undefined ? [] : [{ name: 'description', valueString: description }]),
        ],
      },
    });
  const definition = table.definition(index);
  if (definition !== undefined) put('definition', { valueString: definition });
  for (const [code, type, value] of table.properties(index))
    if (VALUE_TYPES.has(type)) put(code, { [`value${type}`]: value });
  if (table.isInactive(index) && !table.properties(index).some(([code]) => code === 'inactive'))
    put('inactive', { valueBoolean: true });
  for (const parent of table.parentsOf(index)) put('parent', { valueCode: table.code(parent) }, table.display(parent));
  for (const child of table.childrenOf(index).slice(0, MAX_CHILDREN))
    put('child', { valueCode: table.code(child) }, table.display(child));
  return parts;
}
