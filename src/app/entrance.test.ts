import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createHospitalNode, type HospitalNode } from '../../test/support/hospital-node.ts';
import { issueToken } from '../auth/tokens.ts';
import { createOutgoing } from '../outgoing/create-outgoing.ts';
import { createAuthenticate } from '../server/authenticate.ts';
import { createHttpHost } from '../server/http-host.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { type Entrance, openEntrance } from './entrance.ts';

const BASE_URL = 'http://localhost:8103';
const REDIRECT = 'https://app.example/callback';
const APP = {
  ...{ client_name: 'Growth charts', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' },
  scope: 'openid launch/patient patient/*.rs',
};

/** The way in of a node that starts now. */
async function entered(t: TestContext, node: HospitalNode): Promise<{ host: FastifyInstance; entrance: Entrance }> {
  const organisations = [node.hospital, node.clinic];
  const vaultOf = (custodian: string) => organisationOf(organisations, custodian).vault;
  const log = pino({ level: 'silent' });
  const authenticate = createAuthenticate(
    organisations.filter(({ vault }) => vault.status() === 'serving').map(({ vault }) => vault),
    Date.now,
  );
  const entrance = await openEntrance({
    ...{ organisations, ledger: node.ledger, authenticate, baseUrl: BASE_URL, fhirUrl: `${BASE_URL}/fhir` },
    ...{ outgoing: createOutgoing({ storeOf: vaultOf }), signInLimits: {}, clock: Date.now, log },
    // Nobody comes as far as to choose a patient.
    patients: { search: async () => [], find: async () => undefined, ofAccount: async () => undefined, userOf: nobody },
  });
  assert(entrance);
  const host = createHttpHost({ logger: log });
  await entrance.register(host);
  t.after(() => host.close());
  return { host, entrance };
}

const nobody = async () => undefined;

async function registered(host: FastifyInstance, { vault, account }: OrganisationContext): Promise<string> {
  const holder = { organisation: account, account, kind: 'system', roles: [], purposes: ['HOPERAT'] } as const;
  const token = await issueToken(vault, { ...holder, expiresAtMs: Date.now() + 3_600_000, label: 'test' });
  const headers = { authorization: `Bearer ${token}` };
  const answer = await host.inject({ method: 'POST', url: '/api/clients', headers, payload: APP });
  assert.equal(answer.statusCode, 201, answer.body);
  return (answer.json() as { client_id: string }).client_id;
}

/** How a sign-in begins: `page` where somebody may say who they are, else what is refused. */
async function beginning(host: FastifyInstance, client: string): Promise<string> {
  const query = new URLSearchParams({
    ...{
      response_type: 'code',
      client_id: client,
      redirect_uri: REDIRECT,
      scope: APP.scope,
      state: 'a-state-of-22-chars-xy',
    },
    ...{ aud: `${BASE_URL}/fhir`, code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' },
  });
  const { statusCode, body, headers } = await host.inject({ url: `/auth/authorize?${query}` });
  if (statusCode === 303) return String(headers.location).includes('/auth/interaction/') ? 'page' : 'elsewhere';
  return /invalid_client/.exec(body)?.[0] ?? (JSON.parse(body) as { code: string }).code;
}

/** Puts a vault behind an anchor that it does not know, as one from an old backup is. */
async function putBehind({ vault }: OrganisationContext): Promise<void> {
  const { generation } = vault.journalHead();
  assert.equal(await vault.checkAgainst({ generation, size: 1_000, root: 'ab'.repeat(32) }), 'behind');
}

/** What the node does once the members have voted that its journal goes on. */
async function serveAgain({ vault }: OrganisationContext): Promise<void> {
  await vault.startGeneration(vault.journalHead().generation + 1);
  assert.equal(vault.status(), 'serving');
}

test('an organisation whose vault serves only after the start lets people in from then on, and keeps out no other', async (t) => {
  const node = await createHospitalNode(t);
  const { hospital, clinic } = node;
  const before = await entered(t, node);
  const [ofHospital, ofClinic] = [await registered(before.host, hospital), await registered(before.host, clinic)];
  await putBehind(clinic);

  const { host, entrance } = await entered(t, node);
  assert.deepEqual([await beginning(host, ofHospital), await beginning(host, ofClinic)], ['page', 'invalid_client']);
  assert.equal(entrance.isOrigin('https://app.example'), true);
  await serveAgain(clinic);
  // Several at once: each of them finds what the first one brought.
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => beginning(host, ofClinic))), ['page', 'page', 'page']);
  assert.equal(await beginning(host, ofHospital), 'page');
  const caller = { custodian: clinic.account, account: clinic.account, kind: 'system', organisation: clinic.account };
  const service = { ...caller, kind: 'system', roles: [], purpose: 'HOPERAT', client: ofClinic } as const;
  assert.equal(await entrance.isStillAllowed(service), true);
});

test('who asks for what goes on without a token is the first to come as well as any', async (t) => {
  const node = await createHospitalNode(t);
  const { clinic } = node;
  const client = await registered((await entered(t, node)).host, clinic);
  await putBehind(clinic);
  const { entrance } = await entered(t, node);
  await serveAgain(clinic);
  const { account } = clinic;
  const caller = { custodian: account, account, kind: 'system', organisation: account, roles: [] } as const;
  assert.equal(await entrance.isStillAllowed({ ...caller, purpose: 'HOPERAT', client }), true);
});

test('a node none of whose vaults serves says so, does no work, and opens with the first that serves', async (t) => {
  const node = await createHospitalNode(t);
  const { hospital, clinic } = node;
  const before = await entered(t, node);
  const [ofHospital, ofClinic] = [await registered(before.host, hospital), await registered(before.host, clinic)];
  for (const one of [hospital, clinic]) await putBehind(one);

  const { host, entrance } = await entered(t, node);
  assert.equal(await beginning(host, ofClinic), 'VAULT_BEHIND_ANCHOR');
  for (const { run } of entrance.jobs) await run();
  await serveAgain(clinic);
  assert.deepEqual([await beginning(host, ofHospital), await beginning(host, ofClinic)], ['invalid_client', 'page']);
  await serveAgain(hospital);
  assert.deepEqual([await beginning(host, ofHospital), await beginning(host, ofClinic)], ['page', 'page']);
  for (const { run } of entrance.jobs) await run();
});
