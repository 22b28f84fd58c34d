import type { RateLimit, StartSettings } from '../../cli/node-starter.ts';
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
    ...toLimits(configuration),
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

/** The limits that were set, and none where none was. */
function toLimits(configuration: Configuration): Pick<StartSettings, 'rateLimits' | 'signInLimits'> {
  const { signInTries, signInSourceTries, passkeyTries, signInWait } = configuration;
  const rateLimits = {
    ...limitOf('token', configuration.requestsPerToken, configuration.burstPerToken),
    ...limitOf('user', configuration.requestsPerUser, configuration.burstPerUser),
    ...limitOf('source', configuration.requestsPerSource, configuration.burstPerSource),
  };
  const signInLimits = {
    ...(signInTries === undefined ? {} : { sessionTries: signInTries }),
    ...(signInSourceTries === undefined ? {} : { sourceTries: signInSourceTries }),
    ...(passkeyTries === undefined ? {} : { credentialTries: passkeyTries }),
    ...(signInWait === undefined ? {} : { waitMs: signInWait * 1000 }),
  };
  return {
    ...(Object.keys(rateLimits).length === 0 ? {} : { rateLimits }),
    ...(Object.keys(signInLimits).length === 0 ? {} : { signInLimits }),
  };
}

function limitOf(
  of: string,
  perSecond: number | undefined,
  burst: number | undefined,
): Readonly<Record<string, RateLimit>> {
  return perSecond === undefined || burst === undefined ? {} : { [of]: { perSecond, burst } };
}
