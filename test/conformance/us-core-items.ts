import type {
  CapabilityStatement,
  CapabilityStatementRestResource,
  Extension,
  SearchParameter,
} from '@medplum/fhirtypes';
import type { UsCore } from './us-core-package.ts';

/** How an item is shown; `us-core-shows.ts` has the doing of each kind. */
export type Show =
  | { readonly kind: 'statement'; readonly key: string }
  | { readonly kind: 'resource'; readonly type: string }
  | { readonly kind: 'profile'; readonly type: string; readonly url: string }
  | { readonly kind: 'interaction'; readonly type: string; readonly code: string }
  | { readonly kind: 'search'; readonly type: string; readonly codes: readonly string[] }
  | { readonly kind: 'form'; readonly type: string; readonly code: string; readonly form: ValueForm }
  | { readonly kind: 'any-of'; readonly type: string; readonly code: string }
  | { readonly kind: 'all-of'; readonly type: string; readonly code: string }
  | { readonly kind: 'comparator'; readonly type: string; readonly code: string; readonly comparator: string }
  | { readonly kind: 'modifier'; readonly type: string; readonly code: string; readonly modifier: string }
  | { readonly kind: 'chain'; readonly type: string; readonly code: string; readonly inner: string }
  | { readonly kind: 'include'; readonly type: string; readonly value: string }
  | { readonly kind: 'revinclude'; readonly type: string; readonly value: string }
  | { readonly kind: 'operation'; readonly type: string; readonly name: string };

/** Forms of values that the documentation of search parameters asks for. */
export type ValueForm = 'code and system|code' | 'id and type/id' | 'to the second with offset' | 'to the day';

/** One thing that a US Core server SHALL do. */
export interface ShallItem {
  /** Resource type, or Server. */
  readonly section: string;
  readonly text: string;
  readonly show: Show;
}

const EXPECTATION = 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation';
const COMBINATION = 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination';

interface Extended {
  readonly extension?: readonly Extension[] | undefined;
}

function expectationOf(element: Extended | null | undefined): string | undefined {
  return element?.extension?.find(({ url }) => url === EXPECTATION)?.valueCode;
}

const isShall = (element: Extended | null | undefined): boolean => expectationOf(element) === 'SHALL';

/** Values of a primitive list that have SHALL in the list beside it. */
function shallValues(element: object, name: string): string[] {
  const members = element as Readonly<Record<string, unknown>>;
  const values = (members[name] ?? []) as readonly string[];
  const beside = (members[`_${name}`] ?? []) as readonly (Extended | null)[];
  return values.filter((_, at) => isShall(beside[at]));
}

/** Every SHALL of the server's capability statement, of its sentences, of the search parameters that it names, and of $docref. */
export function shallItems({
  server,
  parameters,
  docref,
}: Pick<UsCore, 'server' | 'parameters' | 'docref'>): ShallItem[] {
  const [rest] = server.rest ?? [];
  const resources = rest?.resource ?? [];
  return [
    ...shallValues(server, 'instantiates').map((url) => serverItem(`instantiates ${url}`, 'instantiates')),
    ...shallValues(server, 'format').map((format) => serverItem(`format ${format}`, `format ${format}`)),
    ...serverSentences(server).map((sentence) => serverItem(sentence, sentence)),
    ...resources.flatMap((resource) => resourceItems(resource, parameters)),
    ...[docref.description, ...(docref.parameter ?? []).map(({ documentation }) => documentation)]
      .flatMap(shallSentences)
      .map((text): ShallItem => ({ section: '$docref', text, show: { kind: 'statement', key: text } })),
  ];
}

function serverItem(text: string, key: string): ShallItem {
  return { section: 'Server', text, show: { kind: 'statement', key } };
}

/** The numbered list under "SHALL", with its inner list, and the sentences about security. */
function serverSentences({ rest = [] }: CapabilityStatement): string[] {
  const [documentation = ''] = (rest[0]?.documentation ?? '').split('The US Core Server **SHOULD**');
  const listed = documentation
    .split('\n')
    .filter((line) => /^\s*(?:1\.|-)\s/.test(line))
    .map((line) => plain(line.replace(/^\s*(?:1\.|-)\s+/, '')))
    // A pointer to a table of the guide, and the head of the list of answers.
    .filter((line) => !line.startsWith('The Table below') && !line.endsWith('response classes:'));
  return [...listed, ...shallSentences(rest[0]?.security?.description)];
}

/** Sentences with SHALL that are about servers. Those about clients alone are no items. */
function shallSentences(markdown: string | undefined): string[] {
  if (markdown === undefined) return [];
  return markdown
    .split(/\n\n|\n(?=\s*(?:\*|-|\d\.)\s)|(?<=[.)])\s+(?=[A-Z"])/)
    .filter((sentence) => sentence.includes('SHALL') && !/^\W*The client application/i.test(sentence))
    .map(plain);
}

function plain(markdown: string): string {
  return markdown
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*+|`/g, '')
    .replace(/^\s*(?:\d\.|-)\s+/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function resourceItems(resource: CapabilityStatementRestResource, parameters: UsCore['parameters']): ShallItem[] {
  const type = resource.type as string;
  const named = resource.searchParam ?? [];
  const shows: [string, Show][] = [];
  const add = (text: string, show: Show) => void shows.push([text, show]);
  if (isShall(resource)) add(`resource type ${type}`, { kind: 'resource', type });
  for (const url of shallValues(resource, 'supportedProfile'))
    add(`profile ${url.split('/').at(-1)}`, { kind: 'profile', type, url });
  for (const one of resource.interaction ?? [])
    if (isShall(one)) add(`interaction ${one.code}`, { kind: 'interaction', type, code: one.code as string });
  for (const one of named)
    if (isShall(one)) add(`search by ${one.name}`, { kind: 'search', type, codes: [one.name as string] });
  for (const combination of resource.extension ?? []) {
    if (combination.url !== COMBINATION || !isShall(combination)) continue;
    const codes = (combination.extension ?? []).flatMap(({ url, valueString }) =>
      url === 'required' ? [valueString as string] : [],
    );
    add(`search by ${codes.join(' + ')}`, { kind: 'search', type, codes });
  }
  for (const value of shallValues(resource, 'searchInclude'))
    add(`_include=${value}`, { kind: 'include', type, value });
  for (const value of shallValues(resource, 'searchRevInclude'))
    add(`_revinclude=${value}`, { kind: 'revinclude', type, value });
  for (const one of resource.operation ?? [])
    if (isShall(one)) add(`operation $${one.name}`, { kind: 'operation', type, name: one.name as string });
  for (const { name = '', documentation = '' } of named) {
    const form = formIn(documentation);
    if (form !== undefined) add(`values of ${name} ${form}`, { kind: 'form', type, code: name, form });
    const parameter = parameters.get(`${type}.${name}`);
    if (parameter !== undefined) shows.push(...parameterItems(type, parameter));
  }
  for (const sentence of shallSentences(resource.documentation)) add(sentence, { kind: 'statement', key: sentence });
  return shows.map(([text, show]) => ({ section: type, text, show }));
}

function formIn(documentation: string): ValueForm | undefined {
  const server = documentation.split('erver **SHALL**')[1];
  if (server === undefined) return undefined;
  if (documentation.includes('at least a code value')) return 'code and system|code';
  if (documentation.includes('at least a id value')) return 'id and type/id';
  if (server.includes('second + time offset')) return 'to the second with offset';
  return server.includes('precise to the *day*') ? 'to the day' : undefined;
}

/** What the definition of a search parameter asks of those who support it. */
function parameterItems(type: string, parameter: SearchParameter): [string, Show][] {
  const code = parameter.code as string;
  const beside = parameter as unknown as Readonly<Record<'_multipleOr' | '_multipleAnd', Extended | undefined>>;
  const items: [string, Show][] = [];
  if (parameter.multipleOr === true && isShall(beside._multipleOr))
    items.push([`any of several values of ${code}`, { kind: 'any-of', type, code }]);
  if (parameter.multipleAnd === true && isShall(beside._multipleAnd))
    items.push([`all of several values of ${code}`, { kind: 'all-of', type, code }]);
  for (const comparator of shallValues(parameter, 'comparator'))
    items.push([`comparator ${comparator} of ${code}`, { kind: 'comparator', type, code, comparator }]);
  for (const modifier of shallValues(parameter, 'modifier'))
    items.push([`modifier ${modifier} of ${code}`, { kind: 'modifier', type, code, modifier }]);
  for (const inner of shallValues(parameter, 'chain'))
    items.push([`chain ${code}.${inner}`, { kind: 'chain', type, code, inner }]);
  return items;
}
