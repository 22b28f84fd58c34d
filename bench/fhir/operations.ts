import { httpRequest, type WireRequest } from '../http-clients.ts';
import type { KnownObservation, KnownPatient, Loaded } from './loaded-patients.ts';

/** A kind of request that is measured, and how its answers are checked beforehand. */
export interface MeasuredOperation {
  readonly name: string;
  readonly status: number;
  request(at: number): WireRequest;
  /** What is wrong with an answer to request `at`; undefined when it is right. */
  fault(at: number, body: Record<string, unknown>): string | undefined;
}

interface Target {
  readonly url: string;
  readonly token: string;
}

const PAGE = 50;
const WEIGHT = '29463-7';

/** Read, the five shapes of search, update and create: in this order, since what is created would be found as well. */
export function measuredOperations(target: Target, loaded: Loaded): MeasuredOperation[] {
  const observations = loaded.sample.flatMap(({ observations: all }) => all.slice(0, 8));
  return [
    readOperation(target, observations),
    byCodeAndPatient(target, loaded),
    byFamilyName(target, loaded),
    byPatientAndDate(target, loaded),
    byReverseChain(target, loaded),
    byChainWithSort(target, loaded),
    updateOperation(target, observations),
    createOperation(target, observations),
  ];
}

function pick<T>(items: readonly T[], at: number): T {
  const item = items[at % items.length];
  if (item === undefined) throw new Error('nothing was loaded to measure with');
  return item;
}

/** Requests are made once: building them costs the client what the server should have. */
function prepared<T>(items: readonly T[], toRequest: (item: T) => WireRequest): (at: number) => WireRequest {
  const requests = items.map(toRequest);
  return (at) => pick(requests, at);
}

function createOperation({ url, token }: Target, observations: readonly KnownObservation[]): MeasuredOperation {
  return {
    name: 'create',
    status: 201,
    request: prepared(observations, ({ text: body }) =>
      httpRequest({ url, method: 'POST', path: '/fhir/Observation', token, body }),
    ),
    fault: (at, body) => differs(body, pick(observations, at)),
  };
}

function readOperation({ url, token }: Target, observations: readonly KnownObservation[]): MeasuredOperation {
  return {
    name: 'read',
    status: 200,
    request: prepared(observations, ({ id }) =>
      httpRequest({ url, method: 'GET', path: `/fhir/Observation/${id}`, token }),
    ),
    fault: (at, body) => (body.id === pick(observations, at).id ? differs(body, pick(observations, at)) : 'another id'),
  };
}

/** Each time another content, since the same again would be no new version. */
function updateOperation({ url, token }: Target, observations: readonly KnownObservation[]): MeasuredOperation {
  const text = (at: number) => {
    const { id, text: body } = pick(observations, at);
    return `${body.slice(0, -1)},"id":"${id}","note":[{"text":"measured again, number ${at}"}]}`;
  };
  return {
    name: 'update',
    status: 200,
    request: (at) => {
      const { id } = pick(observations, at);
      return httpRequest({ url, method: 'PUT', path: `/fhir/Observation/${id}`, token, body: text(at) });
    },
    fault: (at, body) => {
      const version = Number((body.meta as { versionId?: string } | undefined)?.versionId);
      return version > 1 ? differs(body, pick(observations, at)) : `version ${version}`;
    },
  };
}

function differs(body: Record<string, unknown>, { code }: KnownObservation): string | undefined {
  const found = (body.code as { coding?: { code?: string }[] } | undefined)?.coding?.[0]?.code;
  return found === code ? undefined : `code ${found} instead of ${code}`;
}

function searchOperation<T>(
  { url, token }: Target,
  name: string,
  items: readonly T[],
  toPath: (item: T) => string,
  expected: (item: T) => { readonly ids?: readonly string[]; readonly count: number; readonly isSorted?: boolean },
): MeasuredOperation {
  return {
    name,
    status: 200,
    request: prepared(items, (item) => httpRequest({ url, method: 'GET', path: `/fhir/${toPath(item)}`, token })),
    fault(at, body) {
      const { count, ids, isSorted } = expected(pick(items, at));
      const entries = (body.entry ?? []) as { resource: { id: string; effectiveDateTime?: string } }[];
      if (entries.length !== Math.min(count, PAGE)) return `${entries.length} of ${count} found`;
      const found = new Set(entries.map(({ resource }) => resource.id));
      if (ids !== undefined && ids.length <= PAGE && ids.some((id) => !found.has(id))) return 'others found';
      const dates = entries.map(({ resource }) => resource.effectiveDateTime ?? '');
      const isFalling = dates.every((date, index) => index === 0 || date <= (dates[index - 1] as string));
      return isSorted === true && !isFalling ? 'not in order' : undefined;
    },
  };
}

/** `Observation?code=…&patient=…`: two tokens. */
function byCodeAndPatient(target: Target, { sample }: Loaded): MeasuredOperation {
  const items = sample.map((patient) => ({ patient, code: (patient.observations[0] as KnownObservation).code }));
  return searchOperation(
    target,
    'search token',
    items,
    ({ patient, code }) => `Observation?code=http://loinc.org|${code}&patient=Patient/${patient.id}&_count=${PAGE}`,
    ({ patient, code }) => {
      const ids = patient.observations.filter((one) => one.code === code).map(({ id }) => id);
      return { ids, count: ids.length };
    },
  );
}

function withFamily({ families }: Loaded, { family }: KnownPatient) {
  // R4 §3.1.1.4.8: a string matches what begins with it, whatever the case.
  return [...families].filter(([name]) => name.startsWith(family.toLowerCase())).flatMap(([, members]) => members);
}

/** `Patient?family=…`. */
function byFamilyName(target: Target, loaded: Loaded): MeasuredOperation {
  return searchOperation(
    target,
    'search name',
    loaded.sample,
    ({ family }) => `Patient?family=${family}&_count=${PAGE}`,
    (patient) => ({ count: withFamily(loaded, patient).length }),
  );
}

/** `Observation?patient=…&date=ge…&_sort=-date`. */
function byPatientAndDate(target: Target, { sample }: Loaded): MeasuredOperation {
  const items = sample.map((patient) => {
    const days = patient.observations.map(({ at }) => at.slice(0, 10)).sort();
    return { patient, from: days[Math.floor(days.length / 3)] as string, to: days.at(-1) as string };
  });
  return searchOperation(
    target,
    'search date sorted',
    items,
    ({ patient, from, to }) =>
      `Observation?patient=Patient/${patient.id}&date=ge${from}&date=le${to}&_sort=-date&_count=${PAGE}`,
    ({ patient, from, to }) => {
      const ids = patient.observations.filter(({ at }) => at >= from && at.slice(0, 10) <= to).map(({ id }) => id);
      return { ids, count: ids.length, isSorted: true };
    },
  );
}

/** `Patient?family=…&_has:Observation:patient:code=…`: who of a name was weighed. */
function byReverseChain(target: Target, loaded: Loaded): MeasuredOperation {
  return searchOperation(
    target,
    'search _has',
    loaded.sample,
    ({ family }) => `Patient?family=${family}&_has:Observation:patient:code=http://loinc.org|${WEIGHT}&_count=${PAGE}`,
    (patient) => ({
      count: withFamily(loaded, patient).filter(({ observationsByCode }) => observationsByCode.has(WEIGHT)).length,
    }),
  );
}

/** `Observation?patient.family=…&code=…&_sort=-date`. */
function byChainWithSort(target: Target, loaded: Loaded): MeasuredOperation {
  return searchOperation(
    target,
    'search chained sorted',
    loaded.sample,
    ({ family }) => `Observation?patient.family=${family}&code=http://loinc.org|${WEIGHT}&_sort=-date&_count=${PAGE}`,
    (patient) => ({
      count: withFamily(loaded, patient).reduce((sum, one) => sum + (one.observationsByCode.get(WEIGHT) ?? 0), 0),
      isSorted: true,
    }),
  );
}
