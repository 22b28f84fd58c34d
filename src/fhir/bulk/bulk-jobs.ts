import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from '#crypto/platform';
import type { Caller } from '../../auth/caller.ts';
import { bytesToHex, utf8, utf8ToText } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import type { Vault, VersionRow } from '../../vault/vault.ts';
import type { AskedInteraction } from '../asked.ts';
import { type BulkJob, type Ended, isOwner } from './bulk-job.ts';
import type { BulkLimits } from './bulk-limits.ts';
import type { BulkStorage } from './bulk-storage.ts';
import type { Turns } from './bulk-turns.ts';
import { rejectBulk } from './codes.ts';

/** The vault of an organisation of this node. */
export interface BulkVault {
  readonly custodian: string;
  readonly vault: Vault;
}

/** A job with how far it is. */
export interface BulkEntry<Request, Progress> {
  readonly job: BulkJob<Request>;
  readonly progress: Progress;
  /** When its status was last answered while it ran. */
  polledMs: number;
  /** Downloads under way: files are not removed under them when they expire. */
  readers: number;
}

export interface BulkJobsOptions<Request, Progress> {
  /** Kind of its documents in the vault; progress has one of its own. */
  readonly kind: string;
  /** What ids begin with, so that neither kind of job takes the other's files for left over. */
  readonly prefix: string;
  readonly vaults: readonly BulkVault[];
  readonly storage: BulkStorage;
  readonly clock: () => number;
  readonly limits: BulkLimits;
  /** Shared by all that run on a node. */
  readonly turns: Turns;
  /** Whether a job's files may have what any of the versions says. */
  mayHold(job: BulkJob<Request>, rows: readonly VersionRow[]): boolean;
  /** Told of what is no refusal. */
  readonly reportFailure: (error: unknown) => void;
  run(
    job: BulkJob<Request>,
    progress: Progress,
    save: (progress: Progress) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Progress>;
}

/** Jobs that outlive requests and restarts. */
export interface BulkJobs<Request, Progress> {
  /** Makes a job durable, not yet begun. Throws EXPORT_TOO_MANY. */
  make(caller: Caller, asked: AskedInteraction, request: Request): Promise<BulkJob<Request>>;
  /** Begins a job that was made, once it is its turn. */
  start(job: BulkJob<Request>, progress: Progress): Promise<void>;
  /** A job of the caller's own. Throws EXPORT_UNKNOWN for any other, and for what has expired. */
  find(caller: Caller, id: string): BulkEntry<Request, Progress>;
  /** Stops a job and destroys its key and files. Resolves once the key is gone. */
  remove(job: BulkJob<Request>): Promise<void>;
  expiresMs(ended: Ended): number;
  /** Goes on with what a stop left behind. To be called once, before anything else. */
  resume(): Promise<void>;
  /** Removes what has expired. */
  sweep(): Promise<void>;
  /** Ends runs after what they are at; they are gone on with after the next start. */
  stop(): Promise<void>;
}

interface Held<Request, Progress> extends BulkEntry<Request, Progress> {
  job: BulkJob<Request>;
  progress: Progress;
  isStarted: boolean;
  readonly stop: AbortController;
  running: Promise<void>;
}

export function createBulkJobs<Request, Progress extends { readonly ended?: Ended }>(
  options: BulkJobsOptions<Request, Progress>,
): BulkJobs<Request, Progress> {
  const { kind, prefix, vaults, storage, clock, limits, turns } = options;
  const progressKind = `${kind}-progress`;
  type Job = BulkJob<Request>;
  type Entry = Held<Request, Progress>;
  const entries = new Map<string, Entry>();
  /** What was removed and may still be at its last chunk. */
  const leaving = new Set<Promise<void>>();
  let isStopping = false;

  function vaultOf(custodian: string): Vault {
    const found = vaults.find((one) => one.custodian === custodian);
    if (found === undefined) throw rejectBulk('EXPORT_UNKNOWN');
    return found.vault;
  }

  function hold(job: Job, progress: Progress, isStarted: boolean): Entry {
    const entry: Entry = {
      ...{ job, progress, isStarted, polledMs: 0, readers: 0 },
      stop: new AbortController(),
      running: Promise.resolve(),
    };
    entries.set(job.id, entry);
    return entry;
  }

  const expiresMs = ({ atMs }: Ended): number => atMs + limits.expiryMs;
  const isExpired = ({ ended }: Progress): boolean => ended !== undefined && clock() >= expiresMs(ended);

  /** Patients have room of their own, so that none of theirs keeps the organisation from its exports. */
  function requireRoom(caller: Caller): void {
    const of = clientOf(caller);
    const isPatient = caller.kind === 'patient';
    const [keptOfAll, keptOfOne] = isPatient
      ? [limits.keptOfPatients, limits.keptPerPatient]
      : [limits.keptPerOrganisation, limits.keptPerClient];
    let [active, kept, mine, myKept] = [0, 0, 0, 0];
    for (const { job, progress } of entries.values()) {
      if (job.custodian !== caller.custodian || isExpired(progress)) continue;
      if ((job.caller.kind === 'patient') !== isPatient) continue;
      const isActive = progress.ended === undefined ? 1 : 0;
      const isMine = clientOf(job.caller) === of ? 1 : 0;
      active += isActive;
      kept += 1;
      mine += isActive * isMine;
      myKept += isMine;
    }
    const isFull = active >= limits.activePerOrganisation || kept >= keptOfAll;
    if (isFull || mine >= limits.activePerClient || myKept >= keptOfOne)
      throw rejectBulk('EXPORT_TOO_MANY', { retryAfterSeconds: 60 });
  }

  async function save(entry: Entry, progress: Progress): Promise<void> {
    const { custodian, id } = entry.job;
    await vaultOf(custodian).putDocument(progressKind, id, utf8(JSON.stringify(progress)));
    entry.progress = progress;
  }

  function begin(entry: Entry): void {
    entry.running = turns.take(async () => {
      for (let attempt = 0; !entry.stop.signal.aborted; attempt++) {
        try {
          await options.run(entry.job, entry.progress, (progress) => save(entry, progress), entry.stop.signal);
          return;
        } catch (thrown) {
          if (entry.stop.signal.aborted) return;
          if (!isReject(thrown)) options.reportFailure(thrown);
          const mayPass = isReject(thrown) && thrown.kind === 'unavailable' && attempt < limits.retries;
          if (!mayPass) {
            await fail(entry, isReject(thrown) ? thrown.code : 'INTERNAL');
            return;
          }
          await delay(limits.retryMs * 5 ** attempt, undefined, { signal: entry.stop.signal }).catch(() => undefined);
        }
      }
    });
  }

  /** What fails is said so as long as the vault takes it; else it is gone on with after the next start. */
  async function fail(entry: Entry, cause: string): Promise<void> {
    const ended: Ended = { status: 'failed', atMs: clock(), cause };
    await save(entry, { ...entry.progress, ended }).catch(options.reportFailure);
  }

  /** Destroys the files of jobs that may have what is about to be erased: their keys first, as `drop` does. */
  async function destroyCopies(custodian: string, rows: readonly VersionRow[]): Promise<void> {
    const held = [...entries.values()].filter(
      ({ job, isStarted }) => isStarted && job.custodian === custodian && options.mayHold(job, rows),
    );
    for (const entry of held) {
      entry.stop.abort();
      await entry.running;
      const { id, key } = entry.job;
      if (key === '' || entries.get(id) !== entry) continue;
      entry.job = { ...entry.job, key: '' };
      await vaultOf(custodian).putDocument(kind, id, utf8(JSON.stringify(entry.job)));
      const { ended } = entry.progress;
      const cause = ended?.status === 'failed' ? ended.cause : 'EXPORT_ERASED';
      await save(entry, { ...entry.progress, ended: { status: 'failed', atMs: ended?.atMs ?? clock(), cause } });
      await storage.remove({ custodian, job: id });
    }
  }
  for (const { custodian, vault } of vaults) vault.whenErasing((rows) => destroyCopies(custodian, rows));

  /** The key first: without it the files are noise, whatever a crash leaves of them. */
  async function drop(entry: Entry): Promise<void> {
    const { id, custodian } = entry.job;
    entries.delete(id);
    entry.stop.abort();
    await vaultOf(custodian).putDocument(kind, id, null);
    const clear = async () => {
      await entry.running;
      await vaultOf(custodian).putDocument(progressKind, id, null);
      await storage.remove({ custodian, job: id });
    };
    const cleared = clear().catch(options.reportFailure);
    leaving.add(cleared);
    void cleared.then(() => leaving.delete(cleared));
  }

  async function resumeOf({ custodian, vault }: BulkVault): Promise<void> {
    const jobs = new Map((await vault.listDocuments(kind)).map(({ id, bytes }) => [id, read<Job>(bytes)]));
    const progress = new Map(
      (await vault.listDocuments(progressKind)).map(({ id, bytes }) => [id, read<Progress>(bytes)]),
    );
    for (const id of progress.keys()) if (!jobs.has(id)) await vault.putDocument(progressKind, id, null);
    for (const [id, job] of jobs) {
      const known = progress.get(id);
      // A body that had not arrived whole was never promised anything.
      if (known === undefined) await vault.putDocument(kind, id, null);
      else {
        const entry = hold(job, known, true);
        if (known.ended === undefined) begin(entry);
      }
    }
    for (const id of await storage.jobs(custodian))
      if (id.startsWith(prefix) && !entries.has(id)) await storage.remove({ custodian, job: id });
  }

  return {
    async make(caller, asked, request) {
      requireRoom(caller);
      const job: Job = {
        id: `${prefix}${bytesToHex(randomBytes(16))}`,
        custodian: caller.custodian,
        ...{ caller, asked, request, startedMs: clock() },
        key: bytesToHex(randomBytes(32)),
      };
      // Held before it is durable, so that many at once are counted.
      hold(job, {} as Progress, false);
      try {
        await vaultOf(job.custodian).putDocument(kind, job.id, utf8(JSON.stringify(job)));
      } catch (thrown) {
        entries.delete(job.id);
        throw thrown;
      }
      return job;
    },
    async start(job, progress) {
      const entry = entries.get(job.id);
      if (entry === undefined) throw rejectBulk('EXPORT_UNKNOWN');
      await save(entry, progress);
      entry.isStarted = true;
      if (!isStopping) begin(entry);
    },
    find(caller, id) {
      const entry = entries.get(id);
      if (entry === undefined || !entry.isStarted || !isOwner(entry.job, caller) || isExpired(entry.progress))
        throw rejectBulk('EXPORT_UNKNOWN');
      return entry;
    },
    async remove(job) {
      const entry = entries.get(job.id);
      if (entry !== undefined) await drop(entry);
    },
    expiresMs,
    async resume() {
      for (const one of vaults) {
        // A vault that does not serve keeps the others' jobs from nothing.
        await resumeOf(one).catch((thrown) => {
          if (!isReject(thrown)) options.reportFailure(thrown);
        });
      }
    },
    async sweep() {
      for (const entry of [...entries.values()])
        if (isExpired(entry.progress) && entry.readers === 0) await drop(entry);
    },
    async stop() {
      isStopping = true;
      for (const { stop } of entries.values()) stop.abort();
      await Promise.all([...entries.values()].map(({ running }) => running));
      await Promise.all(leaving);
    },
  };
}

/** An app's users have room of their own each. */
function clientOf({ client = '', account }: Caller): string {
  return `${client}\n${account}`;
}

function read<T>(bytes: Uint8Array): T {
  return JSON.parse(utf8ToText(bytes)) as T;
}
