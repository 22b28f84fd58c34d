import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { TestContext } from 'node:test';
import type { Consent } from '@medplum/fhirtypes';
import { memberReference } from '../../src/capabilities/consent/api/member-reference.ts';
import type { ClaimSlip } from '../../src/capabilities/membership/api.ts';
import { bytesToBase64url } from '../../src/std/bytes.ts';
import { claimAccount } from '../../src/wallet/claim.ts';
import { grantConsent, revokeConsent } from '../../src/wallet/consent.ts';
import { nodeKeys } from '../../src/wallet/node/node-keys.ts';
import { newWalletAccount, type WalletAccount } from '../../src/wallet/wallet.ts';
import {
  APP,
  assertionOf,
  authorized,
  exchange,
  newServiceKey,
  serviceOf,
  serviceToken,
} from '../support/smart-app.ts';
import { type Colleague, type SmartNode, startSmartNode } from '../support/smart-node.ts';
import { patientToken } from './access-matrix-patient.ts';

/** Whose a planted object is: of patient A or B, of the organisation, or nobody's because it never was. */
export type Owner = 'a' | 'b' | 'own' | 'never';
/** What patient A has decided. */
export type ConsentState = 'none' | 'deny' | 'permit';

export interface Planted {
  readonly owner: Owner;
  readonly type: string;
  readonly id: string;
  /** Text that stands in it and nowhere else. */
  readonly marker: string;
  readonly isDeleted: boolean;
}

/** Somebody who asks, and what the matrix knows of them: the expectations are computed from this and nothing else. */
export interface MatrixCaller {
  readonly name: string;
  readonly token: string | undefined;
  /** Undefined where nobody stands behind the token. */
  readonly custodian: 'here' | 'elsewhere' | undefined;
  /** Acts for the custodian, or for another organisation. */
  readonly isOwnStaff: boolean;
  readonly patient?: 'a' | 'b';
  readonly isAdministrator?: true;
  readonly isOfficer?: true;
  /** Client of an app's token, and what that is limited to. */
  readonly app?: string;
  readonly scopes?: readonly string[];
  readonly context?: 'a';
}

export interface MatrixWorld {
  readonly node: SmartNode;
  /** `METHOD /pattern` of all routes that were registered, HEAD of each GET left out. */
  readonly routes: readonly string[];
  readonly planted: readonly Planted[];
  readonly callers: readonly MatrixCaller[];
  /** Has patient A decide. */
  decide(state: ConsentState): Promise<void>;
}

/** Codes and names by which the planted are searched for, and nothing else is found. */
export const FAMILY = 'Mxmarker';
export const CODE = 'urn:matrix|planted';

export function idOf(owner: Owner, type: string): string {
  return `matrix-${owner.padEnd(5, '0')}-${type.toLowerCase()}`;
}

/** Types of which no subject says whose they are: not each interaction is asked about them. */
export const ABOUT_OTHERS: readonly string[] = ['Binary', 'Bundle', 'Group', 'List'];

/** What is never there has an id as long as the others'. */
function plantedOf(owner: Owner): readonly Planted[] {
  const charted = ['Patient', 'Encounter', 'Observation', 'Condition', 'Deleted', 'Binary', 'Bundle', 'List'];
  const types = owner === 'own' ? ['Practitioner'] : charted;
  return types.map((name) => ({
    ...{ owner, id: idOf(owner, name), marker: `MARK-${owner}-${name}-KRAM` },
    type: name === 'Deleted' ? 'Observation' : name,
    isDeleted: name === 'Deleted',
  }));
}

function resourceOf({ owner, type, id, marker }: Planted): object {
  const [system, code] = CODE.split('|');
  const coding = { coding: [{ system, code }], text: marker };
  const subject = { reference: `Patient/${idOf(owner, 'Patient')}` };
  const encounter = { reference: `Encounter/${idOf(owner, 'Encounter')}` };
  const performer = [{ reference: `Practitioner/${idOf('own', 'Practitioner')}` }];
  const common = { resourceType: type, id };
  switch (type) {
    case 'Practitioner':
      return { ...common, name: [{ family: FAMILY, text: marker }] };
    case 'Patient': {
      const identifier = [{ system: 'urn:matrix:mrn', value: marker }];
      return { ...common, identifier, name: [{ family: `${FAMILY} ${owner}`, text: marker }], birthDate: '1970-01-01' };
    }
    case 'Encounter': {
      const actClass = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };
      return {
        ...common,
        status: 'finished',
        class: actClass,
        subject,
        type: [coding],
        reasonCode: [{ text: marker }],
      };
    }
    case 'Binary':
      return {
        ...{ ...common, meta: { tag: [{ system: 'urn:matrix:tag', code: marker }] } },
        ...{ contentType: 'text/plain', securityContext: subject, data: 'eA==' },
      };
    case 'List': {
      const item = { reference: `Observation/${idOf(owner, 'Observation')}` };
      return { ...common, status: 'current', mode: 'working', title: marker, entry: [{ item }] };
    }
    case 'Bundle': {
      const observation = { resourceType: 'Observation', status: 'final', code: { text: marker }, subject };
      return { ...common, type: 'collection', entry: [{ resource: observation }] };
    }
    // Of B, who denies nobody: whoever sees the group may know of its member.
    case 'Group': {
      const member = [{ entity: { reference: `Patient/${idOf('b', 'Patient')}` } }];
      return { ...common, type: 'person', actual: true, name: marker, member };
    }
    case 'Condition': {
      const active = { system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' };
      return { ...common, clinicalStatus: { coding: [active] }, code: coding, subject, encounter };
    }
    default:
      return { ...common, status: 'final', code: coding, subject, encounter, performer, valueString: marker };
  }
}

/** Every route of a Fastify instance that is made meanwhile. */
async function collectRoutes<T>(routes: Set<string>, make: () => Promise<T>): Promise<T> {
  const listen = (message: unknown) => {
    const { fastify } = message as { fastify: { addHook(name: string, hook: (route: RouteSeen) => void): void } };
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) if (one !== 'HEAD') routes.add(`${one} ${url}`);
    });
  };
  subscribe('fastify.initialization', listen);
  try {
    return await make();
  } finally {
    unsubscribe('fastify.initialization', listen);
  }
}

interface RouteSeen {
  readonly method: string | readonly string[];
  readonly url: string;
}

export async function createMatrixWorld(t: TestContext): Promise<MatrixWorld> {
  const routes = new Set<string>();
  const node = await collectRoutes(routes, () => startSmartNode(t));
  const group = { owner: 'own', type: 'Group', id: idOf('own', 'Group'), marker: 'MARK-own-Group-KRAM' } as const;
  const planted = [...(['own', 'a', 'b'] as const).flatMap(plantedOf), { ...group, isDeleted: false }];
  for (const one of planted) await plant(node, one);
  const [walletA, walletB] = [await claim(node, 'a'), await claim(node, 'b')];
  const { accounts = [] } = node.running.seeded ?? {};
  const seededToken = (organisation: string, label: string) => {
    const found = accounts.find((one) => one.organisation === organisation && one.label.startsWith(label));
    assert.ok(found, `${label} of ${organisation}`);
    return found.token;
  };
  const { json: home } = await node.api('GET', '/');
  const riverside = home.organisations[1].account as string;
  const here = { custodian: 'here', isOwnStaff: true } as const;
  const elsewhere = { custodian: 'elsewhere', isOwnStaff: true } as const;
  const callers: MatrixCaller[] = [
    { name: 'nobody', token: undefined, custodian: undefined, isOwnStaff: false },
    { name: 'an invented token', token: `aceso_${'A'.repeat(43)}`, custodian: undefined, isOwnStaff: false },
    { name: 'an invented token of an app', token: 'B'.repeat(43), custodian: undefined, isOwnStaff: false },
    { name: 'physician', token: seededToken('st-brigid', 'physician'), ...here },
    { name: 'privacy officer', token: seededToken('st-brigid', 'privacy officer'), ...here, isOfficer: true },
    { name: 'administrator', token: node.admin, ...here, isOfficer: true, isAdministrator: true },
    { name: 'patient A', token: walletA.token, custodian: 'here', isOwnStaff: false, patient: 'a' },
    { name: 'patient B', token: walletB.token, custodian: 'here', isOwnStaff: false, patient: 'b' },
    { name: 'physician elsewhere', token: seededToken('riverside', 'physician'), ...elsewhere },
    {
      ...{ name: 'administrator elsewhere', token: node.running.adminTokens.riverside, ...elsewhere },
      ...{ isAdministrator: true, isOfficer: true },
    },
    ...(await appCallers(node, riverside)),
    ...(await patientAppCallers(node, walletA)),
  ];
  let policy: string | undefined;
  return {
    ...{ node, planted, callers, routes: [...routes] },
    async decide(state) {
      if (policy !== undefined) await revoke(node, walletA, policy);
      policy = state === 'none' ? undefined : await grant(node, walletA, consentOf(state, riverside));
    },
  };
}

async function plant({ api, admin }: SmartNode, one: Planted): Promise<void> {
  const path = `/fhir/${one.type}/${one.id}`;
  const { status, text } = await api('PUT', path, resourceOf(one), admin);
  assert.equal(status, 201, text);
  if (one.isDeleted) assert.ok((await api('DELETE', path)).status < 300);
}

async function claim(node: SmartNode, owner: 'a' | 'b'): Promise<WalletAccount> {
  const { json: slip } = await node.api('POST', `/api/accounts/${idOf(owner, 'Patient')}/claim-code`, {});
  const { custodian, account, patient, genesis } = slip as ClaimSlip;
  const fresh = newWalletAccount({ custodian, account, patient, genesis });
  const post = async (path: string, body: unknown) => (await node.api('POST', path, body, '')).json;
  return claimAccount({ post, keys: nodeKeys, nowMs: Date.now() }, slip as ClaimSlip, fresh);
}

/** A denies everybody, or lets the other organisation in. */
function consentOf(state: ConsentState, member: string): Consent {
  const patient = { reference: `Patient/${idOf('a', 'Patient')}` };
  const role = {
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }],
  };
  const treatment = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }];
  const actor = [{ role, reference: memberReference(member) }];
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    ...{ patient, performer: [patient], dateTime: new Date().toISOString() },
    policy: [{ uri: 'urn:matrix:policy' }],
    provision: state === 'deny' ? { type: 'deny' } : { type: 'permit', actor, purpose: treatment },
  };
}

async function grant({ api }: SmartNode, wallet: WalletAccount, consent: Consent): Promise<string> {
  const patientId = idOf('a', 'Patient');
  const kept = await api(
    'POST',
    '/api/consents/documents',
    { patientId, consent: JSON.stringify(consent) },
    wallet.token,
  );
  assert.equal(kept.status, 200, kept.text);
  const { wire, inexpressible } = await grantConsent(
    { keys: nodeKeys, nowMs: Date.now() },
    wallet,
    consent,
    kept.json.leaf,
  );
  assert.equal(inexpressible, undefined);
  const body = { patientId, document: kept.json.id, wire: bytesToBase64url(wire) };
  const done = await api('POST', '/api/consents', body, wallet.token);
  assert.equal(done.status, 200, done.text);
  return done.json.policy;
}

async function revoke({ api }: SmartNode, wallet: WalletAccount, policy: string): Promise<void> {
  const wire = await revokeConsent({ keys: nodeKeys, nowMs: Date.now() }, wallet, policy);
  const body = { patientId: idOf('a', 'Patient'), policy, wire: bytesToBase64url(wire) };
  const done = await api('POST', '/api/consents/revoke', body, wallet.token);
  assert.equal(done.status, 200, done.text);
}

async function appCallers(node: SmartNode, riverside: string): Promise<readonly MatrixCaller[]> {
  const colleague = await node.hire('Dr. Matrix');
  const here = { custodian: 'here', isOwnStaff: true } as const;
  const app = async (scopes: string, of?: string): Promise<MatrixCaller> => {
    const context = scopes.includes('patient/') ? ({ context: 'a' } as const) : {};
    const client = of ?? (await node.register(APP)).client_id;
    const token = await appToken(node, client, colleague, scopes);
    return { name: `app with ${scopes}`, token, ...here, app: client, scopes: scopes.split(' '), ...context };
  };
  const service = async (name: string, scope: string, actor: object, isOwnStaff: boolean): Promise<MatrixCaller> => {
    const key = newServiceKey('ES384');
    const { client_id: id } = await node.register(serviceOf(key, { scope: 'system/*.cruds', actor }));
    const { json } = await serviceToken(node, await assertionOf(node, id, key), scope);
    assert.ok(json.access_token, JSON.stringify(json));
    const scopes = (json.scope ?? '').split(' ').filter((one) => one !== '');
    return { name, token: json.access_token, custodian: 'here', isOwnStaff, app: id, scopes };
  };
  const own = { purposes: ['HOPERAT'] };
  const writing = await app('user/*.cruds');
  return [
    writing,
    // Another token of the same app, for the same person.
    await app('openid', writing.app),
    await app('launch/patient patient/Patient.r'),
    await app('launch/patient patient/*.rs'),
    await app('launch/patient patient/*.cruds'),
    await app(`user/Observation.rs?code=${CODE} user/Patient.s`),
    await app('user/*.rs'),
    await service('service without a scope', 'user/*.rs', own, true),
    await service('service with system/Patient.rs', 'system/Patient.rs', own, true),
    await service(
      'service of another organisation',
      'system/*.rs',
      { purposes: ['TREAT'], organisation: riverside },
      false,
    ),
  ];
}

/** Apps that patient A herself signs in to. */
async function patientAppCallers(node: SmartNode, wallet: WalletAccount): Promise<readonly MatrixCaller[]> {
  const app = async (scopes: string): Promise<MatrixCaller> => {
    const { client_id: client } = await node.register(APP);
    const token = await patientToken(node, client, wallet, scopes);
    const hers = { custodian: 'here', isOwnStaff: false, patient: 'a', context: 'a' } as const;
    return { name: `patient A’s app with ${scopes}`, token, ...hers, app: client, scopes: scopes.split(' ') };
  };
  return [
    await app('launch/patient patient/*.cruds'),
    // Told of nothing that it may not read.
    await app('launch/patient patient/Subscription.cruds patient/Practitioner.rs'),
  ];
}

/** Signs the colleague in, chooses patient A where the scopes are about one, and allows all. */
async function appToken(node: SmartNode, clientId: string, colleague: Colleague, scope: string): Promise<string> {
  const chosen = scope.includes('launch/patient') ? { family: `${FAMILY} a` } : {};
  const { patient, ...given } = await authorized(node, { clientId, colleague, scope, ...chosen });
  assert.ok(patient === undefined || patient === idOf('a', 'Patient'));
  const { json } = await exchange(node, clientId, given);
  assert.ok(json.access_token, JSON.stringify(json));
  assert.deepEqual(new Set((json.scope ?? '').split(' ')), new Set(scope.split(' ')));
  return json.access_token;
}
