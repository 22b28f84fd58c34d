import { isInScope, mayWrite } from './access-matrix-sight.ts';
import { CODE, FAMILY, idOf, type MatrixCaller, type Planted } from './access-matrix-world.ts';

/** One interaction of the FHIR service, put for each object that it is of. */
export interface FhirRow {
  readonly name: string;
  /** Interactions and operations of the capability statement that it stands for. */
  readonly covers: readonly string[];
  readonly method: string;
  path(about: Planted): string;
  body?(about: Planted): unknown;
  headers?(about: Planted): Readonly<Record<string, string>>;
  /** What a scope must be about, or else it is refused before anything is looked up; absent for operations and Bundles. */
  readonly asks?: readonly [permission: string, type?: (about: Planted) => string];
  /** Shows what may be read, or what may be searched for. */
  readonly shows: 'r' | 's';
  readonly of?: (about: Planted) => boolean;
  /**
   * `it`: 200 with it, or 404 as if it had never been. `told`: 404 likewise, and anything else for who may see it.
   * `list`: 200 with those of `lists` that may be seen. `refused`: never done, and tells nothing of what may not be seen.
   */
  readonly answers: 'it' | 'told' | 'list' | 'refused';
  /** What a list has where it may be seen. */
  lists?(candidate: Planted, about: Planted, isSeen: (other: Planted) => boolean): boolean;
  /** Total of a list: what of this type may be seen. */
  readonly counts?: string;
  /** Put for those too of which no subject says whose they are. */
  readonly everyType?: true;
  /** Who is asked about; everybody unless it is given. */
  readonly by?: (caller: MatrixCaller, about: Planted) => boolean;
}

const FHIR = { 'content-type': 'application/fhir+json' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const PATCH = { 'content-type': 'application/json-patch+json' };
const STALE = { 'if-match': 'W/"99"' };

const typeOf = ({ type }: Planted) => type;
const at = ({ type, id }: Planted) => `${type}/${id}`;
const is =
  (...types: readonly string[]) =>
  ({ type, isDeleted }: Planted) =>
    types.includes(type) && !isDeleted;
const always = (type: string) => () => type;
const bundle = (type: string, ...urls: readonly string[]) => ({
  resourceType: 'Bundle',
  type,
  entry: urls.map((url) => ({ request: { method: 'GET', url } })),
});
const same = (one: Planted, about: Planted) => one === about;
const ofSame =
  (...types: readonly string[]) =>
  (one: Planted, about: Planted) =>
    is(...types)(one) && one.owner === about.owner;
const patientOf = ({ owner }: Planted) => ({ type: 'Patient', owner, id: idOf(owner, 'Patient') });
const observationOf = ({ owner }: Planted) => ({ type: 'Observation', owner, id: idOf(owner, 'Observation') });
const body = ({ type, id }: Planted) => ({ ...valid(type, id), id });

function valid(type: string, about: string): object {
  const [subject, text] = [{ reference: `Patient/${about}` }, 'written by the matrix'];
  const actClass = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };
  const own = type === 'Patient' || type === 'Practitioner' ? { name: [{ text }] } : { subject, code: { text } };
  const { code: _code, ...encounter } = { ...own, status: 'finished', class: actClass } as Record<string, unknown>;
  if (type === 'Encounter') return { resourceType: type, ...encounter };
  return { resourceType: type, ...own, ...(type === 'Observation' ? { status: 'final' } : {}) };
}

/** Reads of one object. */
const READS: readonly FhirRow[] = [
  {
    ...{ name: 'read', covers: ['read'], method: 'GET', path: at, asks: ['r', typeOf], shows: 'r', answers: 'it' },
    everyType: true,
  },
  { name: 'HEAD', covers: ['read'], method: 'HEAD', path: at, asks: ['r', typeOf], shows: 'r', answers: 'told' },
  {
    ...{ name: 'conditional read', covers: ['read'], method: 'GET', path: at, asks: ['r', typeOf], shows: 'r' },
    ...{ headers: () => ({ 'if-none-match': 'W/"1"' }), answers: 'told' },
  },
  {
    ...{ name: 'vread', covers: ['vread'], method: 'GET', path: (one) => `${at(one)}/_history/1` },
    ...{ asks: ['r', typeOf], shows: 'r', answers: 'it', everyType: true },
  },
  {
    ...{ name: 'history-instance', covers: ['history-instance'], method: 'GET', path: (one) => `${at(one)}/_history` },
    ...{ asks: ['r', typeOf], shows: 'r', answers: 'it', everyType: true },
  },
  {
    ...{ name: '$receipt', covers: ['$receipt'], method: 'GET', path: (one) => `${at(one)}/$receipt` },
    ...{ shows: 'r', answers: 'told', of: ({ isDeleted }) => !isDeleted },
  },
  {
    ...{ name: '$receipt of a version', covers: ['$receipt'], method: 'GET' },
    ...{ path: (one) => `${at(one)}/_history/1/$receipt`, shows: 'r', answers: 'told', everyType: true },
  },
  {
    ...{ name: '$everything', covers: ['Patient/$everything', 'Encounter/$everything'], method: 'GET' },
    ...{
      path: (one) => `${at(one)}/$everything?_count=1000`,
      of: is('Patient', 'Encounter'),
      shows: 's',
      answers: 'it',
    },
  },
  {
    ...{ name: '$summary', covers: ['Patient/$summary'], method: 'GET', path: (one) => `${at(one)}/$summary` },
    ...{ of: is('Patient'), shows: 's', answers: 'told' },
  },
];

/** Searches and Bundles that name one object. */
const NAMED: readonly FhirRow[] = [
  {
    ...{ name: 'search by _id', covers: ['search-type'], method: 'GET', asks: ['s', typeOf], shows: 's' },
    ...{ path: ({ type, id }) => `${type}?_id=${id}&_total=accurate`, answers: 'list', everyType: true },
    lists: (one, about) => same(one, about) && !one.isDeleted,
  },
  {
    ...{ name: 'compartment of a patient', covers: ['search-type'], method: 'GET', asks: ['s', always('Observation')] },
    ...{ path: (one) => `${at(one)}/Observation`, of: is('Patient'), shows: 's', answers: 'list' },
    lists: ofSame('Observation'),
  },
  {
    ...{
      name: 'compartment of an encounter',
      covers: ['search-type'],
      method: 'GET',
      asks: ['s', always('Condition')],
    },
    ...{ path: (one) => `${at(one)}/Condition`, of: is('Encounter'), shows: 's', answers: 'list' },
    lists: ofSame('Condition'),
  },
  {
    ...{ name: 'read in a batch', covers: ['batch'], method: 'POST', path: () => '', headers: () => FHIR },
    ...{ body: (one) => bundle('batch', at(one)), shows: 'r', answers: 'list' },
    lists: (one, about) => same(one, about) && !one.isDeleted,
  },
  {
    ...{ name: 'read in a transaction', covers: ['transaction'], method: 'POST', path: () => '', headers: () => FHIR },
    ...{ body: (one) => bundle('transaction', at(one)), asks: ['r', typeOf], shows: 'r', answers: 'told' },
  },
  {
    ...{
      name: '$lastn',
      covers: ['Observation/$lastn'],
      method: 'GET',
      of: is('Patient'),
      shows: 's',
      answers: 'list',
    },
    path: ({ id }) => `Observation/$lastn?patient=Patient/${id}&code=${CODE}`,
    lists: ofSame('Observation'),
  },
  {
    ...{ name: '$docref', covers: ['DocumentReference/$docref'], method: 'GET', of: is('Patient'), shows: 's' },
    ...{ path: ({ id }) => `DocumentReference/$docref?patient=${id}`, answers: 'list', lists: () => false },
  },
  {
    ...{ name: '$evaluate', covers: ['Consent/$evaluate'], method: 'GET', of: is('Patient'), shows: 'r' },
    path: ({ id }) => `Consent/$evaluate?patient=Patient/${id}&purpose-of-use=TREAT&actor=${'0'.repeat(32)}`,
    // It tells of policy, and of no record.
    by: ({ isOfficer, patient, scopes }, { owner }) =>
      (isOfficer !== true && patient !== owner) || scopes !== undefined,
    answers: 'refused',
  },
];

/** Lists of all that is planted. */
const of = ({ owner, type }: Planted) => owner === 'own' && type === 'Practitioner';
const inList =
  (...types: readonly string[]) =>
  (one: Planted) =>
    is(...types)(one);
const search = `code=${CODE}&_count=100&_total=accurate`;
const LISTS: readonly FhirRow[] = [
  {
    ...{ name: 'search', covers: ['search-type'], method: 'GET', asks: ['s', always('Observation')], shows: 's', of },
    ...{ path: () => `Observation?${search}`, answers: 'list', lists: inList('Observation'), counts: 'Observation' },
  },
  {
    ...{ name: 'search by form', covers: ['search-type'], method: 'POST', asks: ['s', always('Observation')], of },
    ...{ path: () => 'Observation/_search', body: () => search, headers: () => FORM, shows: 's', answers: 'list' },
    ...{ lists: inList('Observation'), counts: 'Observation' },
  },
  {
    ...{ name: 'search of patients', covers: ['search-type'], method: 'GET', asks: ['s', always('Patient')], of },
    ...{ path: () => `Patient?family=${FAMILY}&_total=accurate`, shows: 's', answers: 'list' },
    ...{ lists: inList('Patient'), counts: 'Patient' },
  },
  {
    ...{ name: 'search of the custodian’s own', covers: ['search-type'], method: 'GET', of, shows: 's' },
    ...{ asks: ['s', always('Practitioner')], path: () => `Practitioner?family=${FAMILY}&_total=accurate` },
    ...{ answers: 'list', lists: inList('Practitioner'), counts: 'Practitioner' },
  },
  {
    ...{ name: '_summary=count', covers: ['search-type'], method: 'GET', asks: ['s', always('Observation')], of },
    ...{ path: () => `Observation?code=${CODE}&_summary=count`, shows: 's', answers: 'list', lists: () => false },
    counts: 'Observation',
  },
  {
    ...{ name: '_include', covers: ['search-type'], method: 'GET', asks: ['s', always('Observation')], shows: 's', of },
    ...{ path: () => `Observation?${search}&_include=Observation:subject`, answers: 'list', counts: 'Observation' },
    lists: (one, _about, isSeen) =>
      is('Observation')(one) || (is('Patient')(one) && isSeen(observationOf(one) as unknown as Planted)),
  },
  {
    ...{ name: '_revinclude', covers: ['search-type'], method: 'GET', asks: ['s', always('Patient')], shows: 's', of },
    ...{ path: () => `Patient?family=${FAMILY}&_revinclude=Observation:subject&_total=accurate`, counts: 'Patient' },
    answers: 'list',
    lists: (one, _about, isSeen) =>
      is('Patient')(one) || (is('Observation')(one) && isSeen(patientOf(one) as unknown as Planted)),
  },
  {
    ...{ name: 'chain', covers: ['search-type'], method: 'GET', asks: ['s', always('Observation')], shows: 's', of },
    ...{ path: () => `Observation?subject:Patient.family=${FAMILY}`, answers: 'list' },
    lists: (one, _about, isSeen) => is('Observation')(one) && isSeen(patientOf(one) as unknown as Planted),
  },
  {
    ...{ name: '_has', covers: ['search-type'], method: 'GET', asks: ['s', always('Patient')], shows: 's', of },
    ...{ path: () => `Patient?_has:Observation:subject:code=${CODE}`, answers: 'list' },
    lists: (one, _about, isSeen) => is('Patient')(one) && isSeen(observationOf(one) as unknown as Planted),
  },
  {
    ...{ name: 'history-type', covers: ['history-type'], method: 'GET', asks: ['s', always('Observation')], of },
    ...{ path: () => 'Observation/_history?_count=20', shows: 's', answers: 'list' },
    lists: ({ type }) => type === 'Observation',
  },
  {
    ...{ name: 'history-system', covers: ['history-system'], method: 'GET', asks: ['s'], shows: 's', answers: 'list' },
    ...{ path: () => '_history?_count=100', of },
  },
  {
    ...{ name: 'search in a batch', covers: ['batch'], method: 'POST', path: () => '', headers: () => FHIR, of },
    ...{
      body: () => bundle('batch', `Observation?${search}`, `Patient?family=${FAMILY}`),
      shows: 's',
      answers: 'list',
    },
    lists: inList('Observation', 'Patient'),
  },
  {
    ...{ name: '$match', covers: ['Patient/$match'], method: 'POST', path: () => 'Patient/$match', shows: 's', of },
    headers: () => FHIR,
    body: () => ({
      resourceType: 'Parameters',
      parameter: [
        {
          name: 'resource',
          resource: { resourceType: 'Patient', name: [{ family: `${FAMILY} a` }], birthDate: '1970-01-01' },
        },
      ],
    }),
    answers: 'list',
  },
];

const STALE_BODY = () => ({ ...FHIR, ...STALE });
const patch = [{ op: 'test', path: '/id', value: 'another' }];
const mayNot = (permission: string) => (caller: MatrixCaller, about: Planted) => !mayWrite(caller, about, permission);

/** Writes that change nothing: of another version than there is, or by who may not write that. */
const WRITE_ROWS: readonly Omit<FhirRow, 'shows' | 'answers'>[] = [
  { name: 'update', covers: ['update'], method: 'PUT', path: at, body, headers: STALE_BODY, asks: ['u', typeOf] },
  {
    ...{ name: 'update of what one may not write', covers: ['update'], method: 'PUT', path: at, body },
    ...{ headers: () => FHIR, asks: ['u', typeOf], by: mayNot('u') },
  },
  { name: 'delete', covers: ['delete'], method: 'DELETE', path: at, headers: () => STALE, asks: ['d', typeOf] },
  {
    ...{ name: 'delete of what one may not write', covers: ['delete'], method: 'DELETE', path: at },
    ...{ asks: ['d', typeOf], by: mayNot('d'), everyType: true },
  },
  {
    name: 'patch',
    covers: ['patch'],
    method: 'PATCH',
    path: at,
    body: () => patch,
    headers: () => PATCH,
    asks: ['u', typeOf],
  },
  {
    ...{ name: 'create about a patient', covers: ['create'], method: 'POST', path: () => 'Observation' },
    ...{ body: ({ id }) => valid('Observation', id), headers: () => FHIR, asks: ['c', always('Observation')] },
    ...{
      of: is('Patient'),
      by: (caller, about) =>
        caller.custodian === 'elsewhere' || !mayWrite(caller, { ...about, type: 'Observation' }, 'c'),
    },
  },
  {
    ...{ name: 'conditional create', covers: ['create'], method: 'POST', path: typeOf, body, asks: ['c', typeOf] },
    ...{ headers: ({ id }) => ({ ...FHIR, 'if-none-exist': `_id=${id}` }), by: mayNot('c') },
  },
  {
    ...{ name: 'conditional update', covers: ['update'], method: 'PUT', path: ({ type, id }) => `${type}?_id=${id}` },
    ...{ body, headers: STALE_BODY, asks: ['u', typeOf] },
  },
  {
    ...{
      name: 'conditional delete',
      covers: ['delete'],
      method: 'DELETE',
      path: ({ type, id }) => `${type}?_id=${id}`,
    },
    ...{ headers: () => STALE, asks: ['d', typeOf] },
  },
  {
    ...{ name: 'conditional patch', covers: ['patch'], method: 'PATCH', path: ({ type, id }) => `${type}?_id=${id}` },
    ...{ body: () => patch, headers: () => PATCH, asks: ['u', typeOf] },
  },
];
const WRITES = WRITE_ROWS.map((row): FhirRow => ({ ...row, shows: 'r', answers: 'refused' }));

export const FHIR_ROWS: readonly FhirRow[] = [...READS, ...NAMED, ...LISTS, ...WRITES];

/**
 * Operations that show nothing of the vault, and those that have cells of their own beside these rows: whatever the
 * statement lists must be in one of the two.
 */
export const OTHER_OPERATIONS: Readonly<Record<string, 'shows no records' | 'of the node’s routes' | 'subscriptions'>> =
  {
    $validate: 'shows no records',
    $verify: 'shows no records',
    'CodeSystem/$validate-code': 'shows no records',
    'CodeSystem/$lookup': 'shows no records',
    'CodeSystem/$subsumes': 'shows no records',
    'ValueSet/$expand': 'shows no records',
    'ValueSet/$validate-code': 'shows no records',
    $export: 'of the node’s routes',
    'Patient/$export': 'of the node’s routes',
    'Group/$export': 'of the node’s routes',
    'Subscription/$status': 'subscriptions',
    'Subscription/$events': 'subscriptions',
    'Subscription/$get-ws-binding-token': 'subscriptions',
  };

/** Interactions and operations of a capability statement, as the rows name them. */
export function statedInteractions(statement: Statement): readonly string[] {
  const [{ interaction, operation, resource } = { interaction: [], operation: [], resource: [] }] = statement.rest;
  const stated = new Set([...interaction.map(({ code }) => code), ...operation.map(({ name }) => `$${name}`)]);
  for (const one of resource) {
    for (const { code } of one.interaction) stated.add(code);
    for (const { name } of one.operation ?? []) {
      const isEverywhere = resource.every((other) => other.operation?.some((its) => its.name === name) === true);
      stated.add(isEverywhere ? `$${name}` : `${one.type}/$${name}`);
    }
  }
  return [...stated];
}

interface Statement {
  readonly rest: readonly {
    readonly interaction: readonly { readonly code: string }[];
    readonly operation: readonly { readonly name: string }[];
    readonly resource: readonly {
      readonly type: string;
      readonly interaction: readonly { readonly code: string }[];
      readonly operation?: readonly { readonly name: string }[];
    }[];
  }[];
}

/** Whether the scope check before everything lets a row through. */
export function passesScope(caller: MatrixCaller, { asks }: FhirRow, about: Planted): boolean {
  return asks === undefined || isInScope(caller, asks[0], asks[1]?.(about));
}
