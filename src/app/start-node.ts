import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { createMemberCheck } from '../auth/member-call-check.ts';
import type { TokenStore } from '../auth/tokens.ts';
import { createMemberPort } from '../capabilities/access/server/exchange-ports.ts';
import { createAttestation } from '../capabilities/membership/server/attestation.ts';
import type { RunningNode, StartOptions } from '../cli/node-starter.ts';
import { entriesExtractor, openConformance } from '../fhir/conformance.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { openPackageStore } from '../fhir/packages/package-store.ts';
import { type RunningJobs, startJobs } from '../jobs/job.ts';
import type { CometBftLedger } from '../ledger/cometbft/cometbft-ledger.ts';
import { createLedgerPlugin } from '../ledger/http/ledger-plugin.ts';
import { createAppAuthenticate, createAuthenticate } from '../server/authenticate.ts';
import { createHttpHost } from '../server/http-host.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { createRateLimits } from '../server/rate-limit.ts';
import { createReadiness } from '../server/readiness.ts';
import { announceEnd, closeHost, DEFAULT_DRAIN } from '../server/readiness-drain.ts';
import { withFiledSubscriptions } from '../subscriptions/filed-subscriptions.ts';
import { issueAdminTokens } from './admin-tokens.ts';
import { createBackupPlugin } from './backup/backup-plugin.ts';
import { createImportPlugin } from './import-plugin.ts';
import { createIndexKeeper } from './keep-index.ts';
import { freePort, listen, nodeAddress } from './listen.ts';
import { createMemoryTokenStore } from './memory-token-store.ts';
import { createMetricsPlugin } from './metrics-plugin.ts';
import { createNetworkPlugin } from './network-plugin.ts';
import type { NodeEnvironment } from './node-environment.ts';
import type { NodeFile } from './node-folder.ts';
import { createNodeMetrics } from './node-metrics.ts';
import { createNodePlugin } from './node-plugin.ts';
import { openFhirService } from './open-fhir-service.ts';
import { settleOrganisations } from './open-organisations.ts';
import type { NodeStorage } from './open-storage.ts';
import { createOutgoingPlugin } from './outgoing-plugin.ts';
import { createPackagesPlugin } from './packages-plugin.ts';
import { createQueryPlugin } from './query-plugin.ts';
import { createIndexRotationPlugin } from './rotation/index-rotation-plugin.ts';
import { removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts';
import { createScopeRestrictions } from './scope-restrictions.ts';
import { seedOnce } from './seed-node.ts';
import { createServerFloors } from './server-floors.ts';
import { verifyPagePlugin } from './verify-page-plugin.ts';

/** How long a validator's start waits for the blocks of the others. */
const CATCH_UP_MS = 20_000;

async function catchUp(ledger: CometBftLedger, { progress }: StartOptions, log: FastifyBaseLogger): Promise<void> {
  const startedMs = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    progress(
      `waiting for the other validators (${ledger.health().reason ?? 'nearly there'})`,
      seconds,
      CATCH_UP_MS / 1000,
    );
  }, 1000);
  try {
    await ledger.ready(CATCH_UP_MS);
  } catch (error) {
    log.warn({ error: String(error) }, 'starting without the others');
  } finally {
    clearInterval(timer);
  }
}

/** Things that were opened, to be closed in the opposite order, each even when another fails to. */
class Closing {
  readonly #steps: (() => Promise<unknown> | unknown)[] = [];
  add(step: () => Promise<unknown> | unknown): void {
    this.#steps.unshift(step);
  }
  async run(log: FastifyBaseLogger): Promise<void> {
    for (const step of this.#steps.splice(0)) {
      try {
        await step();
      } catch (error) {
        log.error({ err: error }, 'closing failed');
      }
    }
  }
}

/** An organisation whose vault does not serve knows no tokens, and does not keep the others' from being found. */
function tokensOf(vault: OrganisationContext['vault']): TokenStore {
  return {
    custodian: vault.custodian,
    getDocument: async (kind, id) => (vault.status() === 'serving' ? vault.getDocument(kind, id) : undefined),
    putDocument: (kind, id, bytes) => vault.putDocument(kind, id, bytes),
  };
}

/** Starts a node in this process on what is opened for it, and closes that when it cannot. Rejects with what its parts refuse. */
export async function startNode(
  environment: NodeEnvironment,
  options: StartOptions,
  storage: NodeStorage,
): Promise<RunningNode> {
  const closing = new Closing();
  closing.add(storage.close);
  try {
    return await openNode(environment, options, storage, closing);
  } catch (error) {
    await closing.run(environment.logger);
    throw error;
  }
}

/** Ledger, then vaults, then routes, then jobs; closed the other way round, so that what is begun still finds what it needs. */
async function openNode(
  environment: NodeEnvironment,
  options: StartOptions,
  storage: NodeStorage,
  closing: Closing,
): Promise<RunningNode> {
  const { keyFolder, clock, logger: log, version } = environment;
  const { data, opened, vaults } = storage;
  const { ledger, consortium } = opened;
  // Care does not wait for the others; but what they decided meanwhile is better known before the first read.
  if (consortium !== undefined) await catchUp(consortium.ledger, options, log);
  const figures = createNodeMetrics({ ledger, clock });
  closing.add(figures.close);
  const packages = await openPackageStore(join(options.folder, 'packages'));
  const conformance = await openConformance(await loadDefinitions(), packages);
  const settled = await settleOrganisations({ ...data, folder: options.folder, ledger, clock, log }, await vaults);
  const organisations = figures
    .organisations(settled)
    .map((one) => ({ ...one, vault: withFiledSubscriptions(one.vault) }));
  const sessions = organisations.map(({ account }) => createMemoryTokenStore(account));
  const stores: TokenStore[] = [...sessions, ...organisations.map(({ vault }) => tokensOf(vault))];
  const rateLimits = createRateLimits(options.rateLimits);
  const authenticateOwn = createAuthenticate(stores, clock, createAttestation(ledger));
  const authenticate = rateLimits.limited(authenticateOwn);
  const authenticateApps = rateLimits.limited(createAppAuthenticate(authenticateOwn, () => service.callers));
  const port = options.port === 0 ? await freePort(nodeAddress(options.host, 0, options.baseUrl).hosts) : options.port;
  const { hosts, ownUrl, baseUrl } = nodeAddress(options.host, port, options.baseUrl);
  const peers = [...peersOf(data.node), ...(options.peers ?? [])];
  const { fetch } = environment;
  const fhirUrl = `${baseUrl}/fhir`;
  const restriction = createScopeRestrictions({ conformance: () => conformance, baseUrl: fhirUrl, clock });
  const floors = createServerFloors({
    ...{ organisations, ledger, authenticate, authenticateApps, clock, ownUrl, baseUrl, peers, fetch, restriction },
  });
  closing.add(floors.close);
  const { metrics, traffic } = figures;
  const host = createHttpHost({
    ...{ logger: log, observer: traffic },
    trustedProxies: options.trustedProxies ?? [],
  });
  rateLimits.guard(host);
  figures.host(host);
  const readiness = createReadiness({ ledger, organisations });
  const draining = { host, readiness, open: traffic.open, limits: options.drain ?? DEFAULT_DRAIN };
  const requireMember = createMemberCheck({
    chain: ledger.genesisHash,
    audiences: organisations.map(({ account }) => account),
    keysOf: createMemberPort(ledger).keysOf,
    clock,
  });
  await host.register(
    createLedgerPlugin(ledger, {
      requireMember,
      clock,
      ...(consortium === undefined ? {} : { engine: consortium.engine.rpc }),
    }),
  );
  for (const plugin of floors.plugins) await host.register(plugin);
  await host.register(createNodePlugin({ node: data.node.node, version, ledger, organisations, readiness }));
  await host.register(createMetricsPlugin({ metrics, authenticate, metricsToken: options.metricsToken }));
  await host.register(createQueryPlugin(ledger, authenticate));
  await host.register(createNetworkPlugin({ ledger, node: data.node, consortium, authenticate }));
  await host.register(verifyPagePlugin);
  const index = createIndexKeeper({ organisations, conformance, baseUrl: fhirUrl, log });
  closing.add(index.stop);
  const rotation = createIndexRotationPlugin({
    ...{ organisations, authenticate, log },
    extract: () => entriesExtractor(conformance, fhirUrl),
  });
  closing.add(rotation.close);
  await host.register(rotation.plugin);
  const backup = createBackupPlugin({
    source: {
      ...{ folder: options.folder, node: data.node.node, chain: ledger.genesisHash, software: version, clock },
      master: data.rootKey,
      hasLedgerFiles: data.genesis.operator.kind === 'embedded',
      vaults: organisations,
    },
    // Not the organisations' own tokens: where a backup goes is the operator's to say.
    authenticate: rateLimits.limited(createAuthenticate(sessions, clock)),
    log,
  });
  closing.add(backup.close);
  await host.register(backup.plugin);
  await host.register(createPackagesPlugin({ packages, conformance, index, authenticate }));
  await host.register(
    createImportPlugin({ organisations, authenticate, registration: floors.registration, conformance, baseUrl, clock }),
  );
  const vaultOf = (custodian: string) => organisationOf(organisations, custodian).vault;
  const authenticateOperator = createAuthenticate(sessions, clock);
  await host.register(createOutgoingPlugin({ storeOf: vaultOf, authenticate, authenticateOperator }));
  const { registration } = floors;
  const service = await openFhirService({
    ...{ organisations, ledger, floors, conformance, rateLimits, baseUrl, clock, log, version },
    ...{ folder: options.folder, authenticate, authenticateApps, host, signInLimits: options.signInLimits ?? {} },
  });
  closing.add(service.close);
  const { url, closed } = await listen(host, hosts, port);
  closing.add(() => closeHost({ ...draining, closed }));
  service.start();
  closing.add(service.stop);
  index.keep().catch(() => undefined);
  const jobs: RunningJobs = startJobs(figures.jobs([...floors.jobs, ...service.jobs]), log);
  closing.add(() => jobs.stop(true));
  const adminTokens = await issueAdminTokens(organisations, sessions, clock());
  await writeRuntimeFile(keyFolder, { url, node: data.node.node, adminTokens });
  closing.add(() => removeRuntimeFile(keyFolder, data.node.node));
  // A vault that is behind its anchor keeps nothing else from starting: the members' vote needs this node.
  const isServing = organisations.every(({ vault }) => vault.status() === 'serving');
  const wanted = options.seed && data.node.follows === undefined;
  const seeding = { organisations, registration, conformance, baseUrl, clock, progress: options.progress };
  const seeded = isServing ? await seedOnce(seeding, wanted) : undefined;
  readiness.started();
  // Added last, so the first thing to happen.
  closing.add(() => announceEnd(draining));
  return { url, baseUrl, node: data.node.node, adminTokens, seeded, close: () => closing.run(log) };
}

/** Addresses of the nodes of others that this one knows of by its own file. */
function peersOf({ follows, consortium, organisations }: NodeFile): string[] {
  const others = (consortium?.peers ?? []).filter(
    ({ account }) => !organisations.some((own) => own.account === account),
  );
  return [
    ...(follows === undefined ? [] : [follows]),
    ...others.flatMap(({ url }) => (url === undefined ? [] : [url])),
  ];
}
