import assert from 'node:assert/strict';
import { BASE_URL, CUSTODIAN, type FhirAnswer } from '../support/fhir-node.ts';
import { isAbout } from './policy-parity-grant.ts';
import type { Asked, Sight, UserView } from './policy-parity-node.ts';
import { newestOf } from './policy-parity-node.ts';
import type { Question } from './policy-parity-questions.ts';
import {
  candidatesOf,
  conditionsOf,
  naiveIncludes,
  naiveSearch,
  nameOf,
  type Way,
  waysOf,
} from './policy-parity-search.ts';
import type { PlainResource, PlainVersion } from './policy-parity-store.ts';

interface Entry {
  readonly resource?: {
    readonly resourceType: string;
    readonly id: string;
    readonly meta: { readonly versionId: string };
  };
  readonly search?: { readonly mode: string };
  readonly request?: { readonly method: string; readonly url: string };
  readonly response?: { readonly etag: string };
}

function entriesOf({ json }: FhirAnswer): readonly Entry[] {
  return (json?.entry ?? []) as readonly Entry[];
}

/** Names of a searchset's entries of one mode, with their versions. */
function namesOf(answer: FhirAnswer, mode: string): string[] {
  return entriesOf(answer).flatMap(({ search, resource }) =>
    search?.mode === mode && resource !== undefined
      ? [`${resource.resourceType}/${resource.id}/${resource.meta.versionId}`]
      : [],
  );
}

function keyOf(version: PlainVersion): string {
  return `${nameOf(version)}/${version.version}`;
}

/** Path of the next page below the base. */
function nextOf({ json }: FhirAnswer): string | undefined {
  const links = (json?.link ?? []) as { relation: string; url: string }[];
  const url = links.find(({ relation }) => relation === 'next')?.url;
  assert.ok(url === undefined || url.startsWith(`${BASE_URL}/`));
  return url?.slice(BASE_URL.length + 1);
}

/** What a request gave away: what it showed, what it looked at to decide on that, and the ways that it went through. */
interface Revealed {
  readonly shown: readonly PlainVersion[];
  /** May be journalled as read. */
  readonly used?: readonly PlainVersion[];
  /** Of each list one way must be journalled as read. */
  readonly ways?: readonly (readonly Way[])[];
}

/**
 * What a request was journalled as: all that was shown as read, under its account; nothing as read that may not be seen,
 * or was neither shown nor used; a refusal only for accounts of which nothing was shown, and only of what is hidden.
 */
function checkJournal(
  view: UserView,
  { hidden }: Sight,
  { interactions }: Asked,
  { shown, used = [], ways = [] }: Revealed,
): void {
  const { caller } = view.user;
  const read = new Set<PlainVersion>();
  for (const { kind, decision, account, versions, actor, purpose, organisation } of interactions) {
    assert.deepEqual([actor, purpose, organisation], [caller.account, caller.purpose, caller.organisation]);
    assert.equal(decision, kind === 'read' ? 'permit' : 'deny');
    for (const leaf of versions) {
      const version = view.versionOf.get(leaf) as PlainVersion;
      assert.equal(version.account, account, `${keyOf(version)} is journalled under another account`);
      assert.equal(kind, hidden.has(version) ? 'refusal' : 'read', keyOf(version));
      if (kind === 'read') read.add(version);
    }
  }
  const accounts = interactions.map(({ account }) => account);
  assert.equal(new Set(accounts).size, accounts.length, 'two entries for one account');
  for (const version of shown) assert.ok(read.has(version), `${keyOf(version)} was shown and is not journalled`);
  const known = new Set([...shown, ...used]);
  for (const version of read)
    assert.ok(known.has(version), `${keyOf(version)} is journalled as read, and was neither shown nor used`);
  for (const list of ways)
    assert.ok(
      list.some((way) => way.every((version) => read.has(version))),
      `a chain went through ${list.map((way) => way.map(keyOf).join(' ')).join(' or ')}, and that is not journalled`,
    );
}

/** An app is told at once, and of nothing that there is, where none of its scopes is about what it asks. */
async function isRefused(view: UserView, permission: string, type: string | undefined, path: string): Promise<boolean> {
  if (isAbout(view.user.grant, permission, type)) return false;
  const one = await view.ask('GET', path);
  assert.equal(one.answer.status, 403, path);
  assert.equal(one.answer.headers['www-authenticate'], 'Bearer error="insufficient_scope"');
  assert.deepEqual(one.interactions, []);
  return true;
}

function versionsOf({ search }: UserView, keys: readonly string[]): PlainVersion[] {
  const byKey = new Map(search.world.versions.map((version) => [keyOf(version), version]));
  return keys.map((key) => {
    const version = byKey.get(key);
    assert.ok(version, `${key} was shown and may not be seen`);
    return version;
  });
}

/** Pages looked at before a search counts as one without end. */
const MAX_PAGES = 200;

/** Follows a search to its end: matches in order, their number, includes of each page, links, and the journal. */
export async function checkSearch(
  view: UserView,
  { type, parameters }: Question,
  scope?: { path: string; condition: readonly [string, string] },
): Promise<void> {
  const { world } = view.search;
  const asked = scope === undefined ? parameters : [scope.condition, ...parameters];
  const expected = naiveSearch(world, type, asked);
  const candidates = asked.flatMap(([name, value]) => candidatesOf(world, name, value));
  const of = (name: string) => parameters.find(([one]) => one === name)?.[1];
  const isCount = of('_summary') === 'count' || of('_count') === '0';
  const count = Number(of('_count') ?? 50);
  const query = new URLSearchParams(parameters.map(([name, value]) => [name, value]));
  let path: string | undefined = `${scope?.path ?? type}?${query}`;
  if (await isRefused(view, 's', type, path)) return;
  let seen = 0;
  for (let pages = 0; path !== undefined; pages++) {
    assert.ok(pages < MAX_PAGES, 'pages without end');
    // The first page of every other search is asked for by a form.
    const isForm = pages === 0 && scope === undefined && parameters.length % 2 === 1;
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const one: Asked = isForm
      ? await view.ask('POST', `${type}/_search`, `${query}`, form)
      : await view.ask('GET', path);
    const { answer } = one;
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    const { total } = answer.json as { total?: number };
    if (isCount || of('_total') === 'accurate') assert.equal(total, expected.length, `total of ${path}`);
    else if (total !== undefined) assert.equal(total, expected.length, `total of ${path}`);
    const page: readonly PlainVersion[] = isCount ? [] : expected.slice(seen, seen + count);
    seen += page.length;
    assert.deepEqual(namesOf(answer, 'match'), page.map(keyOf), `matches of ${path}`);
    const included = naiveIncludes(world, type, page, parameters);
    const includedVersions = [...included].map((name) => world.current.get(name) as PlainVersion);
    assert.deepEqual(namesOf(answer, 'include').sort(), includedVersions.map(keyOf).sort(), `includes of ${path}`);
    const next = nextOf(answer);
    assert.equal(next !== undefined, !isCount && seen < expected.length, `a next link of ${path}`);
    const shown = [...page, ...includedVersions];
    const ways = page.flatMap((match) => conditionsOf(asked).map(([name, value]) => waysOf(world, match, name, value)));
    // What was counted was looked at.
    checkJournal(view, view.search, one, {
      shown,
      used: [...candidates, ...(total === undefined ? [] : expected)],
      ways,
    });
    path = next;
  }
  assert.equal(seen, isCount ? 0 : expected.length);
}

/** read and vread of everything that there is. */
export async function checkReads(view: UserView): Promise<void> {
  const current = [...newestOf(view.store)].map(([name, newest]) => checkRead(view, name, newest));
  const all = view.store.versions.map((one) => checkRead(view, `${nameOf(one)}/_history/${one.version}`, one));
  await Promise.all([...current, ...all]);
}

async function checkRead(view: UserView, path: string, version: PlainVersion): Promise<void> {
  if (await isRefused(view, 'r', version.type, path)) return;
  const one = await view.ask('GET', path);
  const isSeen = !view.read.hidden.has(version);
  assert.equal(one.answer.status, !isSeen ? 404 : version.resource === undefined ? 410 : 200, path);
  if (one.answer.status === 200) checkResource(one.answer, version);
  checkJournal(view, view.read, one, { shown: isSeen ? [version] : [] });
}

function checkResource({ json, headers }: FhirAnswer, version: PlainVersion): void {
  const { meta: _given, ...rest } = version.resource as PlainResource;
  const { meta, ...stored } = json as PlainResource & { meta: { versionId: string } };
  assert.deepEqual([stored, meta.versionId, headers.etag], [rest, String(version.version), `W/"${version.version}"`]);
}

/** History of each resource, of each type and of all, a few entries at a time. */
export async function checkHistory(view: UserView, count: number): Promise<void> {
  const [searched, read] = [view.search, view.read].map(({ world }) => [...world.versions].reverse()) as [
    PlainVersion[],
    PlainVersion[],
  ];
  const types = new Set(view.store.versions.map(({ type }) => type));
  const ofAll = async (type: string | undefined) => {
    const address = type === undefined ? '_history' : `${type}/_history`;
    if (await isRefused(view, 's', type, address)) return;
    const expected = searched.filter((one) => type === undefined || one.type === type);
    await checkHistoryOf(view, view.search, address, expected, count);
  };
  const ofOne = async ([name, { type }]: readonly [string, PlainVersion]) => {
    if (await isRefused(view, 'r', type, `${name}/_history`)) return;
    const own = read.filter((one) => nameOf(one) === name);
    if (own.length > 0) await checkHistoryOf(view, view.read, `${name}/_history`, own, count);
    else assert.equal((await view.ask('GET', `${name}/_history`)).answer.status, 404, name);
  };
  await Promise.all([ofAll(undefined), ...[...types].map(ofAll), ...[...newestOf(view.store)].map(ofOne)]);
}

async function checkHistoryOf(
  view: UserView,
  sight: Sight,
  address: string,
  expected: readonly PlainVersion[],
  count: number,
): Promise<void> {
  let path: string | undefined = `${address}?_count=${count}`;
  let seen = 0;
  for (let pages = 0; path !== undefined; pages++) {
    assert.ok(pages < MAX_PAGES, 'pages without end');
    const one: Asked = await view.ask('GET', path);
    assert.equal(one.answer.status, 200, `${path}: ${one.answer.text}`);
    const page = expected.slice(seen, seen + count);
    seen += page.length;
    const entries = entriesOf(one.answer);
    assert.deepEqual(
      entries.map(({ response }) => response?.etag),
      page.map(({ version }) => `W/"${version}"`),
      path,
    );
    assert.deepEqual(
      entries.map(({ resource }) => resource && `${resource.resourceType}/${resource.id}/${resource.meta.versionId}`),
      page.map((version) => (version.resource === undefined ? undefined : keyOf(version))),
      path,
    );
    assert.equal((one.answer.json as { total?: number }).total, undefined);
    const next = nextOf(one.answer);
    assert.equal(next !== undefined, seen < expected.length, `a next link of ${path}`);
    checkJournal(view, sight, one, { shown: page });
    path = next;
  }
}

/** `$everything` of each patient and encounter: all of it that may be seen, and what the custodian keeps beside it. */
export async function checkEverything(view: UserView, count: number): Promise<void> {
  const roots = [...newestOf(view.store).values()].filter(({ type }) => type === 'Patient' || type === 'Encounter');
  await Promise.all(roots.map((newest) => checkEverythingOf(view, newest, count)));
}

async function checkEverythingOf(view: UserView, newest: PlainVersion, count: number): Promise<void> {
  const { world } = view.search;
  const { type } = newest;
  const name = nameOf(newest);
  const root = world.current.get(name);
  let path: string | undefined = `${name}/$everything?_count=${count}`;
  if (root === undefined) {
    assert.equal((await view.ask('GET', path)).answer.status, 404, path);
    return;
  }
  const isIn = (one: PlainVersion) =>
    type === 'Patient' ? one.account === root.account : one === root || refersBy(one, 'encounter') === name;
  const isWanted = ({ account }: PlainVersion) =>
    account === CUSTODIAN || (type === 'Encounter' && account === root.account);
  const expected = [...world.current.values()].filter(isIn);
  const shown: string[] = [];
  for (let pages = 0; path !== undefined; pages++) {
    assert.ok(pages < MAX_PAGES, 'pages without end');
    const one: Asked = await view.ask('GET', path);
    assert.equal(one.answer.status, 200, `${path}: ${one.answer.text}`);
    const page = versionsOf(view, namesOf(one.answer, 'match'));
    shown.push(...page.map(keyOf));
    const beside = besides(view, page, isWanted);
    assert.deepEqual(namesOf(one.answer, 'include').sort(), beside.map(keyOf).sort(), `besides of ${path}`);
    checkJournal(view, view.search, one, { shown: [...page, ...beside], used: [root] });
    // A full page leads on wherever types are left to look through, whether or not anything is in them.
    path = nextOf(one.answer);
  }
  assert.deepEqual(shown.sort(), expected.map(keyOf).sort(), `$everything of ${name}`);
}

function refersBy(version: PlainVersion, name: string): string | undefined {
  return (version.resource?.[name] as { reference?: string } | undefined)?.reference;
}

/** What references lead to from a page, at most three on, without the page itself. */
function besides(
  { search: { world } }: UserView,
  page: readonly PlainVersion[],
  isWanted: (version: PlainVersion) => boolean,
): PlainVersion[] {
  const known = new Set(page.map(nameOf));
  const found: PlainVersion[] = [];
  for (let from = page, hop = 0; hop < 3; hop++) {
    const names = from.flatMap((one) =>
      [...JSON.stringify(one.resource).matchAll(/"reference":"([^"]+)"/g)].map(([, name]) => name as string),
    );
    from = [...new Set(names)].flatMap((name) => {
      const target = world.current.get(name);
      if (known.has(name) || target === undefined || !isWanted(target)) return [];
      known.add(name);
      return [target];
    });
    found.push(...from);
  }
  return found;
}

type Probe = readonly [method: string, suffix: string, body?: unknown, headers?: Record<string, string>];

/** Whatever may not be seen answers, to the last header, as what was never written. */
export async function checkUnseen(view: UserView): Promise<void> {
  const unseen = [...newestOf(view.store).values()].filter((newest) => view.read.hidden.has(newest));
  await Promise.all(unseen.flatMap((newest) => probesOf(view, newest).map((probe) => checkProbe(view, newest, probe))));
}

function probesOf({ store, read: { hidden }, search }: UserView, newest: PlainVersion): readonly Probe[] {
  const isAllHidden = store.versions.every((one) => nameOf(one) !== nameOf(newest) || hidden.has(one));
  const patch = [{ op: 'test', path: '/id', value: 'x' }];
  const json = { 'content-type': 'application/json-patch+json' };
  const version = `W/"${newest.version}"`;
  return [
    ['GET', ''],
    ['HEAD', ''],
    ['GET', '', undefined, { 'if-none-match': version }],
    ['GET', `/_history/${newest.version}`],
    ['PATCH', '', patch, json],
    ['PATCH', '', patch, { ...json, 'if-match': version }],
    ...(isAllHidden ? [['GET', '/_history'] as const, ['GET', '/_history?_count=1'] as const] : []),
    ...(isAllHidden ? [['GET', '/_history?_since=2020'] as const, ['GET', '/_history?_since=2030'] as const] : []),
    ...(/Patient|Encounter/.test(newest.type) && search.hidden.has(newest) ? [['GET', '/$everything'] as const] : []),
  ];
}

/** Staff of the custodian's own, who have not broken the glass, as far as scopes are not asked. */
function mayWriteByPolicy({ kind, organisation, purpose }: UserView['user']['caller']): boolean {
  return kind !== 'patient' && organisation === CUSTODIAN && purpose !== 'BTG';
}

/** Writes that are refused, because this user may write nothing, answer the same whether their target is hidden or absent. */
export async function checkRefusedWrites(view: UserView): Promise<void> {
  const { caller, grant } = view.user;
  const isWriter = ['c', 'u', 'd'].some((permission) => isAbout(grant, permission));
  if (isWriter && mayWriteByPolicy(caller)) return;
  const unseen = [...newestOf(view.store).values()].filter((newest) => view.read.hidden.has(newest));
  await Promise.all(
    unseen.map(async (newest) => {
      const resource = newest.resource ?? { resourceType: newest.type };
      const subject = (id: string) => ({ subject: { reference: `${newest.type}/${id}` } });
      const observation = { resourceType: 'Observation', status: 'final', code: { text: 'x' } };
      const ifMatch = { 'if-match': 'W/"99"' };
      const { meta: _meta, ...body } = resource as PlainResource & { meta?: unknown };
      const writes = (id: string): Promise<Asked>[] => [
        view.ask('PUT', `${newest.type}/${id}`, { ...body, id }),
        view.ask('PUT', `${newest.type}/${id}`, { ...body, id }, ifMatch),
        view.ask('PUT', `${newest.type}/${id}`, { ...body, id }, { 'if-none-match': '*' }),
        view.ask('DELETE', `${newest.type}/${id}`),
        view.ask('DELETE', `${newest.type}/${id}`, undefined, ifMatch),
        view.ask('POST', 'Observation', { ...observation, ...subject(id) }),
      ];
      const [hidden, absent] = await Promise.all([Promise.all(writes(newest.id)), Promise.all(writes('never-was'))]);
      const told = (answers: readonly Asked[]) => answers.map(({ answer }) => `${answer.status} ${answer.text}`);
      assert.deepEqual(told(hidden), told(absent), `refused writes to ${nameOf(newest)}`);
    }),
  );
}

async function checkProbe(view: UserView, newest: PlainVersion, [method, suffix, body, headers]: Probe): Promise<void> {
  const what = `${method} ${nameOf(newest)}${suffix}`;
  const hidden = await view.ask(method, `${nameOf(newest)}${suffix}`, body, headers);
  const absent = await view.ask(method, `${newest.type}/never-was${suffix}`, body, headers);
  const [ours, theirs] = [hidden, absent].map(({ answer }) => {
    const { date: _date, ...others } = answer.headers;
    return { status: answer.status, headers: others, text: answer.text };
  });
  // An operation asks by what it shows.
  const isInScope = suffix === '/$everything' || isAbout(view.user.grant, method === 'PATCH' ? 'u' : 'r', newest.type);
  // Who may write nothing is told so before anything is looked up.
  const isRefused = method === 'PATCH' && isInScope && !mayWriteByPolicy(view.user.caller);
  assert.equal(ours?.status, isInScope && !isRefused ? 404 : 403, what);
  assert.deepEqual(ours, theirs, what);
  if (isRefused) {
    for (const { interactions } of [hidden, absent])
      assert.deepEqual(
        interactions.map(({ kind, account, versions }) => [kind, account, versions]),
        [['refusal', CUSTODIAN, []]],
        `journal of ${what}`,
      );
    return;
  }
  checkJournal(view, view.read, hidden, { shown: [] });
  // What was deleted is nobody's any more to search through.
  const isLookedAt = isInScope && (newest.resource !== undefined || suffix !== '/$everything');
  assert.equal(hidden.interactions.length > 0, isLookedAt, `journal of ${what}`);
  assert.deepEqual(absent.interactions, []);
}
