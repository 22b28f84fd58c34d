import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { type ImportCount, importBundle } from '../../src/fhir/import-bundle.ts';
import { createFhirOperations } from '../../src/fhir/operations/fhir-operations.ts';
import { openPackageStore } from '../../src/fhir/packages/package-store.ts';
import type { RegistrationPort } from '../../src/fhir/ports.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import type { CustodianVault } from '../../src/vault/vault.ts';
import { CUSTODIAN, createFhirNode, type FhirAnswer, type FhirNode } from '../support/fhir-node.ts';
import { BASE_URL, NOW_MS } from '../support/slow-search.ts';

export type DatabaseKind = 'SQLite' | 'PostgreSQL';

/** The FHIR service over a vault that encrypts, on one of the databases, with a clock that tests set. */
export interface ConformanceNode extends Pick<FhirNode, 'send' | 'denies'> {
  readonly vault: CustodianVault;
  /** Imports a transaction Bundle, bytes as in the file. */
  importBundle(bytes: Uint8Array): Promise<ImportCount>;
  /** From now on it is `NOW_MS`, as the slow matcher has it; until then each call of the clock is a second later. */
  stopClock(): void;
  /** Ids that a search finds, page by page, in order, and those that came with them as `Type/id`. */
  find(path: string, form?: SearchForm): Promise<FoundIds>;
  close(): Promise<void>;
}

/** By GET, or POST `_search` with the parameters in the body. */
export type SearchForm = 'GET' | 'POST';

export interface FoundIds {
  readonly ids: readonly string[];
  readonly included: readonly string[];
  readonly pages: number;
  readonly total?: number;
}

/** A search that was refused. */
export class SearchRefused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(request: string, { status, json, text }: FhirAnswer) {
    const code: string = json?.issue?.[0]?.details?.coding?.[0]?.code ?? '';
    super(`${request}: ${status} ${code} ${text.slice(0, 300)}`);
    this.status = status;
    this.code = code;
  }
}

const FIRST_MS = Date.UTC(2025, 10, 1);
const openAccount = () => randomBytes(16).toString('hex');
const REGISTRATION: RegistrationPort = {
  register: async () => openAccount(),
  registerMany: async (_custodian, count) => Array.from({ length: count }, openAccount),
};
const quiet = { info() {}, warn() {}, error() {} };

/** `packages` are FHIR packages (.tgz) that are loaded into the node before it serves. */
export async function startConformanceNode(
  kind: DatabaseKind,
  packages: readonly Uint8Array[] = [],
): Promise<ConformanceNode> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-conformance-'));
  const database = kind === 'SQLite' ? {} : { database: { url: await postgresUrl() } };
  const rootKey = new Uint8Array(32).fill(7);
  const vault = await createVault({ folder, custodian: CUSTODIAN, rootKey, log: quiet, ...database });
  await vault.openAccount(CUSTODIAN);
  let nowMs = FIRST_MS;
  let isStopped = false;
  const clock = () => {
    if (!isStopped) nowMs += 1000;
    return nowMs;
  };
  // A search over thousands of examples is no attack here.
  const limits = { bundleEntries: 100_000, scannedRows: 20_000, openedRows: 20_000 };
  const loaded = await withPackages(join(folder, 'packages'), packages);
  const node = await createFhirNode({
    ...{ vaultOf: () => vault, baseUrl: BASE_URL, clock, limits, registration: REGISTRATION },
    ...loaded,
  });
  const importing = {
    vault,
    registration: REGISTRATION,
    baseUrl: BASE_URL,
    clock,
    conformance: loaded.conformance,
  };

  async function find(path: string, form: SearchForm = 'GET'): Promise<FoundIds> {
    const [type = '', query = ''] = path.split('?');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    let answer =
      form === 'GET' ? await node.send('GET', path) : await node.send('POST', `${type}/_search`, query, headers);
    const ids: string[] = [];
    const included = new Set<string>();
    const total: number | undefined = answer.json?.total;
    for (let pages = 1; ; pages++) {
      if (answer.status !== 200) throw new SearchRefused(`${form} ${path}`, answer);
      for (const { resource, search } of answer.json.entry ?? []) {
        if (search.mode === 'match') ids.push(resource.id);
        else included.add(`${resource.resourceType}/${resource.id}`);
      }
      const next: string | undefined = answer.json.link.find(
        ({ relation }: { relation: string }) => relation === 'next',
      )?.url;
      if (next === undefined)
        return { ids, included: [...included].sort(), pages, ...(total === undefined ? {} : { total }) };
      answer = await node.send('GET', next.slice(BASE_URL.length + 1));
    }
  }

  return {
    vault,
    send: node.send,
    denies: node.denies,
    find,
    importBundle: (bytes) => importBundle(bytes, importing),
    stopClock() {
      isStopped = true;
      nowMs = NOW_MS;
    },
    async close() {
      await node.app.close();
      await vault.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Loaded here, since it speaks to the test runner, and a script has none. */
async function postgresUrl(): Promise<string> {
  const { sharedPostgres } = await import('../support/test-postgres.ts');
  return (await sharedPostgres()).createDatabase();
}

/** What a node serves with packages: their profiles and search parameters, and the operations. */
async function withPackages(folder: string, packages: readonly Uint8Array[]) {
  const store = await openPackageStore(folder);
  for (const tgz of packages) await store.add(tgz);
  const conformance = await openConformance(await loadDefinitions(), store);
  return { conformance, operations: createFhirOperations(conformance) };
}
