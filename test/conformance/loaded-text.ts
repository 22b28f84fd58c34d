import {
  mapMembers,
  memberOf,
  readWritten,
  textOf,
  type Written,
  without,
  writtenText,
} from '../import/written-json.ts';

/** A resource as a file has it, to be written to the server. */
export interface GivenResource {
  /** `Type/id`. */
  readonly address: string;
  readonly type: string;
  readonly id: string;
  /** Its JSON as written; references that would lead nowhere may have been made absolute. */
  readonly text: string;
}

export function givenResource(text: string): GivenResource {
  const written = readWritten(text);
  const [type, id] = [textOf(written, 'resourceType') ?? '', textOf(written, 'id') ?? ''];
  return { address: `${type}/${id}`, type, id, text };
}

/** A literal reference to a resource of the server: `Type/id`, and whether it names a version. */
export interface NamedTarget {
  readonly address: string;
  readonly isVersioned: boolean;
}

/** The target of a relative reference; undefined for everything else. */
export function namedTarget(reference: string): NamedTarget | undefined {
  const [path = ''] = reference.split('#');
  const [type = '', id = '', history, version] = path.split('/');
  if (!/^[A-Z][A-Za-z]+$/.test(type) || id === '' || (history !== undefined && history !== '_history'))
    return undefined;
  return { address: `${type}/${id}`, isVersioned: version !== undefined };
}

/** Values of every `reference` in a resource, however deep. A Bundle is closed: its own are inside it. */
export function referencesOf({ type, text }: GivenResource): string[] {
  const all: string[] = [];
  if (type === 'Bundle') return all;
  mapMembers(readWritten(text), 'reference', (token) => {
    if (token.startsWith('"')) all.push(JSON.parse(token) as string);
    return token;
  });
  return all;
}

/** Somewhere that is not this server, for references to what was never given. */
const ELSEWHERE = 'http://hl7.org/fhir';

/** The resource with references that `leadsNowhere` made absolute; every other token is as it was. */
export function withAbsolute(given: GivenResource, leadsNowhere: (reference: string) => boolean): GivenResource {
  if (given.type === 'Bundle' || !referencesOf(given).some(leadsNowhere)) return given;
  const text = writtenText(
    mapMembers(readWritten(given.text), 'reference', (token) => {
      const value = token.startsWith('"') ? (JSON.parse(token) as string) : '';
      return leadsNowhere(value) ? JSON.stringify(`${ELSEWHERE}/${value}`) : token;
    }),
  );
  return { ...given, text };
}

/** What is a resource's own, token by token: without id and without what a server sets in `meta`. */
export function authored(text: string): string {
  const resource: Written = readWritten(text);
  const meta = without(memberOf(resource, 'meta') ?? { kind: 'object', members: [] }, 'versionId', 'lastUpdated');
  return `${writtenText(meta)}${writtenText(without(resource, 'id', 'meta'))}`;
}
