import type { FastifyBaseLogger } from 'fastify';
import type { VaultDatabase } from '../vault/open-databases.ts';
import type { EngineEnvironment } from './open-consortium.ts';

/** What the machine gives to the nodes of a process; entry points alone look at it. */
export interface NodeEnvironment {
  /** Where root keys and the files of running nodes lie: `$XDG_CONFIG_HOME/aceso`. */
  readonly keyFolder: string;
  readonly clock: () => number;
  readonly logger: FastifyBaseLogger;
  readonly fetch: typeof fetch;
  readonly version: string;
  readonly engine: EngineEnvironment;
  /** PostgreSQL for the vaults of all organisations of the node; files in its folder unless it is given. */
  readonly vaultDatabase?: VaultDatabase | undefined;
}
