import type { StartSettings } from '../../cli/node-starter.ts';
import type { Configuration } from './settings.ts';

/** What a node is started with, from settings that fit. */
export function toStartSettings(configuration: Configuration): StartSettings {
  const { data, port, host, baseUrl, confirmClock, empty, genesis, keys, network, p2p, carry } = configuration;
  const { snapshotEvery, follow, witness, peer, trustedProxies, drain, drainNotice, log, metricsToken } = configuration;
  return {
    folder: data,
    ...{ port, host },
    // Whoever brings keys of their own brings patients of their own.
    seed: empty !== true && keys === undefined,
    confirmClock: confirmClock === true,
    witnesses: witness ?? {},
    peers: peer ?? [],
    trustedProxies: trustedProxies ?? [],
    drain: { boundMs: drain * 1000, noticeMs: drainNotice * 1000 },
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(genesis === undefined ? {} : { genesis }),
    ...(keys === undefined ? {} : { keys }),
    ...(network === undefined ? {} : { network }),
    ...(p2p === undefined ? {} : { p2pListen: p2p }),
    ...(carry === undefined ? {} : { carry }),
    ...(snapshotEvery === undefined ? {} : { snapshotEveryBlocks: snapshotEvery }),
    ...(follow === undefined ? {} : { follow }),
    ...(metricsToken === undefined ? {} : { metricsToken }),
    ...(log === undefined ? {} : { logLevel: log }),
  };
}
