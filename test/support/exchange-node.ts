import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createServerFloors } from '../../src/app/server-floors.ts';
import { issueToken } from '../../src/auth/tokens.ts';
import { createMemberPort } from '../../src/capabilities/access/server/exchange-ports.ts';
import { padTags, tag } from '../../src/capabilities/consent/contract/tags.ts';
import { registerPractitioner } from '../../src/capabilities/membership/server/registration.ts';
import { randomBytes } from '../../src/crypto/node/platform.ts';
import { createExchangeCall, type ExchangeCall } from '../../src/exchange/exchange-call.ts';
import { createFetchText } from '../../src/exchange/fetch-text.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { importBundle } from '../../src/fhir/import-bundle.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { submitMessage } from '../../src/ledger/submit-message.ts';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createHttpHost } from '../../src/server/http-host.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { utf8 } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { foundMembers } from './founded-members.ts';

/** A hospital with a patient, a clinic that asks for records, and an intruder: three members on one node. */
export interface ExchangeNode {
  readonly ledger: Ledger;
  readonly hospital: OrganisationContext;
  readonly clinic: OrganisationContext;
  readonly intruder: OrganisationContext;
  /** The patient's account at the hospital. */
  readonly account: string;
  readonly clock: { offsetMs: number };
  /** Every call between organisations goes through this: a test may look at it, alter it, or let an answer be lost. */
  readonly wire: { intercept: (url: string, send: () => Promise<Response>) => Promise<Response> };
  /** POST /api/access/requests as the clinic's physician. */
  request(body?: JsonObject): Promise<{ status: number; body: AccessAnswer }>;
  post(path: string, body: unknown): Promise<{ status: number; code: string }>;
  /** A raw call in the name of any organisation. */
  readonly call: ExchangeCall;
  /** The hospital attests a paper consent; resolves to the policy's id. */
  grant(message: JsonObject): Promise<string>;
  submit(by: OrganisationContext, message: JsonObject & { type: string }): Promise<JsonObject>;
  tag(kind: 'category' | 'label', code: string): string;
  tags(kind: 'category' | 'label', ...codes: string[]): readonly string[];
}

export interface AccessAnswer {
  readonly code?: string;
  readonly decision?: string;
  readonly rules?: readonly string[];
  readonly transaction?: string;
  readonly resources?: number;
  readonly bundle?: { readonly entry?: readonly { readonly resource: { resourceType: string; id: string } }[] };
  readonly text: string;
}

export const IDENTIFIER = 'urn:mrn|4711';
export const PHYSICIAN = 'http://snomed.info/sct|309343006';
export const RESTRICTED = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R';

export async function createExchangeNode(t: TestContext): Promise<ExchangeNode> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-exchange-'));
  const log = pino({ level: 'silent' });
  const clock = { offsetMs: 0 };
  const now = () => Date.now() + clock.offsetMs;
  const names = ['hospital', 'clinic', 'intruder'];
  const { ledger, organisations, close } = await foundMembers(names, { folder, clock: now, log });
  const [hospital, clinic, intruder] = organisations as [OrganisationContext, OrganisationContext, OrganisationContext];
  const vaults = organisations.map(({ vault }) => vault);
  const authenticate = createAuthenticate(vaults, now);
  const app = createHttpHost({ logger: log });
  const wire: ExchangeNode['wire'] = { intercept: (_url, send) => send() };
  const inProcess = ((url: string, init: RequestInit) =>
    wire.intercept(url, async () => {
      const headers = { 'content-type': 'application/json' };
      const payload = String(init.body);
      const answer = await app.inject({ method: 'POST', url: new URL(url).pathname, headers, payload });
      return new Response(answer.rawPayload as Uint8Array<ArrayBuffer>, { status: answer.statusCode });
    })) as typeof fetch;
  const elsewhere = { ownUrl: 'http://own', peers: [], fetch: inProcess };
  const floors = createServerFloors({ organisations, ledger, authenticate, clock: now, ...elsewhere });
  for (const plugin of floors.plugins) await app.register(plugin);
  t.after(async () => {
    await app.close();
    floors.close();
    await close();
  });
  const { registration } = floors;
  const conformance = r4Conformance(await loadDefinitions());
  const importing = { vault: hospital.vault, conformance, registration, baseUrl: '', clock: now };
  await importBundle(utf8(JSON.stringify(CHART)), importing);
  const account = (await hospital.vault.accountOf('Patient', 'pat-1')) as string;
  const physician = await registerPractitioner(clinic, { roleCodes: [PHYSICIAN] });
  const token = await issueToken(clinic.vault, {
    ...{ account: physician, kind: 'practitioner', organisation: clinic.account, roles: [PHYSICIAN] },
    ...{ purposes: ['TREAT', 'HRESCH'], label: 'physician', expiresAtMs: now() + 86_400_000 },
  });
  const send = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await app.inject({ method: 'POST', url: path, headers, payload: body as object });
    return { status: answer.statusCode, body: { ...answer.json(), text: answer.payload } as AccessAnswer };
  };
  const submit: ExchangeNode['submit'] = async (by, message) => {
    const { outcome } = await submitMessage(ledger, now(), message, by.signer);
    assert.equal(outcome.code, 'OK', JSON.stringify(outcome.data));
    return { id: outcome.id, ...outcome.data };
  };
  const tagKey = await hospital.vault.tagKey(account);
  const tagOf: ExchangeNode['tag'] = (kind, code) => tag(tagKey, kind, code);
  const call = createExchangeCall({
    directory: { urlOf: async () => 'http://own' },
    members: createMemberPort(ledger),
    fetchText: createFetchText(inProcess),
  });
  return {
    ...{ ledger, hospital, clinic, intruder, account, clock, wire, call, submit, tag: tagOf },
    tags: (kind, ...codes) =>
      padTags(
        codes.map((code) => tagOf(kind, code)),
        randomBytes,
      ),
    request: (body = {}) =>
      send(
        '/api/access/requests',
        { custodian: hospital.account, identifier: IDENTIFIER, ...body },
        { authorization: `Bearer ${token}` },
      ),
    post: async (path, body) => {
      const { status, body: answer } = await send(path, body);
      return { status, code: answer.code ?? '' };
    },
    async grant(message) {
      const root = { purposes: ['TREAT'], members: [clinic.account] };
      const base = { type: 'consent.grant', account, scope: 'patient-privacy', sense: 'permit', root, exceptions: [] };
      return (await submit(hospital, { ...base, ...message })).policy as string;
    },
  };
}

const observation = (id: string, labels: readonly string[] = []) => ({
  request: { method: 'PUT', url: `Observation/${id}` },
  resource: {
    ...{ resourceType: 'Observation', id, status: 'final', subject: { reference: 'Patient/pat-1' } },
    ...(labels.length === 0 ? {} : { meta: { security: labels.map(coding) } }),
    ...{ code: { text: id }, valueQuantity: { value: 7.25, unit: 'g/dL' } },
  },
});

function coding(label: string): { system: string; code: string } {
  const [system = '', code = ''] = label.split('|');
  return { system, code };
}

const CHART = {
  resourceType: 'Bundle',
  type: 'transaction',
  entry: [
    {
      request: { method: 'PUT', url: 'Patient/pat-1' },
      resource: {
        ...{ resourceType: 'Patient', id: 'pat-1', gender: 'female' },
        identifier: [{ system: 'urn:mrn', value: '4711' }],
      },
    },
    observation('obs-1'),
    observation('obs-2'),
    observation('obs-restricted', [RESTRICTED]),
    {
      request: { method: 'PUT', url: 'Condition/con-1' },
      resource: {
        resourceType: 'Condition',
        id: 'con-1',
        code: { text: 'x' },
        subject: { reference: 'Patient/pat-1' },
      },
    },
  ],
};
