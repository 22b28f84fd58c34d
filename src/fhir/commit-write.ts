import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { type IndexEntries, NO_ENTRIES } from '../vault/index/index-entries.ts';
import type { NewVersion, VersionRow } from '../vault/vault.ts';
import { askedBy } from './asked.ts';
import { classify } from './classify.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import type { ParsedResource } from './patient-account.ts';
import { checkPrecondition } from './precondition.ts';
import { inEntry, type PreparedWrite } from './prepare-write.ts';
import { decideRead } from './read-decision.ts';
import { tombstoneText, withIdentity } from './resource-text.ts';
import { resourceToEntries } from './search/resource-entries.ts';
import { refuseWrites, WRITE_PERMISSION } from './write-decision.ts';

/** What a write came to: the version, its exact text, and whether the resource was there (undeleted) before. */
export interface WrittenVersion {
  readonly row: VersionRow;
  readonly text: string;
  readonly existed: boolean;
  /** False when there was nothing to write: a delete of what is not there, an import of what is stored. */
  readonly changed: boolean;
}

/** How often a write is tried when others write the same resource at the same time. */
const ATTEMPTS = 4;

/**
 * Makes and commits writes that depend on what is stored (`seen`), anew when others were faster. Throws the last
 * WRITE_CONTENDED, and whatever else `work` throws at once.
 */
export async function untilUncontended<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (attempt === ATTEMPTS || !isReject(thrown) || thrown.code !== 'WRITE_CONTENDED') throw thrown;
    }
  }
}

/**
 * Writes all or nothing, in one call of the vault: policy decided, accounts of new patients opened, versions numbered.
 * `interactions` are journalled with them. Results in the order of `writes`; undefined for a delete of what never was.
 * Rejects WRITE_DENIED (journalled), VERSION_MISMATCH (If-Match), ALREADY_EXISTS, WRITE_CONTENDED, and what the vault rejects.
 */
export async function commitWrites(
  context: FhirContext,
  writes: readonly PreparedWrite[],
  interactions: readonly InteractionHeader[] = [],
): Promise<readonly (WrittenVersion | undefined)[]> {
  await checkPreconditions(context, writes, await currentRows(context, writes));
  const opened = await openAccounts(context, writes);
  for (let attempt = 1; ; attempt++) {
    // Checked and numbered from the same rows: what is written after they were read makes the vault refuse the versions,
    // so nothing is written over that If-Match did not name.
    const rows = await currentRows(context, writes);
    await checkPreconditions(context, writes, rows);
    const planned = await Promise.all(writes.map((write, at) => planWrite(context, write, rows[at], opened)));
    await decideWrites(context, planned);
    const versions = planned.flatMap(({ version }) => (version === undefined ? [] : [version]));
    try {
      const written =
        versions.length + interactions.length === 0 ? [] : (await context.vault.write(versions, interactions)).versions;
      context.looks?.settle();
      let at = 0;
      return planned.map(({ version, text, current }) => {
        const existed = current !== undefined && !current.deleted;
        if (version !== undefined) return { row: written[at++] as VersionRow, text, existed, changed: true };
        return current === undefined ? undefined : { row: current, text, existed, changed: false };
      });
    } catch (thrown) {
      if (!isReject(thrown) || thrown.code !== 'VERSION_CONFLICT') throw thrown;
      if (attempt === ATTEMPTS) throw rejectFhir('WRITE_CONTENDED');
    }
  }
}

function currentRows({ vault }: FhirContext, writes: readonly PreparedWrite[]): Promise<(VersionRow | undefined)[]> {
  return Promise.all(writes.map(({ type, id, isNew }) => (isNew ? undefined : vault.current(type, id))));
}

/** Asked before accounts are opened, so that a stale request opens none, and at each attempt, since time has passed. */
async function checkPreconditions(
  context: FhirContext,
  writes: readonly PreparedWrite[],
  rows: readonly (VersionRow | undefined)[],
): Promise<void> {
  for (const [at, write] of writes.entries()) {
    const current = rows[at];
    try {
      checkPrecondition(write, reachedRow(context, write, current));
    } catch (thrown) {
      // That it does not hold tells of what is there: the router journals what is decided here.
      if (current !== undefined) await decideRead(context, [current]);
      throw write.entry === undefined ? thrown : inEntry(thrown, write.entry);
    }
    // Others wrote it since this was made from what was current then.
    if (write.seen !== undefined && write.seen !== (current?.version ?? 0)) throw rejectFhir('WRITE_CONTENDED');
  }
}

/**
 * The version that a precondition is held against: none where an app may not write it, so that what is there and what is not
 * are refused alike.
 */
function reachedRow(
  { access, caller }: FhirContext,
  { type, action, ifMatch, ifAbsent }: PreparedWrite,
  current: VersionRow | undefined,
): VersionRow | undefined {
  if (caller.grant === undefined || current === undefined || (ifMatch ?? ifAbsent) === undefined) return current;
  const { account } = current;
  const { decision } = access.write(caller, { account, type, permission: WRITE_PERMISSION[action] });
  return decision === 'permit' ? current : undefined;
}

interface PlannedWrite {
  readonly write: PreparedWrite;
  readonly current: VersionRow | undefined;
  readonly version: NewVersion | undefined;
  readonly text: string;
}

async function planWrite(
  context: FhirContext,
  write: PreparedWrite,
  current: VersionRow | undefined,
  opened: ReadonlyMap<string, string>,
): Promise<PlannedWrite> {
  const { caller, asked } = context;
  const { type, id, resource } = write;
  const live = current !== undefined && !current.deleted;
  if (write.unchanged === true) return { write, current, version: undefined, text: '' };
  // Time of a resource's versions never goes back, whatever the clock does.
  const identity = {
    id,
    version: (current?.version ?? 0) + 1,
    timeMs: Math.max(context.clock(), current?.timeMs ?? 0),
  };
  const { client, interaction, request } = askedBy(caller, asked);
  const by = { client, interaction, request, organisation: caller.organisation, purpose: caller.purpose };
  const isNew = write.isNew === undefined ? {} : { isNew: write.isNew };
  const header = { type, id, ...isNew, version: identity.version, timeMs: identity.timeMs, author: caller.account, by };
  if (resource === undefined || write.text === undefined) {
    if (!live) return { write, current, version: undefined, text: '' };
    const text = tombstoneText(type, identity);
    const { account, labels, categories } = current;
    return {
      write,
      current,
      text,
      version: { ...header, account, action: 'delete', bytes: utf8(text), labels, categories, entries: NO_ENTRIES },
    };
  }
  const text = withIdentity(write.text, identity);
  const version: NewVersion = {
    ...header,
    account: await accountOf(context, write, opened),
    action: live ? 'update' : 'create',
    bytes: utf8(text),
    ...classify(resource),
    entries: boundedEntries(context, resource, identity.timeMs),
  };
  return { write, current, version, text };
}

/** Rejects RESOURCE_TOO_COMPLEX: each entry is a row or two of the index, written in the same commit. */
function boundedEntries(
  { registry, baseUrl, limits }: FhirContext,
  resource: ParsedResource,
  timeMs: number,
): IndexEntries {
  const entries = resourceToEntries(resource, registry, baseUrl, timeMs);
  const { tokens, ordinals, links, texts } = entries;
  const count = tokens.length + ordinals.length + links.length + texts.length;
  if (count > limits.indexEntries)
    throw rejectFhir('RESOURCE_TOO_COMPLEX', { entries: count, limit: limits.indexEntries });
  return entries;
}

async function accountOf(
  { vault }: FhirContext,
  { patient, account: known }: PreparedWrite,
  opened: ReadonlyMap<string, string>,
): Promise<string> {
  if (known !== undefined) return known;
  if (patient === undefined) return vault.custodian;
  // The vault's first: of two who register one patient at once the second goes on with the account of the first.
  const account = (await vault.accountOf('Patient', patient)) ?? opened.get(patient);
  // References were checked, so this is a patient who was never written; only a versioned or foreign form gets here.
  if (account === undefined) throw rejectFhir('REFERENCE_UNRESOLVED', { resource: 'Patient' });
  return account;
}

/**
 * Opens accounts for the patients that are new. Done once, before the write: if the write then fails, the account stays
 * on the ledger, unclaimed and empty, which harms nobody; the other way round a record would have no account.
 */
async function openAccounts(
  context: FhirContext,
  writes: readonly PreparedWrite[],
): Promise<ReadonlyMap<string, string>> {
  const { vault, access, caller, registration } = context;
  const patients = writes.filter(({ type, resource }) => type === 'Patient' && resource !== undefined);
  const accountsOf = await Promise.all(
    patients.map(({ type, id, isNew }) => (isNew ? undefined : vault.accountOf(type, id))),
  );
  const fresh = patients.filter((_, at) => accountsOf[at] === undefined);
  if (fresh.length === 0) return new Map();
  const { decision, rules } = access.write(caller, { account: '', type: 'Patient', permission: 'c' });
  if (decision !== 'permit') await refuseWrites(context, [[vault.custodian, rules]]);
  const accounts =
    fresh.length === 1
      ? [await registration.register(vault.custodian)]
      : await registration.registerMany(vault.custodian, fresh.length);
  const opened = new Map<string, string>();
  for (const [index, { id }] of fresh.entries()) {
    const account = accounts[index];
    if (account === undefined) throw new Error('registration opened fewer accounts than asked for');
    opened.set(id, account);
  }
  await Promise.all(accounts.map((account) => vault.openAccount(account)));
  return opened;
}

/**
 * Every account that is written to, and every account that a resource leaves, must permit it. An app whose scope looks
 * into resources must be allowed what it writes and what it writes over.
 */
async function decideWrites(context: FhirContext, planned: readonly PlannedWrite[]): Promise<void> {
  const { access, caller } = context;
  const asked = new Set<string>();
  const refused: [string, readonly string[]][] = [];
  for (const { version, current, write } of planned) {
    if (version === undefined) {
      const rules = refusedDelete(context, write, current);
      if (rules !== undefined) refused.push([current?.account ?? context.vault.custodian, rules]);
      continue;
    }
    const { type } = version;
    const permission = WRITE_PERMISSION[write.action];
    for (const account of new Set([version.account, current?.account ?? version.account])) {
      const key = `${account}/${type}`;
      if (caller.grant === undefined && asked.has(key)) continue;
      asked.add(key);
      for (const resource of await writtenAndReplaced(context, write, current)) {
        const question = { account, type, permission, ...(resource === undefined ? {} : { resource }) };
        const { decision, rules } = access.write(caller, question);
        if (decision !== 'permit') refused.push([account, rules]);
      }
    }
  }
  if (refused.length > 0) await refuseWrites(context, refused);
}

/**
 * An app is refused the deletion of what is not there as it is refused that of what its scopes do not reach, so that it
 * cannot tell the one from the other. Undefined where it may delete, as everybody else may.
 */
function refusedDelete(
  { access, caller }: FhirContext,
  { type, action }: PreparedWrite,
  current: VersionRow | undefined,
): readonly string[] | undefined {
  if (caller.grant === undefined || action !== 'delete') return undefined;
  const question = { account: current?.account ?? '', type, permission: 'd', isAbsent: true } as const;
  const { decision, rules } = access.write(caller, question);
  return decision === 'permit' ? undefined : rules;
}

async function writtenAndReplaced(
  { caller, vault }: FhirContext,
  { resource }: PreparedWrite,
  current: VersionRow | undefined,
): Promise<readonly (ParsedResource | undefined)[]> {
  if (caller.grant === undefined || current === undefined || current.deleted) return [resource];
  const replaced = JSON.parse(utf8ToText(await vault.open(current))) as ParsedResource;
  return resource === undefined ? [replaced] : [resource, replaced];
}
