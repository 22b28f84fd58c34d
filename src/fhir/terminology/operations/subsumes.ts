import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../../operations/operation.ts';
import type { CodeSystemTable } from '../code-system-table.ts';
import { printable, rejectTerminology } from '../codes.ts';
import { textOf } from '../compact-system.ts';
import { canonicalAsked, findSystem, type TerminologyOperationOptions, unsupported } from './find-terminology.ts';
import { fault, parametersText, type ReadParameters, readParameters } from './read-parameters.ts';

const SPEC = {
  codeA: 'text',
  codeB: 'text',
  system: 'text',
  version: 'text',
  codingA: 'Coding',
  codingB: 'Coding',
} as const;

/** CodeSystem/$subsumes (R4), for two codes of one system whose hierarchy means is-a. */
export function createSubsumes(options: TerminologyOperationOptions): FhirOperation {
  return {
    name: '$subsumes',
    definition: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes',
    on: ['type', 'instance'],
    types: ['CodeSystem'],
    get: true,
    run: (context, call) => subsumes(options, context, call),
  };
}

async function subsumes(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
): Promise<FhirResult> {
  const parameters = readParameters(call, SPEC);
  const a = sideOf(parameters, 'A');
  const b = sideOf(parameters, 'B');
  const systems = new Set([a.system, b.system, parameters.text('system')].filter((system) => system !== undefined));
  if (systems.size > 1) throw unsupported([{ at: [...systems].join(' '), reason: 'code system not here' }]);
  const [system] = systems;
  const asked = canonicalAsked(parameters, 'system', 'version') ?? (call.id === undefined ? system : undefined);
  if (call.id === undefined && asked === undefined) throw fault('system', 'needed');
  const { url, table } = await findSystem(options, context, call, { url: asked });
  if (system !== undefined && system.split('|')[0] !== url)
    throw fault('system', 'is not the code system at this address');
  if (table === undefined || !table.isTaxonomy)
    throw unsupported([{ at: url, reason: 'content of the code system not here' }]);
  const outcome = relation(table, indexOf(table, a.code), indexOf(table, b.code));
  return { status: 200, body: parametersText([{ name: 'outcome', valueCode: outcome }]) };
}

function sideOf(parameters: ReadParameters, side: 'A' | 'B'): { code: string; system: string | undefined } {
  const coding = parameters.object(`coding${side}`);
  const code = parameters.text(`code${side}`);
  if ((coding === undefined) === (code === undefined))
    throw fault(`code${side}`, `send either code${side} or coding${side}`);
  const value = code ?? textOf(coding?.code);
  if (value === undefined) throw fault(`coding${side}`, 'needs a code');
  return { code: value, system: textOf(coding?.system) };
}

function indexOf(table: CodeSystemTable, code: string): number {
  const index = table.indexOf(code);
  if (index !== undefined) return index;
  if (table.isComplete) throw rejectTerminology('TERMINOLOGY_CODE_UNKNOWN', { system: printable(table.system.url) });
  throw unsupported([{ at: table.system.url, reason: 'content of the code system not here' }]);
}

/** R4 concept-subsumption-outcome. */
function relation(table: CodeSystemTable, a: number, b: number): string {
  if (a === b) return 'equivalent';
  if (table.selfAndAbove(b).has(a)) return 'subsumes';
  if (table.selfAndAbove(a).has(b)) return 'subsumed-by';
  if (!table.isComplete) throw unsupported([{ at: table.system.url, reason: 'content of the code system not here' }]);
  return 'not-subsumed';
}
