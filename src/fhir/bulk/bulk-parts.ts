import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../auth/caller.ts';
import type { OpenedEntry, Vault } from '../../vault/vault.ts';
import type { FhirServer } from '../context.ts';
import type { BulkJobs, BulkVault } from './bulk-jobs.ts';
import type { BulkLimits } from './bulk-limits.ts';
import type { BulkStorage } from './bulk-storage.ts';
import type { Turns } from './bulk-turns.ts';

/** What routes of exports and imports stand on. */
export interface BulkParts {
  readonly vaults: readonly BulkVault[];
  readonly storage: BulkStorage;
  /** What requests stand on, taken anew for each. */
  readonly server: () => FhirServer;
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  /**
   * Who began a job, as that one is now: by the roles of now, and undefined when the person, the app or the grant of then
   * has ended. Asked again for each chunk that is written and each file that is fetched.
   */
  readonly ownerNow: (owner: Caller) => Promise<Caller | undefined>;
  /** Receipt of a journal entry, as its file has it. */
  readonly receiptOf: (vault: Vault, entry: OpenedEntry) => Promise<Uint8Array>;
  readonly limits: BulkLimits;
  readonly turns: Turns;
}

/** Routes of one kind of job, and the jobs behind them. */
export interface BulkRoutes {
  readonly jobs: Pick<BulkJobs<never, never>, 'resume' | 'sweep' | 'stop'>;
  register(app: FastifyInstance): void;
}
