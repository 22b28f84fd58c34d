import assert from 'node:assert/strict';
import type { Caller } from '../../src/auth/caller.ts';
import type { Vault } from '../../src/vault/vault.ts';
import type { FhirNode } from '../support/fhir-node.ts';
import { CUSTODIAN } from '../support/fhir-node.ts';
import { createDraw, type Draw } from './consent-random.ts';

/** A resource as it was sent. */
export type PlainResource = { readonly resourceType: string; readonly id: string; readonly [name: string]: unknown };

/** One version as a list keeps it: what was sent, by whom, and where it stands in the order of all writes. */
export interface PlainVersion {
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly account: string;
  readonly author: string;
  readonly labels: readonly string[];
  readonly categories: readonly string[];
  /** Those of the newest version of the resource, once all is written. */
  readonly now?: { readonly labels: readonly string[]; readonly categories: readonly string[] };
  readonly timeMs: number;
  /** Undefined for a deletion. */
  readonly resource: PlainResource | undefined;
  /** Name of the version in the journal. */
  readonly leaf: string;
}

/** Everything that was written, in order, and the patients' accounts. */
export interface PlainStore {
  readonly versions: readonly PlainVersion[];
  readonly accounts: readonly string[];
}

/** Versions are written on one of eight days, which consents' times of 0 … 7 stand for. */
export const FIRST_DAY_MS = Date.UTC(2026, 0, 1);
export const DAY_MS = 86_400_000;

const WRITERS = ['a'.repeat(32), 'b'.repeat(32)] as const;
const V3 = 'http://terminology.hl7.org/CodeSystem';
/** What is nobody's and for everybody whom the custodian let in. */
export const SHARED_TYPES: readonly string[] = ['Organization', 'Practitioner'];
/** The first two are sensitive: such versions are indexed apart. */
export const LABELS = [
  `${V3}/v3-Confidentiality|R`,
  `${V3}/v3-ActCode|HIV`,
  `${V3}/v3-Confidentiality|N`,
  'urn:labels|own',
] as const;
export const LABORATORY = `${V3}/observation-category|laboratory`;
const TYPES = 'http://hl7.org/fhir/resource-types';
export const CATEGORIES = [`${TYPES}|Observation`, `${TYPES}|Condition`, LABORATORY, `${TYPES}|Patient`] as const;
/** Versions named one by one, and those of one writer. */
export const DATA = [
  ['instance', 'Observation/r0'],
  ['instance', 'Encounter/r1'],
  ['author', WRITERS[1]],
  ['instance', 'Patient/r0'],
] as const;
/** Codes of two systems, one of them in both. */
export const CODINGS = ['urn:one|x', 'urn:one|y', 'urn:two|x'] as const;
export const FAMILIES = ['Ames', 'Amesbury', 'Bell', 'bell', 'Cox'] as const;

export function staff(account: string): Caller {
  const roles: readonly string[] = [];
  return { custodian: CUSTODIAN, account, kind: 'practitioner', organisation: CUSTODIAN, roles, purpose: 'TREAT' };
}

/** Writes a random store through `node`, as `writeAs` says; ids repeat across types, so that a bare id is ambiguous. */
export async function writeStore(node: FhirNode, vault: Vault, seed: number, writeAs: (caller: Caller) => void) {
  const draw = createDraw(seed);
  const versions: PlainVersion[] = [];
  const live = new Map<string, PlainVersion>();

  async function write(type: string, id: string, body: PlainResource | undefined): Promise<void> {
    const author = draw.pick(WRITERS);
    writeAs(staff(author));
    node.now.ms = FIRST_DAY_MS + draw.below(8) * DAY_MS + draw.below(3) * 1000;
    const method = body === undefined ? 'DELETE' : 'PUT';
    const answer = await node.send(method, `${type}/${id}`, body);
    assert.ok(answer.status < 300, `${method} ${type}/${id}: ${answer.text}`);
    const row = await vault.current(type, id);
    assert.ok(row);
    const before = live.get(`${type}/${id}`);
    const { version, timeMs, leaf, account } = row;
    // A deletion is in the account, and under the labels, of what it deletes.
    const facts =
      body === undefined ? { labels: before?.labels ?? [], categories: before?.categories ?? [] } : factsOf(body);
    const resource = body && { ...body, meta: { ...(body.meta as object), lastUpdated: timeMs } };
    const plain: PlainVersion = { type, id, version, account, author, ...facts, timeMs, resource, leaf };
    versions.push(plain);
    if (body === undefined) live.delete(`${type}/${id}`);
    else live.set(`${type}/${id}`, plain);
  }

  const idsOf = (type: string) => [...live.values()].filter((one) => one.type === type).map(({ id }) => id);
  const referTo = (type: string): { reference: string } | undefined => {
    const ids = idsOf(type);
    return ids.length === 0 ? undefined : { reference: `${type}/${draw.pick(ids)}` };
  };
  const make = (type: string, id: string, patient?: string) => randomResource(draw, type, id, referTo, patient);
  for (const [type, most] of [
    ['Organization', 3],
    ['Practitioner', 3],
  ] as const)
    for (let at = 0; at < most; at++) await write(type, `r${at}`, make(type, `r${at}`));
  for (let at = 0; at < 4; at++) await write('Patient', `r${at}`, make('Patient', `r${at}`));
  for (const [type, least] of [
    ['Encounter', 5],
    ['Condition', 4],
    ['Observation', 24],
    ['MedicationRequest', 5],
  ] as const)
    for (let at = 0; at < least + draw.below(4); at++) await write(type, `r${at}`, make(type, `r${at}`));
  for (let step = 0; step < 24; step++) {
    const { type, id, resource } = draw.pick([...live.values()]);
    const patient = (resource?.subject as { reference?: string } | undefined)?.reference;
    // Mostly the patient stays; what moves belongs to one account in one version and to another in the next.
    const isMoved = draw.once(8);
    if (draw.once(5) && type !== 'Patient') await write(type, id, undefined);
    else await write(type, id, make(type, id, isMoved ? undefined : patient));
  }
  const newest = new Map(versions.map((one) => [`${one.type}/${one.id}`, one]));
  return {
    versions: versions.map((one) => ({ ...one, now: newest.get(`${one.type}/${one.id}`) ?? one })),
    accounts: [...new Set(versions.filter(({ type }) => type === 'Patient').map(({ account }) => account))],
  };
}

function factsOf(resource: PlainResource): Pick<PlainVersion, 'labels' | 'categories'> {
  const codes = (list: unknown) =>
    ((list ?? []) as { system: string; code: string }[]).map((one) => `${one.system}|${one.code}`);
  const meta = (resource.meta ?? {}) as { security?: unknown };
  const category = (resource.category ?? []) as { coding: unknown }[];
  return {
    labels: codes(meta.security),
    categories: [`${TYPES}|${resource.resourceType}`, ...category.flatMap(({ coding }) => codes(coding))],
  };
}

function coding(text: string) {
  const [system, code] = text.split('|') as [string, string];
  return { system, code };
}

type ReferTo = (type: string) => { reference: string } | undefined;

/** A valid resource; what refers to others refers to what is there, of any patient. */
function randomResource(draw: Draw, type: string, id: string, referTo: ReferTo, patient?: string): PlainResource {
  const maybe = (name: string, value: unknown) => (value === undefined || draw.once(4) ? {} : { [name]: value });
  const list = (value: unknown) => (value === undefined ? undefined : [value]);
  const security = draw.once(3) ? { security: draw.some(LABELS, 2).map(coding) } : {};
  const meta = type === 'Organization' || type === 'Practitioner' ? {} : security;
  const day = () => `2020-01-0${1 + draw.below(6)}`;
  const common = { resourceType: type, id, ...(Object.keys(meta).length === 0 ? {} : { meta }) };
  const subject = patient === undefined ? referTo('Patient') : { reference: patient };
  const code = { coding: [coding(draw.pick(CODINGS))] };
  switch (type) {
    case 'Organization':
      return { ...common, name: draw.pick(FAMILIES), ...maybe('partOf', referTo('Organization')) };
    case 'Practitioner':
      return {
        ...common,
        name: [{ family: draw.pick(FAMILIES) }],
        ...maybe('identifier', [{ system: 'urn:npi', value: id }]),
      };
    case 'Patient':
      return {
        ...common,
        ...maybe('name', [{ family: draw.pick(FAMILIES) }]),
        ...maybe('gender', draw.pick(['female', 'male'])),
        ...maybe('birthDate', day()),
        ...maybe('identifier', [{ system: 'urn:mrn', value: id }]),
        ...maybe('generalPractitioner', list(referTo('Practitioner'))),
        ...maybe('managingOrganization', referTo('Organization')),
      };
    case 'Encounter':
      return {
        ...common,
        status: draw.pick(['finished', 'planned']),
        class: coding(`${V3}/v3-ActCode|AMB`),
        subject,
        ...maybe('period', { start: day() }),
        ...maybe('partOf', referTo('Encounter')),
        ...maybe('serviceProvider', referTo('Organization')),
      };
    case 'Condition':
      return {
        ...common,
        clinicalStatus: { coding: [coding(`${V3}/condition-clinical|active`)] },
        code,
        subject,
        ...maybe('encounter', referTo('Encounter')),
        ...maybe('recordedDate', day()),
      };
    case 'Observation':
      return {
        ...common,
        status: draw.pick(['final', 'preliminary']),
        ...maybe('category', [{ coding: [coding(LABORATORY)] }]),
        code,
        // Some are nobody's: the custodian's own.
        ...(draw.once(20) ? {} : { subject }),
        ...maybe('encounter', referTo('Encounter')),
        ...maybe('effectiveDateTime', day()),
        ...maybe('performer', list(referTo('Practitioner'))),
        ...maybe('derivedFrom', list(referTo('Observation'))),
      };
    default:
      return {
        ...common,
        status: 'active',
        intent: 'order',
        medicationCodeableConcept: code,
        subject,
        ...maybe('encounter', referTo('Encounter')),
        ...maybe('authoredOn', day()),
        ...maybe('requester', referTo('Practitioner')),
      };
  }
}
