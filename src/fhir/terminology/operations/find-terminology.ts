import type { FhirContext } from '../../context.ts';
import type { OperationCall } from '../../operations/operation.ts';
import { validateStructure } from '../../validate.ts';
import { CodeSystemTable } from '../code-system-table.ts';
import { printable, rejectTerminology } from '../codes.ts';
import { compactSystem, textOf } from '../compact-system.ts';
import { type CompactValueSet, compactValueSet } from '../compact-value-set.ts';
import { createTerminology, type KnownTerminology } from '../create-terminology.ts';
import { GRAMMARS } from '../grammars.ts';
import type { Gap, Members } from '../members.ts';
import { resourceSource } from '../resource-source.ts';
import { createTerminologyStore, type TerminologyKind } from '../terminology-store.ts';
import { fault, type ReadParameters } from './read-parameters.ts';

/** Stored resources come by these ports, so that policy and journal stay with who fills them. */
export interface TerminologyOperationOptions {
  readonly terminology: KnownTerminology;
  /** The resource at `type/id`, parsed, if the caller may read it. */
  readonly stored: (context: FhirContext, type: TerminologyKind, id: string) => Promise<object | undefined>;
  /** The one with that canonical URL (perhaps with `|version`). Without this port, only those with an id are found. */
  readonly storedByUrl?: (
    context: FhirContext,
    type: TerminologyKind,
    canonical: string,
  ) => Promise<object | undefined>;
}

/** A value set that a call is about, with the terminology that evaluated it. */
export interface FoundValueSet {
  readonly valueSet: CompactValueSet;
  readonly members: Members;
  readonly terminology: KnownTerminology;
}

/** Stored resources that one stored value set may bring into its evaluation. */
const MAX_STORED = 20;

/**
 * The value set that a call names: by id (a stored one, else R4's own or a package's of that id, which answer under
 * `ValueSet/<id>` too), by `url` and `valueSetVersion` (definitions and packages first, then stored ones), or sent
 * along. Throws TERMINOLOGY_NOT_FOUND, TERMINOLOGY_PARAMETER_INVALID.
 */
export async function findValueSet(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
  parameters: ReadParameters,
): Promise<FoundValueSet> {
  const url = canonicalAsked(parameters, 'url', 'valueSetVersion');
  const sent = parameters.object('valueSet');
  if ([call.id, url, sent].filter((way) => way !== undefined).length !== 1)
    throw fault('url', 'name the value set once: by its address, by url, or by sending it along');
  if (sent !== undefined) {
    validateStructure(sent as Parameters<typeof validateStructure>[0], context.definitions);
    return evaluated(options, context, sent);
  }
  const stored = call.id === undefined ? undefined : await options.stored(context, 'ValueSet', call.id);
  if (stored !== undefined) return evaluated(options, context, stored);
  const canonical = url ?? options.terminology.store.withId('ValueSet', call.id as string);
  const members = canonical === undefined ? undefined : options.terminology.members(canonical);
  if (canonical !== undefined && members !== undefined) {
    const valueSet = options.terminology.store.valueSet(canonical) ?? { url: canonical, status: 'active' };
    return { valueSet, members, terminology: options.terminology };
  }
  const found = url === undefined ? undefined : await options.storedByUrl?.(context, 'ValueSet', url);
  if (found !== undefined) return evaluated(options, context, found);
  throw rejectTerminology('TERMINOLOGY_NOT_FOUND', url === undefined ? {} : { valueSet: printable(url) });
}

/** A code system that a call names, for `$validate-code`, `$lookup` and `$subsumes`; undefined when only its syntax is known. */
export async function findSystem(
  options: TerminologyOperationOptions,
  context: FhirContext,
  call: OperationCall,
  asked: { readonly url?: string | undefined; readonly sent?: object | undefined },
): Promise<{ readonly url: string; readonly table: CodeSystemTable | undefined }> {
  const ways = [call.id, asked.url, asked.sent].filter((way) => way !== undefined);
  if (ways.length !== 1)
    throw fault('system', 'name the code system once: by its address, by its URL, or by sending it along');
  if (asked.sent !== undefined) {
    validateStructure(asked.sent as Parameters<typeof validateStructure>[0], context.definitions);
    return tableOf(asked.sent);
  }
  const stored = call.id === undefined ? undefined : await options.stored(context, 'CodeSystem', call.id);
  if (stored !== undefined) return tableOf(stored);
  const { store } = options.terminology;
  const canonical = asked.url ?? store.withId('CodeSystem', call.id as string);
  if (canonical === undefined) throw rejectTerminology('TERMINOLOGY_NOT_FOUND');
  const table = store.system(canonical);
  const [url] = canonical.split('|') as [string];
  if (table !== undefined) return { url, table };
  const found = await options.storedByUrl?.(context, 'CodeSystem', canonical);
  if (found !== undefined) return tableOf(found);
  if (GRAMMARS.has(canonical)) return { url, table: undefined };
  throw unsupported([
    {
      at: canonical,
      reason: store.system(url) === undefined ? 'code system not here' : 'version of the code system not here',
    },
  ]);
}

/** The refusal that says what is missing. */
export function unsupported(gaps: readonly Gap[]): Error {
  const missing = gaps.map(({ at, reason }) => `${printable(at)}: ${reason}`);
  return rejectTerminology('TERMINOLOGY_UNSUPPORTED', { missing });
}

/** `url|version` from two parameters, either of which may hold the version. */
export function canonicalAsked(parameters: ReadParameters, name: string, versionName: string): string | undefined {
  const url = parameters.text(name);
  const version = parameters.text(versionName);
  if (url === undefined || version === undefined) return url;
  if (url.includes('|') && url.split('|')[1] !== version)
    throw fault(versionName, 'names another version than the URL');
  return `${url.split('|')[0]}|${version}`;
}

function tableOf(resource: object): { url: string; table: CodeSystemTable } {
  const compact = compactSystem(resource as Record<string, unknown>);
  if ((resource as { content?: unknown }).content === 'supplement')
    throw unsupported([{ at: compact.url, reason: 'content of the code system not here' }]);
  return { url: compact.url, table: new CodeSystemTable(compact) };
}

/** Evaluates a value set of the request or of the store, with the stored resources that it builds on. */
async function evaluated(
  options: TerminologyOperationOptions,
  context: FhirContext,
  resource: object,
): Promise<FoundValueSet> {
  const valueSet = compactOrRefuse(resource);
  const needed = await storedBelow(options, context, valueSet);
  const terminology =
    needed.length === 0
      ? options.terminology
      : createTerminology(createTerminologyStore(() => [resourceSource(needed)], options.terminology.store));
  return { valueSet, members: terminology.membersOf(valueSet), terminology };
}

function compactOrRefuse(resource: object): CompactValueSet {
  try {
    return compactValueSet(resource as Record<string, unknown>);
  } catch (error) {
    if (error instanceof TypeError) throw fault('valueSet', error.message);
    throw error;
  }
}

async function storedBelow(
  { terminology: { store }, storedByUrl }: TerminologyOperationOptions,
  context: FhirContext,
  top: CompactValueSet,
): Promise<object[]> {
  const found: object[] = [];
  if (storedByUrl === undefined) return found;
  const asked = new Set<string>();
  const pending = [top];
  // An array hands out what is added while it is walked.
  for (const { compose } of pending) {
    for (const part of [...(compose?.include ?? []), ...(compose?.exclude ?? [])]) {
      const version = part.version === undefined ? '' : `|${part.version}`;
      const wanted: [TerminologyKind, string][] = (part.valueSets ?? []).map((url) => ['ValueSet', url]);
      if (part.system !== undefined) wanted.push(['CodeSystem', part.system + version]);
      for (const [kind, canonical] of wanted) {
        const isHere = kind === 'ValueSet' ? store.valueSet(canonical) : store.system(canonical);
        if (isHere !== undefined || asked.has(canonical) || asked.size >= MAX_STORED) continue;
        asked.add(canonical);
        const resource = await storedByUrl(context, kind, canonical);
        if (resource === undefined || textOf((resource as { url?: unknown }).url) === undefined) continue;
        found.push(resource);
        if (kind === 'ValueSet') pending.push(compactOrRefuse(resource));
      }
    }
  }
  return found;
}
