import { randomBytes } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import type { Caller } from '../../src/auth/caller.ts';
import { type Conformance, r4Conformance } from '../../src/fhir/conformance.ts';
import type { FhirServer } from '../../src/fhir/context.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { type FhirLimits, LIMITS } from '../../src/fhir/limits.ts';
import { logFailure } from '../../src/fhir/log-failure.ts';
import { createFhirPlugin, type FhirPluginOptions } from '../../src/fhir/plugin.ts';
import type { AccessPort, RegistrationPort } from '../../src/fhir/ports.ts';
import type { VersionRow } from '../../src/vault/vault.ts';
import { createSpiedVault, type SpiedVault } from './spied-vault.ts';

export const CUSTODIAN = 'c'.repeat(32);
export const BASE_URL = 'http://aceso.example/fhir';

export interface FhirNode {
  readonly app: FastifyInstance;
  readonly vault: SpiedVault;
  /** Accounts opened for patients, in order. */
  readonly registered: string[];
  /** What policy denies; tests set it. */
  readonly denies: { read: (row: VersionRow) => boolean; write: (account: string, type: string) => boolean };
  readonly now: { ms: number };
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<FhirAnswer>;
}

export interface FhirAnswer {
  readonly status: number;
  readonly headers: Record<string, string | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** Somebody of the custodian's who treats. */
export const PHYSICIAN: Caller = {
  custodian: CUSTODIAN,
  account: 'a'.repeat(32),
  kind: 'practitioner',
  organisation: CUSTODIAN,
  roles: [],
  purpose: 'TREAT',
};

/** Policy that permits all but what is denied at that moment, to whomever. */
export function testPolicy(denies: {
  readonly read?: (row: VersionRow) => boolean;
  readonly write?: (account: string, type: string) => boolean;
}): AccessPort {
  return {
    read: async (_caller, _account, versions) => {
      const visible = versions.map((row) => denies.read?.(row) !== true);
      return { decision: visible.includes(true) ? 'permit' : 'deny', rules: ['test'], visible };
    },
    write: (_caller, { account = CUSTODIAN, type }) => ({
      decision: denies.write?.(account, type) === true ? 'deny' : 'permit',
      rules: ['test'],
      visible: [],
    }),
  };
}

/** Opens accounts of random ids, and keeps them in `registered`. */
export function testRegistration(registered: string[] = []): RegistrationPort {
  const open = () => {
    const account = randomBytes(16).toString('hex');
    registered.push(account);
    return account;
  };
  return {
    register: async () => open(),
    registerMany: async (_custodian, count) => Array.from({ length: count }, open),
  };
}

type FhirNodeOptions = Partial<Omit<FhirPluginOptions, 'server'>> &
  Partial<Pick<FhirServer, 'access' | 'registration' | 'baseUrl' | 'clock' | 'writeRules'>> & {
    readonly limits?: Partial<FhirLimits>;
    /** R4 alone unless it is given. */
    readonly conformance?: Conformance;
  };

/** The FHIR plugin over a vault in memory, with policy and registration that tests steer. */
export async function createFhirNode(options: FhirNodeOptions = {}): Promise<FhirNode> {
  const vault = await createSpiedVault(CUSTODIAN);
  const registered: string[] = [];
  const denies: FhirNode['denies'] = { read: () => false, write: () => false };
  const now = { ms: Date.UTC(2026, 0, 2, 3, 4, 5, 6) };
  const app = fastify();
  const {
    conformance = r4Conformance(await loadDefinitions()),
    access = testPolicy(denies),
    registration = testRegistration(registered),
    baseUrl = BASE_URL,
    clock = () => now.ms++,
    writeRules = [],
    limits,
    ...plugin
  } = options;
  const server = (): FhirServer => ({
    ...{ ...conformance, access, registration, baseUrl, clock, writeRules },
    limits: { ...LIMITS, ...limits },
    reportFailure: (error) => logFailure(app.log, error),
  });
  const parts = { vaultOf: () => vault, server, authenticate: async () => PHYSICIAN, ...plugin };
  await app.register(createFhirPlugin(parts), { prefix: '/fhir' });
  return {
    app,
    vault,
    registered,
    denies,
    now,
    async send(method, path, body, headers = {}) {
      const response = await app.inject({
        method: method as 'GET',
        url: path === '' ? '/fhir' : `/fhir/${path}`,
        headers: body === undefined ? headers : { 'content-type': 'application/fhir+json', ...headers },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
      });
      const text = response.payload;
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string | undefined>,
        text,
        json: text.startsWith('{') ? JSON.parse(text) : undefined,
      };
    },
  };
}
