import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { CONTRACTS } from '../../src/app/contracts.ts';
import { newGenesis } from '../../src/app/new-network.ts';
import { createServerFloors } from '../../src/app/server-floors.ts';
import { issueToken } from '../../src/auth/tokens.ts';
import { createMemberPort } from '../../src/capabilities/access/server/exchange-ports.ts';
import { padTags, tag } from '../../src/capabilities/consent/contract/tags.ts';
import { registerPractitioner } from '../../src/capabilities/membership/server/registration.ts';
import { createKernel } from '../../src/chain/kernel.ts';
import { keyId } from '../../src/chain/signature.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';
import { randomBytes } from '../../src/crypto/node/platform.ts';
import { sealingPublicKey } from '../../src/crypto/sealing.ts';
import { createExchangeCall, type ExchangeCall } from '../../src/exchange/exchange-call.ts';
import { createFetchText } from '../../src/exchange/fetch-text.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { importBundle } from '../../src/fhir/import-bundle.ts';
import { createEmbeddedLedger } from '../../src/ledger/embedded/embedded-ledger.ts';
import { verifyTask } from '../../src/ledger/intake/verify-task.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { submitMessage } from '../../src/ledger/submit-message.ts';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createHttpHost } from '../../src/server/http-host.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { hexToBytes, utf8 } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { newOrganisationKeys, type OrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';

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
  const operatorSeed = '07'.repeat(32);
  const founders: OrganisationKeys[] = [];
  for (const slug of ['hospital', 'clinic', 'intruder'])
    founders.push(await newOrganisationKeys({ slug, name: slug, roles: ['provider'] }));
  const plan = { name: 'test', createdMs: now(), operatorSeed, founders: founders.map(({ entry }) => entry) };
  const genesis = newGenesis(plan) as ReturnType<typeof newGenesis> & JsonObject;
  const ledger = await createEmbeddedLedger({
    ...{ folder: join(folder, 'ledger'), genesis, clock: now, log, threads: 0 },
    kernel: createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask }),
    operatorKey: { seed: hexToBytes(operatorSeed) as Uint8Array },
  });
  const organisations = await Promise.all(
    founders.map((keys) => openOrganisation(keys, { folder, ledger, clock: now, log })),
  );
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
    for (const vault of vaults) await vault.close();
    await ledger.close();
    rmSync(folder, { recursive: true, force: true });
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

async function openOrganisation(
  { organisation, secrets }: OrganisationKeys,
  parts: Pick<OrganisationContext, 'ledger' | 'clock' | 'log'> & { folder: string },
): Promise<OrganisationContext> {
  const { slug, name, account } = organisation;
  const [seed, sealingSeed] = [secrets.signingSeed, secrets.sealingSeed].map(hexToBytes) as [Uint8Array, Uint8Array];
  const rootKey = new Uint8Array(32).fill(slug.length);
  const vault = await createVault({ folder: join(parts.folder, slug), custodian: account, rootKey, log: parts.log });
  const signer = {
    account,
    keyId: keyId('ed25519', ed25519PublicKey(seed)),
    sign: (bytes: Uint8Array) => signEd25519(seed, bytes),
  };
  return {
    slug,
    name,
    account,
    vault,
    signer,
    sealing: { seed: sealingSeed, publicKey: await sealingPublicKey(sealingSeed) },
    ...parts,
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
