import type { Vault } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { CompactDefinitions } from './definitions/definitions.ts';
import { namedPatients, type ParsedResource, valuesAt } from './patient-account.ts';
import { aboutPaths, isShared } from './record-kinds.ts';
import { localReference } from './references.ts';

/** A write as far as its account depends on it: `patient` is whom `patientOf` names. */
interface OwnedWrite {
  readonly type: string;
  readonly id: string;
  readonly resource?: ParsedResource;
  readonly patient?: string;
}

/** Whose a write is: of a patient by the id of the Patient, or of a known account; the custodian's own by neither. */
interface Whose {
  readonly patient?: string;
  readonly account?: string;
}

/** Entries of a stored Bundle that are looked at to find whom it is about; a longer one is the custodian's own. */
const MAX_BUNDLE_ENTRIES = 1000;

/** Account of one patient; of a Patient who is written by the same request and has none yet, `Patient/[id]`. */
type Owner = string;

/**
 * Finds whose the writes of one request are, where no reference names a Patient: what they are about belongs to one
 * (record-kinds.ts), stored or written by the same request. What is about records of several patients is the
 * custodian's own. Throws PATIENT_AMBIGUOUS where one and the same path names a Patient and another one's record.
 */
export function createRecordAccounts(
  {
    vault,
    definitions,
    baseUrl,
  }: { readonly vault: Vault; readonly definitions: CompactDefinitions; readonly baseUrl: string },
  writes: readonly OwnedWrite[],
): (write: OwnedWrite) => Promise<Whose> {
  const written = new Map(writes.map((write) => [`${write.type}/${write.id}`, write]));
  /** Null while it is looked for: what leads back to itself tells nothing. */
  const found = new Map<string, Owner | undefined | null>();

  async function ownerOf(write: OwnedWrite): Promise<Owner | undefined> {
    const { type, id, resource, patient } = write;
    const name = `${type}/${id}`;
    const known = found.get(name);
    if (known !== undefined || found.has(name)) return known ?? undefined;
    found.set(name, null);
    const owner = patient !== undefined ? await ownerOfPatient(patient) : resource && (await ownerAbout(resource));
    found.set(name, owner);
    return owner;
  }

  async function ownerOfPatient(id: string): Promise<Owner | undefined> {
    const account = await vault.accountOf('Patient', id);
    return account ?? (written.has(`Patient/${id}`) ? `Patient/${id}` : undefined);
  }

  /** Undefined for what is not here, and for what is the custodian's own. */
  async function ownerAt(reference: string): Promise<Owner | undefined> {
    const local = localReference(reference, baseUrl);
    if (local === undefined) return undefined;
    const { type, id } = local;
    if (type === 'Patient') return ownerOfPatient(id);
    const write = written.get(`${type}/${id}`);
    if (write?.resource !== undefined) return ownerOf(write);
    const account = definitions.resources[type] === undefined ? undefined : await vault.accountOf(type, id);
    return account === vault.custodian ? undefined : account;
  }

  /** One after the other: references that lead in a circle are told by that. */
  async function ownersAt(resource: ParsedResource, path: string): Promise<ReadonlySet<Owner>> {
    const owners = new Set<Owner>();
    for (const reference of new Set(valuesAt(resource, `${path}.reference`))) {
      const owner = typeof reference === 'string' ? await ownerAt(reference) : undefined;
      if (owner !== undefined) owners.add(owner);
    }
    return owners;
  }

  async function ownerAbout(resource: ParsedResource): Promise<Owner | undefined> {
    if (resource.resourceType === 'Bundle') return ownerOfBundle(resource);
    for (const path of aboutPaths(resource.resourceType)) {
      const [owner, other] = await ownersAt(resource, path);
      if (owner !== undefined) return other === undefined ? owner : undefined;
    }
    return undefined;
  }

  /** The one patient whom all entries are about, but for those that are nobody's and for everybody. */
  async function ownerOfBundle({ entry }: ParsedResource): Promise<Owner | undefined> {
    if (!Array.isArray(entry) || entry.length > MAX_BUNDLE_ENTRIES) return undefined;
    let owner: Owner | undefined;
    for (const one of entry as readonly (BundleEntry | null)[]) {
      const { fullUrl, resource } = one ?? {};
      if (typeof resource?.resourceType !== 'string') return undefined;
      const whose = isOfElsewhere(fullUrl) ? undefined : await ownerOfEntry(resource);
      if (whose === undefined && isShared(resource.resourceType)) continue;
      if (whose === undefined || (owner ?? whose) !== whose) return undefined;
      owner = whose;
    }
    return owner;
  }

  /** What an entry of another server names, it names there (R4 §2.36.4.1), and of an UUID nobody knows where. */
  function isOfElsewhere(fullUrl: unknown): boolean {
    return fullUrl !== undefined && (typeof fullUrl !== 'string' || localReference(fullUrl, baseUrl) === undefined);
  }

  async function ownerOfEntry(resource: ParsedResource): Promise<Owner | undefined> {
    if (resource.resourceType === 'Patient') return ownerOfPatient(String(resource.id));
    const [patient, other] = namedPatients(resource, definitions, baseUrl)?.patients ?? [];
    if (other !== undefined) return undefined;
    return patient === undefined ? ownerAbout(resource) : ownerOfPatient(patient);
  }

  /** A path that names a Patient may lead to the record of another one, as targets of a Provenance do. */
  async function requireOne({ resource, patient }: OwnedWrite): Promise<void> {
    if (resource === undefined || patient === undefined) return;
    const { resourceType } = resource;
    const path = namedPatients(resource, definitions, baseUrl)?.path ?? '';
    if (!aboutPaths(resourceType).includes(path) || valuesAt(resource, path).length === 1) return;
    const owners = await ownersAt(resource, path);
    if (owners.size > 1) throw rejectFhir('PATIENT_AMBIGUOUS', { path: `${resourceType}.${path}` });
  }

  return async (write) => {
    await requireOne(write);
    const { resource, patient } = write;
    if (resource === undefined || patient !== undefined) return patient === undefined ? {} : { patient };
    const owner = await ownerOf(write);
    if (owner === undefined) return {};
    return owner.startsWith('Patient/') ? { patient: owner.slice('Patient/'.length) } : { account: owner };
  };
}

interface BundleEntry {
  readonly fullUrl?: unknown;
  readonly resource?: ParsedResource;
}
