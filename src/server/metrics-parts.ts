import type { FastifyInstance } from 'fastify';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { CustodianVault, VaultStatus } from '../vault/vault.ts';
import type { MetricsPort, Reading } from './metrics.ts';
import type { OrganisationContext } from './organisation.ts';

const LEDGER_STATES = ['ok', 'following', 'catching-up', 'stopped'] as const;

/** Height, age of the head, state and outcomes of the ledger. Returns what ends the counting. */
export function observeLedger(metrics: MetricsPort, ledger: Ledger, clock: () => number): () => void {
  metrics.gauge({ name: 'aceso_ledger_height', help: 'Height of the latest committed block.' }, () => [
    { value: ledger.head().height },
  ]);
  metrics.gauge({ name: 'aceso_ledger_head_age_seconds', help: 'Age of the latest committed block.' }, () => [
    { value: Math.max(0, clock() - ledger.head().timeMs) / 1000 },
  ]);
  metrics.gauge(
    { name: 'aceso_ledger_state', help: '1 for the state that the ledger is in (GET /health).', labels: ['state'] },
    () => {
      const { status } = ledger.health();
      return LEDGER_STATES.map((state) => ({ labels: { state }, value: state === status ? 1 : 0 }));
    },
  );
  const countTransaction = metrics.counter({
    name: 'aceso_ledger_transactions_total',
    help: 'Transactions committed since the node started, by the code of their outcome.',
    labels: ['outcome'],
  });
  return ledger.subscribe((_block, outcomes) => {
    for (const { code } of outcomes) countTransaction({ outcome: code });
  });
}

const VAULT_STATES: readonly VaultStatus[] = ['serving', 'behind', 'failed', 'closed'];

/** Journals and vaults of the node's organisations, each by its short name. */
export function observeOrganisations(metrics: MetricsPort, organisations: readonly OrganisationContext[]): void {
  const each = (read: (vault: CustodianVault) => number): (() => Reading[]) => {
    return () =>
      organisations.flatMap(({ slug, vault }) => {
        try {
          return [{ labels: { organisation: slug }, value: read(vault) }];
        } catch {
          // A vault that failed says nothing of its journal; the others go on.
          return [];
        }
      });
  };
  const labels = ['organisation'];
  metrics.gauge(
    { name: 'aceso_journal_entries', help: 'Entries in the open generation of the journal.', labels },
    each((vault) => vault.journalHead().size),
  );
  metrics.gauge(
    { name: 'aceso_journal_anchored_entries', help: 'Entries that the ledger holds an anchor of.', labels },
    each((vault) => {
      const anchor = vault.lastAnchor();
      return anchor?.generation === vault.journalHead().generation ? anchor.size : 0;
    }),
  );
  metrics.gauge(
    { name: 'aceso_vault_state', help: '1 for the state that the vault is in.', labels: ['organisation', 'state'] },
    () =>
      organisations.flatMap(({ slug, vault }) => {
        const status = vault.status();
        return VAULT_STATES.map((state) => ({
          labels: { organisation: slug, state },
          value: state === status ? 1 : 0,
        }));
      }),
  );
}

/** Seconds: a commit is one or two syncs of a disk, shared by those who came together. */
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** The organisations again, with calls that commit timed from the call until all is durable. */
export function timeCommits(
  metrics: MetricsPort,
  organisations: readonly OrganisationContext[],
): readonly OrganisationContext[] {
  const observe = metrics.histogram({
    name: 'aceso_vault_commit_seconds',
    help: 'Time from a call that writes or journals until it is durable, by organisation, kind and how it ended.',
    labels: ['organisation', 'kind', 'result'],
    buckets: COMMIT_BUCKETS,
  });
  return organisations.map((organisation) => {
    const { slug, vault } = organisation;
    const timed =
      <A extends readonly unknown[], R>(kind: string, call: (...given: A) => Promise<R>) =>
      (...given: A): Promise<R> => {
        const startedMs = performance.now();
        const done = call(...given);
        const took = (result: string) => () =>
          observe({ organisation: slug, kind, result }, (performance.now() - startedMs) / 1000);
        done.then(took('durable'), took('refused'));
        return done;
      };
    const { write, journal, journalOnce } = vault;
    return {
      ...organisation,
      vault: {
        ...vault,
        write: timed('write', write),
        journal: timed('journal', journal),
        journalOnce: timed('journal', journalOnce),
      },
    };
  });
}

/** The jobs again, each counting its runs, its failures, and when it last went well. */
export function countRuns(metrics: MetricsPort, jobs: readonly Job[], clock: () => number): readonly Job[] {
  const count = metrics.counter({
    name: 'aceso_job_runs_total',
    help: 'Runs of work beside requests, by job and how they ended.',
    labels: ['work', 'result'],
  });
  const lastMs = new Map<string, number>();
  metrics.gauge(
    { name: 'aceso_job_last_success_seconds', help: 'When a job last went well, as Unix time.', labels: ['work'] },
    () => [...lastMs].map(([job, ms]) => ({ labels: { work: job }, value: ms / 1000 })),
  );
  return jobs.map((job) => ({
    ...job,
    async run() {
      try {
        const done = await job.run();
        count({ work: job.name, result: 'done' });
        lastMs.set(job.name, clock());
        return done;
      } catch (error) {
        count({ work: job.name, result: 'failed' });
        throw error;
      }
    },
  }));
}

/** What clients hold open: connections, and the streams of those who are told of changes. */
export function observeConnections(metrics: MetricsPort, host: FastifyInstance): void {
  let open = 0;
  // The server's own count leaves out those that came by another of its addresses and were handed to it.
  host.server.on('connection', (socket) => {
    open++;
    socket.once('close', () => open--);
  });
  metrics.gauge({ name: 'aceso_http_connections', help: 'Connections that are open.' }, () => [{ value: open }]);
  metrics.gauge({ name: 'aceso_http_streams_open', help: 'Websockets that are open.' }, () => {
    // Decorated by @fastify/websocket, where something registers that.
    const { websocketServer } = host as { websocketServer?: { readonly clients: ReadonlySet<unknown> } };
    return [{ value: websocketServer?.clients.size ?? 0 }];
  });
}
