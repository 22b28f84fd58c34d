import type { AccessGrant } from '../../src/auth/scopes.ts';
import { parseResourceScope } from '../../src/auth/scopes.ts';
import { CUSTODIAN } from '../support/fhir-node.ts';
import type { Draw } from './consent-random.ts';
import { waysOf } from './policy-parity-search.ts';
import { LABELS, LABORATORY, type PlainStore, type PlainVersion, SHARED_TYPES } from './policy-parity-store.ts';

/** What an app's token is limited to, as the texts that the authorization server gives it, and the patient in context. */
export interface PlainGrant {
  readonly scopes: readonly string[];
  /** The account whose Patient was chosen. */
  readonly patient?: { readonly id: string; readonly account: string };
}

const TYPES = ['Organization', 'Practitioner', 'Patient', 'Encounter', 'Condition', 'Observation', 'MedicationRequest'];
/** Parts of `cruds`, the forms of version 1, and texts that are no such part and let nothing through. */
const READING = ['rs', 'rs', 'cruds', 'r', 's', 'read', '*', 'ruds'] as const;
const OTHERS = ['c', 'cud', 'write', 'd', 'sr', 'search', ''] as const;

/** Searches behind scopes: what one resource tells, and after those some that it does not, which nothing meets. */
const RESTRICTIONS: Readonly<Record<string, readonly string[]>> = {
  Patient: ['gender=female', 'family=Ames', 'birthdate=ge2020-01-04', '_id=r0,r2', 'family:missing=true'],
  Encounter: ['status=finished', 'status:not=finished', 'subject=Patient/r0'],
  Condition: ['code=urn:one|x', 'code=x', 'recorded-date=lt2020-01-04', 'subject:Patient.family=Ames'],
  Observation: [
    ...[`category=${LABORATORY}`, `category=${encodeURIComponent(LABORATORY)}`, 'category=laboratory'],
    ...['code=urn:one|x,urn:two|x', 'code:not=urn:one|y', 'code=urn%3Aone%7Cx&status=final', 'status=preliminary'],
    ...['date=ge2020-01-03&date=le2020-01-05', 'category:missing=true', 'subject=Patient/r1'],
    ...[`_security=${LABELS[0]}`, `_security:not=${LABELS[1]}`, '_lastUpdated=ge2026-01-04'],
    ...['_has:Observation:derived-from:status=final', '_sort=date', 'no-such-parameter=x'],
  ],
  MedicationRequest: ['code=urn:two|x', 'authoredon=gt2020-01-02', 'patient=Patient/r2'],
};
/** What the naive search answers; the others above are about more than one resource, or no search at all. */
const IS_OF_MANY = /^_has|^_sort|^no-such|\./;

export function randomGrant(draw: Draw, { versions }: PlainStore, isSystem: boolean): PlainGrant {
  const contexts = isSystem ? ['system'] : ['patient', 'user', 'user'];
  const context = () => draw.pick(contexts);
  // Half of them are about every type, and about a part of most: then what is let through and what is not stand side by side.
  const scopes = draw.once(2)
    ? TYPES.flatMap((type) => [
        typeScope(draw, context(), type, 'rs'),
        ...(draw.once(4) ? [randomScope(draw, context())] : []),
      ])
    : Array.from({ length: draw.below(6) }, () => randomScope(draw, context()));
  if (draw.once(4)) scopes.push(`${context()}/*.${draw.pick(READING)}`);
  const patients = versions.filter(({ type, resource }) => type === 'Patient' && resource !== undefined);
  const { id, account } = draw.pick(patients);
  const all = ['openid', 'launch/patient', ...scopes];
  return isSystem || draw.once(5) ? { scopes: all } : { scopes: all, patient: { id, account } };
}

function randomScope(draw: Draw, context: string): string {
  const type = draw.once(2) ? 'Observation' : draw.pick(TYPES);
  return typeScope(draw, context, type, draw.once(4) ? draw.pick(OTHERS) : draw.pick(READING));
}

function typeScope(draw: Draw, context: string, type: string, access: string): string {
  const restrictions = RESTRICTIONS[type];
  if (restrictions === undefined || draw.once(3)) return `${context}/${type}.${access}`;
  // Neither all types nor version 1 have searches: such a scope lets nothing through.
  return `${context}/${draw.once(12) ? '*' : type}.${access}?${draw.pick(restrictions)}`;
}

/** The grant as the node's authentication gives it. */
export function grantOf({ scopes, patient }: PlainGrant): AccessGrant {
  const parsed = scopes.flatMap((text) => parseResourceScope(text) ?? []);
  return { scopes: parsed, ...(patient === undefined ? {} : { patient }) };
}

interface PlainScope {
  readonly context: string;
  readonly type: string;
  readonly letters: string;
  readonly restriction: string | undefined;
}

const VERSION_1 = new Map([
  ['read', 'rs'],
  ['write', 'cud'],
  ['*', 'cruds'],
]);

/** SMART App Launch 2.2's grammar of scopes, read once more: version 2 without order it refuses, version 1 without search. */
function readScope(text: string): readonly PlainScope[] {
  const [head = '', restriction] = text.split(/\?(.*)/s);
  const found = /^(?<context>patient|user|system)\/(?<type>[^.]+)\.(?<access>.+)$/.exec(head)?.groups;
  if (found === undefined) return [];
  const { context = '', type = '', access = '' } = found;
  const old = VERSION_1.get(access);
  if (restriction !== undefined && (old !== undefined || type === '*')) return [];
  const inOrder = [...'cruds'].filter((letter) => access.includes(letter)).join('');
  if (old === undefined && inOrder !== access) return [];
  return [{ context, type, letters: old ?? access, restriction }];
}

function scopesFor(grant: PlainGrant, permission: string, type: string | undefined): readonly PlainScope[] {
  return grant.scopes
    .flatMap(readScope)
    .filter((one) => one.letters.includes(permission))
    .filter((one) => type === undefined || one.type === '*' || one.type === type);
}

/** Whether a scope is about this at all; where none is, the answer is 403. No type for what is about all types. */
export function isAbout(grant: PlainGrant | undefined, permission: string, type?: string): boolean {
  return grant === undefined || scopesFor(grant, permission, type).length > 0;
}

/** Whether a scope lets this version through, looked at alone, for a read (`r`) or a search (`s`). */
export function grantLets(grant: PlainGrant, version: PlainVersion, permission: string): boolean {
  return scopesFor(grant, permission, version.type).some(
    ({ context, restriction }) =>
      (context !== 'patient' || isShared(version) || version.account === grant.patient?.account) &&
      (restriction === undefined || meets(version, restriction)),
  );
}

function isShared({ account, type }: PlainVersion): boolean {
  return account === CUSTODIAN && SHARED_TYPES.includes(type);
}

/** What a grant did with a version, by name: that each of its limits was met at all is worth knowing of a random test. */
export function limitsMet(grant: PlainGrant, version: PlainVersion, permission: string): readonly string[] {
  if (grantLets(grant, version, permission)) {
    const isSearched = !grantLets(
      { ...grant, scopes: grant.scopes.filter((text) => !text.includes('?')) },
      version,
      permission,
    );
    return isSearched ? ['let through by a search'] : ['let through by a type'];
  }
  const freed = (change: (text: string) => string) =>
    grantLets({ ...grant, scopes: grant.scopes.map(change) }, version, permission);
  return [
    ...(freed((text) => text.replace(/^patient/, 'user')) ? ['kept back by the patient in context'] : []),
    ...(freed((text) => text.replace(/\?.*/s, '')) ? ['kept back by a search'] : []),
    ...(grantLets(grant, version, permission === 'r' ? 's' : 'r') ? ['kept back by the other permission'] : []),
    ...(isAbout(grant, permission) ? [] : ['kept back altogether']),
  ];
}

export const ALL_LIMITS = [
  ...['let through by a search', 'let through by a type', 'kept back by the patient in context'],
  ...['kept back by a search', 'kept back by the other permission', 'kept back altogether'],
];

const NOBODY = { versions: [], current: new Map() };

/** A deletion has nothing to search in. */
function meets(version: PlainVersion, restriction: string): boolean {
  if (version.resource === undefined) return false;
  return restriction.split('&').every((condition) => {
    const [name = '', value = ''] = condition.split(/=(.*)/s).map(decodeURIComponent);
    return !IS_OF_MANY.test(name) && waysOf(NOBODY, version, name, value).length > 0;
  });
}
