import type { Caller } from '../auth/caller.ts';
import { isReject } from '../std/reject.ts';
import type { Vault } from '../vault/vault.ts';
import { type RequestEntry, readBundle } from './bundle-request.ts';
import { rejectFhir } from './codes.ts';
import { commitWrites, type WrittenVersion } from './commit-write.ts';
import type { Conformance } from './conformance.ts';
import type { FhirContext } from './context.ts';
import { exactJson } from './exact-json.ts';
import { LIMITS } from './limits.ts';
import type { AccessPort, RegistrationPort } from './ports.ts';
import { prepareWrites, validatePrepared, type WriteOperation } from './prepare-write.ts';
import { idIn, typeIn } from './write.ts';

export interface ImportOptions {
  readonly vault: Vault;
  readonly conformance: Conformance;
  readonly registration: RegistrationPort;
  readonly baseUrl: string;
  readonly clock: () => number;
}

/** How many resources were new, changed, and stored already. */
export interface ImportCount {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

/** The custodian's operator imports into the custodian's own vault: nobody else's policy is asked. */
const OPERATOR: AccessPort = {
  read: async (_caller, _account, versions) => ({
    decision: 'permit',
    rules: ['import'],
    visible: versions.map(() => true),
  }),
  write: () => ({ decision: 'permit', rules: ['import'], visible: [] }),
};

/** Nothing in an import stands alone, so nothing in it may fail alone. */
function failImport(error: unknown): never {
  throw error;
}

/**
 * Imports one transaction Bundle (bytes as in the file), whole or not at all. An entry's resource keeps its id, or takes
 * the UUID of its fullUrl, so that the same fullUrl in several files is one resource. What has the content of a stored
 * version is left alone: importing again changes nothing. Rejects as a transaction does, naming the entry, and
 * IMPORT_ENTRY_UNSUPPORTED and IMPORT_SUBSCRIPTION.
 */
export async function importBundle(bytes: Uint8Array, options: ImportOptions): Promise<ImportCount> {
  const { vault } = options;
  const caller: Caller = {
    custodian: vault.custodian,
    account: vault.custodian,
    kind: 'system',
    organisation: vault.custodian,
    roles: [],
    purpose: 'HOPERAT',
  };
  const context: FhirContext = {
    ...options,
    ...options.conformance,
    access: OPERATOR,
    limits: LIMITS,
    caller,
    reportFailure: failImport,
  };
  if (bytes.length > LIMITS.bundleBytes) throw rejectFhir('BODY_TOO_LARGE', { limitBytes: LIMITS.bundleBytes });
  const { entries } = readBundle(exactJson(bytes), options.baseUrl, LIMITS);
  const operations = entries.map((entry) => entryToOperation(context, entry));
  const targets = new Map<string, string>();
  const seen = new Set<string>();
  for (const [index, { type, id }] of operations.entries()) {
    const address = `${type}/${id}`;
    if (seen.has(address)) throw rejectFhir('BUNDLE_OVERLAP', { entry: index });
    seen.add(address);
    const { fullUrl } = entries[index] as RequestEntry;
    if (fullUrl !== undefined) targets.set(fullUrl, address);
  }
  const written = await writeUnstored(context, operations, (value) => targets.get(value));
  let created = 0;
  let updated = 0;
  for (const version of written) {
    if (version?.changed !== true) continue;
    if (version.existed) updated++;
    else created++;
  }
  return { created, updated, unchanged: written.length - created - updated };
}

/** How often an import looks again at what is stored, when others write the same resources at the same time. */
const ATTEMPTS = 8;

async function writeUnstored(
  context: FhirContext,
  operations: readonly WriteOperation[],
  target: (value: string) => string | undefined,
): Promise<readonly (WrittenVersion | undefined)[]> {
  for (let attempt = 1; ; attempt++) {
    const prepared = await prepareWrites(context, operations, { target, skipStored: true, unvalidated: true });
    await validatePrepared(context, prepared);
    try {
      return await commitWrites(context, prepared);
    } catch (thrown) {
      if (!isReject(thrown) || thrown.code !== 'WRITE_CONTENDED' || attempt === ATTEMPTS) throw thrown;
    }
  }
}

function entryToOperation(context: FhirContext, { index, method, fullUrl, text }: RequestEntry): WriteOperation {
  const type = text === undefined ? undefined : typeIn(text);
  if (text === undefined || type === undefined || (method !== 'POST' && method !== 'PUT')) {
    throw rejectFhir('IMPORT_ENTRY_UNSUPPORTED', { entry: index });
  }
  if (context.definitions.resources[type] === undefined) throw rejectFhir('TYPE_UNKNOWN', { entry: index });
  // Its owner, its secrets and its room are made where somebody asks for it, and an import is nobody's.
  if (type === 'Subscription') throw rejectFhir('IMPORT_SUBSCRIPTION', { entry: index });
  const uuid = /^urn:uuid:([0-9a-fA-F-]{36})$/.exec(fullUrl ?? '')?.[1];
  const id = idIn(text) ?? uuid;
  if (id === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(id)) throw rejectFhir('ID_INVALID', { entry: index });
  return { action: 'update', type, id, text, entry: index };
}
