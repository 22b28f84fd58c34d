import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createNodePlugin } from '../../src/app/node-plugin.ts';
import { createServerFloors, type ServerFloors } from '../../src/app/server-floors.ts';
import { issueToken, type TokenRecord } from '../../src/auth/tokens.ts';
import { registerPractitioner } from '../../src/capabilities/membership/server/registration.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { importBundle } from '../../src/fhir/import-bundle.ts';
import type { EmbeddedLedger } from '../../src/ledger/embedded/embedded-ledger.ts';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createHttpHost } from '../../src/server/http-host.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { utf8 } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { isReject, Reject } from '../../src/std/reject.ts';
import { foundMembers } from './founded-members.ts';

/** A hospital and a clinic on one node in a temporary folder: real ledger, real vaults, routes without a socket. */
export interface HospitalNode {
  readonly ledger: EmbeddedLedger;
  readonly hospital: OrganisationContext;
  readonly clinic: OrganisationContext;
  readonly floors: ServerFloors;
  readonly app: FastifyInstance;
  /** Clock of node and ledger; by an hour forward it stops the ledger until `confirmClock`. */
  readonly clock: { offsetMs: number };
  /** Tokens of the hospital's. */
  readonly tokens: { readonly administrator: string; readonly physician: string };
  /** Answer of a 2xx; throws the Reject that the node answered with. */
  call(method: 'GET' | 'POST', path: string, token?: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Opens floors and routes anew over the same vaults, as after a restart. */
  restarted(): ServerFloors;
}

/** The hospital's first patient, with a laboratory value. */
export const PATIENT = 'pat-1';

export async function createHospitalNode(t: TestContext): Promise<HospitalNode> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-hospital-'));
  const log = pino({ level: 'silent' });
  const clock = { offsetMs: 0 };
  const now = (): number => Date.now() + clock.offsetMs;
  const { ledger, organisations, close } = await foundMembers(['Hospital', 'Clinic'], { folder, clock: now, log });
  const [hospital, clinic] = organisations as [OrganisationContext, OrganisationContext];
  const authenticate = createAuthenticate(
    organisations.map(({ vault }) => vault),
    now,
  );
  const floorsOf = (): ServerFloors =>
    createServerFloors({
      ...{ organisations, ledger, authenticate, clock: now },
      ownUrl: 'http://127.0.0.1:0',
      peers: [],
      fetch,
    });
  const floors = floorsOf();
  const app = createHttpHost({ logger: log });
  for (const plugin of floors.plugins) await app.register(plugin);
  await app.register(createNodePlugin({ node: 'test', version: '0', ledger, organisations }));
  t.after(async () => {
    await app.close();
    floors.close();
    await close();
  });
  const { registration } = floors;
  const importing = {
    vault: hospital.vault,
    conformance: r4Conformance(await loadDefinitions()),
    registration,
    baseUrl: '',
    clock: now,
  };
  await importBundle(utf8(JSON.stringify(CHART)), importing);
  const tokens = await issueTokens(hospital);
  const call: HospitalNode['call'] = async (method, path, token, body) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await app.inject({
      method,
      url: path,
      headers,
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const answer = response.json() as Record<string, unknown>;
    if (response.statusCode < 300) return answer;
    const code = String(answer.code);
    throw new Reject(code, { kind: 'invalid', sentence: `HTTP ${response.statusCode}` }, answer.data as JsonObject);
  };
  return { ledger, hospital, clinic, floors, app, clock, tokens, call, restarted: floorsOf };
}

/** The code that a promise is refused with; '' when it is not. */
export async function refusalOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return '';
  } catch (error) {
    if (!isReject(error)) throw error;
    return error.code;
  }
}

async function issueTokens(hospital: OrganisationContext): Promise<HospitalNode['tokens']> {
  const common = { organisation: hospital.account, expiresAtMs: hospital.clock() + 86_400_000, label: 'test' };
  const physician = await registerPractitioner(hospital, { roleCodes: ['http://snomed.info/sct|309343006'] });
  const records: readonly TokenRecord[] = [
    { ...common, account: hospital.account, kind: 'system', roles: [], purposes: ['HOPERAT'] },
    {
      ...common,
      account: physician,
      kind: 'practitioner',
      roles: ['http://snomed.info/sct|309343006'],
      purposes: ['TREAT', 'BTG'],
    },
  ];
  const [administrator, doctor] = await Promise.all(records.map((record) => issueToken(hospital.vault, record)));
  return { administrator: administrator as string, physician: doctor as string };
}

const CHART = {
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      request: { method: 'PUT', url: `Patient/${PATIENT}` },
      resource: { resourceType: 'Patient', id: PATIENT, gender: 'female' },
    },
    {
      request: { method: 'PUT', url: 'Observation/obs-1' },
      resource: {
        resourceType: 'Observation',
        id: 'obs-1',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '718-7' }] },
        subject: { reference: `Patient/${PATIENT}` },
      },
    },
  ],
};
