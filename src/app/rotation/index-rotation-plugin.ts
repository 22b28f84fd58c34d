import type { FastifyPluginAsync } from 'fastify';
import { isAdministrator } from '../../auth/caller.ts';
import type { IndexRotationProgress } from '../../cli/index-rotation.ts';
import type { Authenticate } from '../../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../../server/organisation.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import type { CustodianVault, ExtractEntries } from '../../vault/vault.ts';
import { refusalOf } from '../backup/backup-plugin.ts';
import { CODES as APP_CODES } from '../codes.ts';
import { reject } from './codes.ts';

const rejectApp = rejecter(APP_CODES);

interface Work {
  progress: IndexRotationProgress;
  running: Promise<void> | undefined;
}

/**
 * `POST /api/index-key` gives the caller's organisation a new index key and brings its resources under it, between other
 * work; `GET /api/index-key` says how far that is. Searches try both keys until it is done. Where an earlier change is not
 * over, as after a restart, it goes on with that one and makes no other key. For the organisation's administrator.
 */
export function createIndexRotationPlugin(deps: {
  readonly organisations: readonly OrganisationContext[];
  readonly authenticate: Authenticate;
  /** What a resource is found by, as of now. */
  readonly extract: () => ExtractEntries;
  readonly log: { error(data: object, message: string): void };
}): { readonly plugin: FastifyPluginAsync; close(): Promise<void> } {
  const { organisations, authenticate, extract, log } = deps;
  const works = new Map<string, Work>();
  const stop = new AbortController();

  function workOf(vault: CustodianVault): Work {
    const known = works.get(vault.custodian);
    // What an earlier start has left goes on by itself, beside requests.
    if (known !== undefined && known.progress.state !== 'unfinished') return known;
    const { generation, oldestGeneration } = vault.indexState();
    const state = generation === oldestGeneration ? 'none' : 'unfinished';
    const made: Work = { progress: { state, done: 0, total: 0, generation }, running: known?.running };
    works.set(vault.custodian, made);
    return made;
  }

  async function run(vault: CustodianVault, work: Work): Promise<void> {
    try {
      const before = vault.indexState();
      if (before.generation === before.oldestGeneration) await vault.rotateIndexKey();
      const { generation, format } = vault.indexState();
      const report = await vault.reindex(extract(), {
        format: Math.max(1, format),
        signal: stop.signal,
        onProgress: ({ done, total }) => {
          work.progress = { state: 'running', done, total, generation };
        },
      });
      const isOver = vault.indexState().oldestGeneration === generation;
      work.progress = { state: isOver ? 'done' : 'unfinished', ...report, generation };
    } catch (error) {
      if (!isReject(error)) log.error({ err: error }, 'the change of an index key stopped');
      const refusal = refusalOf(isReject(error) ? error : reject('ROTATION_FAILED'));
      work.progress = { ...work.progress, state: 'failed', refusal };
    } finally {
      work.running = undefined;
    }
  }

  const vaultFor = async (request: Parameters<Authenticate>[0]): Promise<CustodianVault> => {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw rejectApp('ADMINISTRATOR_ONLY');
    return organisationOf(organisations, caller.custodian).vault;
  };
  return {
    plugin: async (app) => {
      app.post('/api/index-key', async (request, reply) => {
        const vault = await vaultFor(request);
        const work = workOf(vault);
        if (work.running !== undefined) throw reject('ROTATION_UNDER_WAY');
        work.progress = { ...work.progress, state: 'running', done: 0, total: 0 };
        work.running = run(vault, work);
        return reply.code(202).send(work.progress);
      });
      app.get('/api/index-key', async (request) => workOf(await vaultFor(request)).progress);
    },
    async close() {
      stop.abort();
      await Promise.all([...works.values()].map(({ running }) => running));
    },
  };
}
