import assert from 'node:assert/strict';
import type { CapabilityStatement, CapabilityStatementRestResource, SearchParameter } from '@medplum/fhirtypes';
import { slowAddress } from '../support/slow-search.ts';
import type { SlowResource } from '../support/slow-values.ts';
import type { ConformanceNode, SearchForm } from './conformance-node.ts';
import { authored, type GivenResource, namedTarget } from './loaded-text.ts';
import { addressOf, type SlowQuery, type SlowStore } from './slow-store.ts';
import { brokenByProfile } from './us-core-faults.ts';
import type { Show, ValueForm } from './us-core-items.ts';
import type { UsCore } from './us-core-package.ts';
import {
  plainTerm,
  type QuerySource,
  searchesBy,
  searchesByAny,
  searchesCompared,
  searchesWritten,
  textsOf,
  type Writing,
} from './us-core-queries.ts';

/** A node with US Core loaded, its examples written and what was made from them. */
export interface UsCoreRun extends QuerySource {
  readonly usCore: UsCore;
  readonly node: ConformanceNode;
  readonly store: SlowStore;
  readonly metadata: CapabilityStatement;
  /** The examples themselves. */
  readonly examples: readonly GivenResource[];
  parameter(type: string, code: string): SearchParameter;
  /** How each search is sent. */
  readonly forms: readonly SearchForm[];
}

/** How an item was shown: what was done, in words or as the first request. */
export type Shown = string;

/** Shows an item that is no sentence, or throws what is not as it should be. */
export function showAction(run: UsCoreRun, show: Exclude<Show, { readonly kind: 'statement' }>): Promise<Shown> {
  return SHOWS[show.kind](run, show as never);
}

type ShowOf<Kind extends Show['kind']> = Extract<Show, { readonly kind: Kind }>;

type Action = Exclude<Show['kind'], 'statement'>;

const SHOWS: { readonly [Kind in Action]: (run: UsCoreRun, show: ShowOf<Kind>) => Promise<Shown> } = {
  resource: showResource,
  profile: showProfile,
  interaction: showInteraction,
  search: async (run, { type, codes }) => {
    const declared = new Set(declaredResource(run, type).searchParam?.map(({ name }) => name));
    for (const code of codes) assert.ok(declared.has(code), `the capability statement of the node has no ${code}`);
    return compareAll(run, searchesBy(run, type, codes));
  },
  form: (run, { type, code, form }) => {
    const writings = WRITINGS[form];
    const searches = writings.flatMap((writing) => searchesWritten(run, type, code, writing));
    return compareAll(run, searches, { some: form === 'to the second with offset' ? 'not needed' : 'needed' });
  },
  'any-of': (run, { type, code }) => compareAll(run, searchesByAny(run, type, code)),
  'all-of': (run, { type, code }) =>
    compareAll(
      run,
      searchesBy(run, type, [code]).map((query) => ({ ...query, terms: [...query.terms, ...query.terms] })),
    ),
  comparator: (run, { type, code, comparator }) => compareAll(run, searchesCompared(run, type, code, comparator)),
  modifier: async (_run, { modifier }) => {
    throw new Error(`no way is known to show the modifier ${modifier}`);
  },
  chain: showChain,
  include: (run, { type, value }) => showInclude(run, type, value),
  revinclude: showRevInclude,
  operation: async (run, { type, name }) => {
    const declared = declaredResource(run, type).operation?.map((one) => one.name);
    assert.ok(declared?.includes(name), `the capability statement of the node has no ${name}`);
    const path = `${type}/$${name}?patient=example`;
    const { status, json } = await run.node.send('GET', path);
    assert.equal(status, 200);
    const ids = (json.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id);
    assert.ok(ids.includes('episode-summary') && ids.includes('discharge-summary'), String(ids));
    const body = { resourceType: 'Parameters', parameter: [{ name: 'patient', valueId: 'example' }] };
    const posted = await run.node.send('POST', `${type}/$${name}`, body);
    assert.deepEqual([posted.status, posted.json.entry], [200, json.entry]);
    return `GET ${path}, and POST`;
  },
};

const WRITINGS: Readonly<Record<ValueForm, readonly Writing[]>> = {
  'code and system|code': ['code', 'usual'],
  'id and type/id': ['id', 'usual'],
  'to the second with offset': ['second'],
  'to the day': ['day'],
};

export function declaredResource({ metadata }: UsCoreRun, type: string): CapabilityStatementRestResource {
  const found = metadata.rest?.[0]?.resource?.find((one) => one.type === type);
  assert.ok(found, `the capability statement of the node has no ${type}`);
  return found;
}

/**
 * Each search by GET and by POST, compared with the slow matcher: the same ids in the same order. Some must find
 * something, and some must leave something out, or nothing is shown.
 */
export async function compareAll(
  { node, store, forms }: UsCoreRun,
  queries: readonly SlowQuery[],
  { some = 'needed' }: { readonly some?: 'needed' | 'not needed' } = {},
): Promise<Shown> {
  let shown = '';
  let leftOut = false;
  for (const query of queries) {
    const expected = store.find(query);
    leftOut ||= expected.length < store.ofType(query.type).length;
    const addresses = new Set([true, false].map((withoutEq) => addressOf(query, { withoutEq })));
    // Together, since each waits until it is journalled.
    const checks = [...addresses].flatMap((address) =>
      forms.map(async (form) => {
        const { ids } = await node.find(`${address}&_count=20`, form);
        assert.deepEqual(ids, expected, `${form} ${decodeURIComponent(address)}`);
      }),
    );
    await Promise.all(checks);
    if (expected.length > 0 || (shown === '' && some !== 'needed'))
      shown ||= `GET ${readable(addressOf(query, { withoutEq: true }))}`;
  }
  assert.ok(shown !== '', `none of ${queries.length} searches finds anything`);
  assert.ok(leftOut || some !== 'needed', 'each search finds everything');
  return shown;
}

export function readable(address: string): string {
  return decodeURIComponent(address.replaceAll('+', ' '));
}

async function showResource(run: UsCoreRun, { type }: ShowOf<'resource'>): Promise<Shown> {
  declaredResource(run, type);
  const [first] = run.store.ofType(type);
  assert.ok(first, `there is no ${type}`);
  assert.equal((await run.node.send('GET', `${type}/${first.id}`)).status, 200);
  return `declared; GET ${type}/${first.id}`;
}

/** Its examples are taken, and one that breaks the profile, though not R4, is refused. */
async function showProfile(run: UsCoreRun, { type, url }: ShowOf<'profile'>): Promise<Shown> {
  const claims = (resource: SlowResource) =>
    (resource.meta as { profile?: string[] } | undefined)?.profile?.some((one) => one.split('|')[0] === url) === true;
  const taken = run.store.ofType(type).filter(claims);
  const profile = run.usCore.profiles.get(url);
  if (profile === undefined) {
    // Of another package: nothing can be held against it until that is loaded too.
    assert.ok(run.store.ofType(type).length > 0);
    return `${run.store.ofType(type).length} resources stored; ${url.split('/').at(-1)} is of another package`;
  }
  const valid = taken.length > 0 ? taken : run.store.ofType(type);
  const broken = await brokenByProfile(profile, valid);
  if (broken === undefined) {
    assert.ok(taken.length > 0, 'no example claims it');
    return `${taken.length} resources that claim it are taken; it forbids nothing in them that R4 would take`;
  }
  const { status } = await run.node.send('PUT', `${type}/broken`, { ...broken.resource, id: 'broken' });
  // One that was taken must not be found by the searches of other items.
  if (status !== 422) await run.node.send('DELETE', `${type}/broken`);
  assert.equal(status, 422, `${broken.fault} is not refused`);
  return `${taken.length} resources that claim it are taken; one is refused: ${broken.fault}`;
}

async function showInteraction(run: UsCoreRun, { type, code }: ShowOf<'interaction'>): Promise<Shown> {
  const declared = declaredResource(run, type).interaction?.map((one) => one.code as string);
  assert.ok(declared?.includes(code), `the capability statement of the node has no ${code}`);
  const all = run.store.ofType(type);
  const [first] = all as [SlowResource];
  if (code === 'search-type') {
    const { ids } = await run.node.find(`${type}?_count=7`);
    assert.deepEqual(
      ids,
      all.map(({ id }) => id),
    );
    return `GET ${type} finds all ${ids.length}, page by page`;
  }
  if (code === 'read') {
    for (const { id } of all) {
      const { status, text, headers } = await run.node.send('GET', `${type}/${id}`);
      assert.equal(status, 200);
      assert.equal(headers.etag, 'W/"1"');
      const example = run.examples.find((one) => one.address === `${type}/${id}`);
      if (example !== undefined) assert.equal(authored(text), authored(example.text));
    }
    return `GET ${type}/${first.id} and ${all.length - 1} others, token by token as written`;
  }
  assert.equal(code, 'create', `no way is known to show ${code}`);
  const { meta: _meta, id: _id, ...rest } = first;
  const created = await run.node.send('POST', type, {
    ...rest,
    meta: { profile: (first.meta as { profile?: string[] }).profile },
  });
  assert.equal(created.status, 201, created.text);
  assert.match(created.headers.location ?? '', new RegExp(`/${type}/[^/]+/_history/1$`));
  assert.equal((await run.node.send('DELETE', `${type}/${created.json.id}`)).status, 204);
  return `POST ${type}`;
}

async function showChain(run: UsCoreRun, { type, code, inner }: ShowOf<'chain'>): Promise<Shown> {
  const parameter = run.parameter(type, code);
  const [target = ''] = parameter.target ?? [];
  const within = run.parameter(target, inner);
  const texts = run.store.ofType(target).flatMap((one) => textsOf(within, run.store.values(one, within)).slice(0, 1));
  const queries = texts.map(
    (text): SlowQuery => ({
      type,
      terms: [{ parameter, modifier: '', texts: [], chain: { type: target, inner: plainTerm(within, text) } }],
    }),
  );
  const shown = await compareAll(run, queries);
  for (const query of queries) {
    const address = addressOf(query).replace(`%3A${target}`, '');
    assert.deepEqual((await run.node.find(address)).ids, run.store.find(query), address);
  }
  return shown.replace(`:${target}`, '');
}

/** `_include`: what the matches refer to, and nothing else. */
export async function showInclude(run: UsCoreRun, type: string, value: string): Promise<Shown> {
  const [, code = '', target] = value.split(':');
  const parameter = run.parameter(type, code);
  const byPatient = searchesBy(run, type, ['patient']);
  let shown = '';
  for (const query of byPatient) {
    const matches = new Set(run.store.find(query));
    const expected = run.store
      .ofType(type)
      .filter(({ id }) => matches.has(id))
      .flatMap((resource) => run.store.values(resource, parameter))
      .flatMap((one) => namedTarget(slowAddress(one) ?? '')?.address ?? [])
      .filter((address) => target === undefined || address.startsWith(`${target}/`));
    const address = `${addressOf(query)}&_include=${value}`;
    for (const form of run.forms) {
      const { ids, included } = await run.node.find(address, form);
      assert.deepEqual(ids, [...matches], address);
      assert.deepEqual(included, [...new Set(expected)].sort(), address);
    }
    if (expected.length > 0) shown ||= `GET ${readable(address)}`;
  }
  assert.ok(shown !== '', 'nothing was included');
  return shown;
}

export async function showRevInclude(run: UsCoreRun, { type, value }: ShowOf<'revinclude'>): Promise<Shown> {
  const [source = '', code = ''] = value.split(':');
  const parameter = run.parameter(source, code);
  const queries = [
    ...searchesBy(run, type, [type === 'Patient' ? '_id' : 'patient']),
    ...searchesBy(run, type, ['_id']),
  ];
  let shown = '';
  for (const query of queries) {
    const matches = run.store.find(query);
    const names = new Set(matches.map((id) => `${type}/${id}`));
    const expected = run.store
      .ofType(source)
      .filter((one) => run.store.values(one, parameter).some((link) => names.has(slowAddress(link) ?? '')))
      .map(({ id }) => `${source}/${id}`)
      .sort();
    const address = `${addressOf(query)}&_revinclude=${value}`;
    for (const form of run.forms) {
      const { ids, included } = await run.node.find(address, form);
      assert.deepEqual(ids, matches, address);
      assert.deepEqual(included, expected, address);
    }
    if (expected.length > 0) shown ||= `GET ${readable(address)}`;
  }
  assert.ok(shown !== '', 'nothing was included');
  return shown;
}
