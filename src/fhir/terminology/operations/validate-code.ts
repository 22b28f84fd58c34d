import type { FhirContext, FhirResult } from '../../context.ts';
import type { FhirOperation, OperationCall } from '../../operations/operation.ts';
import type { CodeSystemTable } from '../code-system-table.ts';
import { printable } from '../codes.ts';
import { objectsOf, textOf } from '../compact-system.ts';
import { GRAMMARS } from '../grammars.ts';
import { TERMINOLOGY_LIMITS } from '../limits.ts';
import { NO, PERHAPS, type Truth, YES } from '../truth.ts';
import { judgeLanguage } from './expand.ts';
import {
  canonicalAsked,
  findSystem,
  findValueSet,
  type TerminologyOperationOptions,
  unsupported,
} from './find-terminology.ts';
import { fault, parametersText, type ReadParameters, readParameters } from './read-parameters.ts';

const CODES_SENT = {
  code: 'text',
  display: 'text',
  coding: 'Coding',
  codeableConcept: 'CodeableConcept',
  abstract: 'boolean',
  displayLanguage: 'text',
} as const;

const VALUE_SET_SPEC = {
  ...CODES_SENT,
  url: 'text',
  valueSet: 'ValueSet',
  valueSetVersion: 'text',
  system: 'text',
  systemVersion: 'text',
} as const;

const SYSTEM_SPEC = { ...CODES_SENT, url: 'text', codeSystem: 'CodeSystem', version: 'text' } as const;

/** A coding to be judged. */
interface Coding {
  readonly system: string;
  readonly version: string | undefined;
  readonly code: string;
  readonly display: string | undefined;
}

/** What one coding came to. */
interface Verdict {
  readonly truth: Truth;
  readonly message?: string;
  readonly display?: string | undefined;
}

/** ValueSet/$validate-code (R4). What cannot be told is refused as not supported, never answered by false. */
export function createValidateInValueSet(options: TerminologyOperationOptions): FhirOperation {
  return {
    name: '$validate-code',
    definition: 'http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code',
    on: ['type', 'instance'],
    types: ['ValueSet'],
    get: true,
    async run(context, call) {
      const parameters = readParameters(call, VALUE_SET_SPEC);
      judgeLanguage(parameters);
      const codings = codingsOf(parameters, parameters.text('system'), parameters.text('systemVersion'));
      const { valueSet, members, terminology } = await findValueSet(options, context, call, parameters);
      return answer(codings, members.gaps, (coding) => {
        const versioned = coding.version === undefined ? coding.system : `${coding.system}|${coding.version}`;
        const table = terminology.store.system(versioned);
        if (table === undefined && terminology.store.system(coding.system) !== undefined) return { truth: PERHAPS };
        const truth = terminology.isMember(members, { system: coding.system, code: coding.code });
        if (truth === PERHAPS) return { truth };
        const name = printable(valueSet.url === '' ? 'the value set' : valueSet.url);
        if (truth === NO) {
          const isCode = terminology.hasCode(coding.system, coding.code) !== NO;
          const why = isCode ? `is not in ${name}` : 'is no code of its system';
          return { truth, message: `${named(coding)} ${why}` };
        }
        const own = members.systems.get(coding.system)?.displays?.get(table?.fold(coding.code) ?? coding.code);
        return judged(coding, table, own, parameters.flag('abstract'));
      });
    },
  };
}

/** CodeSystem/$validate-code (R4). */
export function createValidateInSystem(options: TerminologyOperationOptions): FhirOperation {
  return {
    name: '$validate-code',
    definition: 'http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code',
    on: ['type', 'instance'],
    types: ['CodeSystem'],
    get: true,
    run: (context, call) => validateInSystem(options, context, call),
  };
}

async function validateInSystem(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
): Promise<FhirResult> {
  const parameters = readParameters(call, SYSTEM_SPEC);
  judgeLanguage(parameters);
  const { url, table } = await findSystem(options, context, call, {
    url: canonicalAsked(parameters, 'url', 'version'),
    sent: parameters.object('codeSystem'),
  });
  const codings = codingsOf(parameters, url, parameters.text('version'));
  const gap = { at: url, reason: 'content of the code system not here' } as const;
  return answer(codings, [gap], (coding) => {
    if (coding.system !== url) return { truth: NO, message: `${named(coding)} is of another code system` };
    const { version } = table?.system ?? {};
    if (
      coding.version !== undefined &&
      version !== undefined &&
      coding.version !== version &&
      parameters.text('version') === undefined
    )
      return { truth: PERHAPS };
    if (table?.has(coding.code)) return judged(coding, table, undefined, parameters.flag('abstract'));
    const truth = table?.isComplete ? NO : (GRAMMARS.get(url)?.(coding.code) ?? PERHAPS);
    return truth === NO ? { truth, message: `${named(coding)} is no code of its system` } : { truth };
  });
}

/** A member: what is left to judge is how it was shown and used. */
function judged(
  { code, display, system, version }: Coding,
  table: CodeSystemTable | undefined,
  own: string | undefined,
  abstract: boolean | undefined,
): Verdict {
  const index = table?.indexOf(code);
  const known = table === undefined || index === undefined ? undefined : { table, index };
  const preferred = own ?? known?.table.display(known.index);
  if (abstract === false && known?.table.isAbstract(known.index))
    return { truth: NO, message: `${named({ code, display, system, version })} is abstract`, display: preferred };
  const displays = [own, ...(known === undefined ? [] : displaysOf(known.table, known.index))].filter(
    (text) => text !== undefined,
  );
  if (display === undefined || displays.some((text) => sameDisplay(text, display)))
    return { truth: YES, display: preferred };
  if (displays.length === 0) return { truth: YES, message: 'The display was not checked: none is defined here' };
  return { truth: NO, message: 'The display is not one of this code', display: preferred };
}

function displaysOf(table: CodeSystemTable, index: number): (string | undefined)[] {
  return [table.display(index), ...table.designations(index).map(([, , , value]) => value)];
}

function sameDisplay(a: string, b: string): boolean {
  const plain = (text: string) => text.trim().replace(/\s+/g, ' ').toLowerCase();
  return plain(a) === plain(b);
}

function named({ system, code }: Coding): string {
  return `${printable(system)}|${printable(code)}`;
}

/** True when one coding is valid (R4: of a CodeableConcept any); not told when none is and one cannot be told. */
function answer(
  codings: readonly Coding[],
  gaps: Parameters<typeof unsupported>[0],
  judge: (coding: Coding) => Verdict,
): FhirResult {
  const verdicts = codings.map(judge);
  const [best] = [...verdicts].sort((a, b) => b.truth - a.truth) as [Verdict];
  if (best.truth === PERHAPS)
    throw unsupported(
      gaps.length > 0 ? gaps : [{ at: codings[0]?.system ?? '', reason: 'content of the code system not here' }],
    );
  const messages = best.truth === YES ? [best.message] : verdicts.map(({ message }) => message);
  const message = messages.filter((text) => text !== undefined).join('; ');
  const body = parametersText([
    { name: 'result', valueBoolean: best.truth === YES },
    message === '' ? undefined : { name: 'message', valueString: message },
    best.display === undefined ? undefined : { name: 'display', valueString: best.display },
  ]);
  return { status: 200, body };
}

function codingsOf(parameters: ReadParameters, system: string | undefined, version: string | undefined): Coding[] {
  const code = parameters.text('code');
  const coding = parameters.object('coding');
  const concept = parameters.object('codeableConcept');
  if ([code, coding, concept].filter((way) => way !== undefined).length !== 1)
    throw fault('code', 'send exactly one of code, coding and codeableConcept');
  if (code !== undefined) {
    if (system === undefined) throw fault('system', 'needed with code');
    return [{ system, version, code, display: parameters.text('display') }];
  }
  if (parameters.text('display') !== undefined) throw fault('display', 'goes with code; a coding has its own');
  const list = coding === undefined ? objectsOf(concept?.coding) : [coding];
  if (list.length === 0) throw fault('codeableConcept', 'has no coding');
  if (list.length > TERMINOLOGY_LIMITS.parameters) throw fault('codeableConcept', 'has too many codings');
  return list.map((sent) => {
    const own = { system: textOf(sent.system), code: textOf(sent.code) };
    if (own.system === undefined || own.code === undefined) throw fault('coding', 'needs system and code');
    return { system: own.system, code: own.code, version: textOf(sent.version), display: textOf(sent.display) };
  });
}
