import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fastify, { type FastifyInstance } from 'fastify';
import { createBulkFiles } from '../../src/app/bulk-files.ts';
import type { Caller } from '../../src/auth/caller.ts';
import type { BulkLimits } from '../../src/fhir/bulk/bulk-limits.ts';
import { type Bulk, createBulk } from '../../src/fhir/bulk/bulk-plugin.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import type { FhirServer } from '../../src/fhir/context.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { LIMITS } from '../../src/fhir/limits.ts';
import { createFhirPlugin } from '../../src/fhir/plugin.ts';
import { utf8 } from '../../src/std/bytes.ts';
import type { VersionRow } from '../../src/vault/vault.ts';
import { BASE_URL, CUSTODIAN, PHYSICIAN, testPolicy, testRegistration } from './fhir-node.ts';
import { createSpiedVault, type SpiedVault } from './spied-vault.ts';

/** Callers of tests, by the name that the header `x-caller` has. */
const CALLERS: Readonly<Record<string, Caller>> = {
  physician: PHYSICIAN,
  app: { ...PHYSICIAN, client: 'app-1' },
  'other-app': { ...PHYSICIAN, client: 'app-2' },
  'app-of-other': { ...PHYSICIAN, account: 'b'.repeat(32), client: 'app-1' },
  narrow: {
    ...PHYSICIAN,
    client: 'app-1',
    grant: { scopes: [{ context: 'system', type: 'Patient', permissions: 'rs' }] },
  },
  administrator: { ...PHYSICIAN, account: CUSTODIAN, kind: 'system', purpose: 'HOPERAT' },
};

export interface BulkAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

export interface ManifestFile {
  readonly type: string;
  readonly url: string;
  readonly count: number;
  readonly extension: { readonly 'urn:aceso:receipt': { readonly sha256: string; readonly receipt: string } };
}

/** FHIR server and bulk routes over a vault and a folder, with a policy and a clock that tests steer. */
export interface BulkNode {
  readonly vault: SpiedVault;
  readonly folder: string;
  readonly denies: { read: (row: VersionRow) => boolean };
  readonly clock: { aheadMs: number };
  /** What was no refusal. */
  readonly failures: unknown[];
  /** Who began a job, as that one is now. */
  readonly owners: { now: (owner: Caller) => Caller | undefined };
  /** Callers other than those above. */
  readonly callers: Record<string, Caller>;
  bulk(): Bulk;
  /** Stops bulk and opens it anew over the same vault and folder. */
  restart(limits?: Partial<BulkLimits>): Promise<void>;
  send(method: string, path: string, options?: SendOptions): Promise<BulkAnswer>;
  /** Kicks off with what is asked for, and gives the id. Throws unless it is taken. */
  kickOff(path: string, options?: SendOptions): Promise<string>;
  /** The manifest, once there is one. Throws for any other end. */
  manifest(id: string, options?: SendOptions): Promise<Manifest>;
  /** Resources in a file of a manifest. */
  lines(file: ManifestFile, options?: SendOptions): Promise<Record<string, unknown>[]>;
}

export interface Manifest {
  readonly transactionTime: string;
  readonly request: string;
  readonly requiresAccessToken: boolean;
  readonly output: readonly ManifestFile[];
  readonly deleted?: readonly ManifestFile[];
  readonly error: readonly ManifestFile[];
}

interface SendOptions {
  readonly caller?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** No waits: tests are not to depend on how quick a machine is. */
const TEST_LIMITS: Partial<BulkLimits> = { settleMs: 0, pollMs: 0, retryMs: 1 };

export async function createBulkNode(t: TestContext, limits: Partial<BulkLimits> = {}): Promise<BulkNode> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bulk-'));
  const vault = await createSpiedVault(CUSTODIAN);
  const conformance = r4Conformance(await loadDefinitions());
  const failures: unknown[] = [];
  const denies: BulkNode['denies'] = { read: () => false };
  const clock = { aheadMs: 0 };
  const callers: Record<string, Caller> = { ...CALLERS };
  const owners: BulkNode['owners'] = { now: (owner) => owner };
  const server: FhirServer = {
    ...conformance,
    limits: LIMITS,
    baseUrl: BASE_URL,
    clock: () => Date.now() + clock.aheadMs,
    access: testPolicy(denies),
    registration: testRegistration(),
    reportFailure: (error) => void failures.push(error),
  };
  const authenticate = async (request: { headers: Record<string, unknown> }) =>
    callers[String(request.headers['x-caller'] ?? 'physician')] as Caller;
  const storage = createBulkFiles(join(folder, 'exports'), new Map([[CUSTODIAN, 'hospital']]));
  let bulk: Bulk;
  let app: FastifyInstance;

  async function start(more: Partial<BulkLimits>): Promise<void> {
    bulk = createBulk({
      ...{ vaults: [{ custodian: CUSTODIAN, vault }], storage, authenticate, server: () => server },
      ownerNow: async (owner) => owners.now(owner),
      // The place alone: there is no ledger here that anchors it.
      receiptOf: async (_vault, { generation, index }) => utf8(JSON.stringify({ generation, index })),
      limits: { ...TEST_LIMITS, ...limits, ...more },
    });
    app = fastify();
    await app.register(createFhirPlugin({ server: () => server, vaultOf: () => vault, authenticate }), {
      prefix: '/fhir',
    });
    await app.register(bulk.plugin, { prefix: '/fhir' });
    await bulk.resume();
  }
  await start({});
  t.after(async () => {
    await bulk.stop();
    await app.close();
    await vault.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const node: BulkNode = {
    ...{ vault, folder, denies, clock, callers, owners, failures },
    bulk: () => bulk,
    async restart(more = {}) {
      await bulk.stop();
      await app.close();
      await start(more);
    },
    async send(method, path, { caller = 'physician', body, headers = {} } = {}) {
      const url = path.startsWith('http') ? path.slice(BASE_URL.length + 1) : path;
      const response = await app.inject({
        method: method as 'GET',
        url: `/fhir/${url}`,
        headers: {
          'x-caller': caller,
          ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
      });
      const isZipped = response.headers['content-encoding'] === 'gzip';
      const text = isZipped ? gunzipSync(response.rawPayload).toString() : response.payload;
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string | undefined>,
        text,
        json: /^application\/(?:fhir\+)?json/.test(String(response.headers['content-type'] ?? ''))
          ? JSON.parse(text)
          : undefined,
      };
    },
    async kickOff(path, options = {}) {
      const answer = await node.send(options.body === undefined ? 'GET' : 'POST', path, {
        ...options,
        headers: { prefer: 'respond-async', ...options.headers },
      });
      if (answer.status !== 202) throw new Error(`kick-off answered ${answer.status}: ${answer.text}`);
      return String(answer.headers['content-location']?.split('/').at(-1));
    },
    async manifest(id, options = {}) {
      for (;;) {
        const answer = await node.send('GET', `bulk-exports/${id}`, options);
        if (answer.status === 200) return answer.json as Manifest;
        if (answer.status !== 202) throw new Error(`status ${answer.status}: ${answer.text}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async lines(file, options = {}) {
      const answer = await node.send('GET', file.url, options);
      if (answer.status !== 200) throw new Error(`file ${answer.status}: ${answer.text}`);
      return answer.text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
  return node;
}
