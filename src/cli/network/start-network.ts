import { rm, stat } from 'node:fs/promises';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext } from '../command.ts';
import type { RunningNode, SeedReport, StartOptions } from '../node-starter.ts';
import { takenPorts } from './free-ports.ts';
import { createJointProgress } from './joint-progress.ts';
import type { NetworkFolder, NetworkNode } from './network-folder.ts';

const reject = rejecter(CODES);

export interface NetworkStart {
  /** Whether nodes that are new get their share of the synthetic patients and staff. */
  readonly seed: boolean;
  /** Slugs of organisations whose nodes stay down. */
  readonly without?: readonly string[];
}

/** Nodes of several organisations that run in this process. */
export interface RunningNetwork {
  readonly nodes: readonly { readonly member: NetworkNode; readonly node: RunningNode }[];
  /** What this start put into the nodes, all together; undefined when they were there before. */
  readonly seeded: SeedReport | undefined;
  /** Files of root keys that this start made. */
  readonly rootKeys: readonly string[];
  close(): Promise<void>;
}

/**
 * Starts the nodes of a network beside one another: none is ready before enough of the others are. When one does not
 * start, those that did are stopped and its Reject is thrown; NETWORK_PORT_TAKEN before anything is started.
 */
export async function startNetwork(
  context: CliContext,
  network: NetworkFolder,
  { seed, without = [] }: NetworkStart,
): Promise<RunningNetwork> {
  const members = network.members.filter(({ slug }) => !without.includes(slug));
  const taken = await takenPorts(members.flatMap(({ port, p2pPort }) => [port, p2pPort]));
  if (taken.length > 0) throw reject('NETWORK_PORT_TAKEN', { ports: [...taken] });
  const progress = createJointProgress(context, members.length);
  const rootKeys: string[] = [];
  const started = await Promise.allSettled(
    members.map(async (member, at) => {
      const rootKeyMade = (path: string): void => void rootKeys.push(path);
      const node = await startMember(context, network, { member, seed, progress: progress.of(at), rootKeyMade });
      progress.done(at);
      return { member, node };
    }),
  );
  progress.stop();
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(nodes.map(({ node }) => node.close()));
  };
  const failed = started.findIndex(({ status }) => status === 'rejected');
  if (failed >= 0) {
    context.note(`the node of ${members[failed]?.name} did not start; stopping the others`);
    await close();
    throw (started[failed] as PromiseRejectedResult).reason;
  }
  // The first start sealed them into the data folders.
  for (const { keys } of members) await rm(keys, { force: true });
  return {
    nodes,
    seeded: together(nodes.flatMap(({ node }) => (node.seeded === undefined ? [] : [node.seeded]))),
    rootKeys,
    close,
  };
}

async function startMember(
  context: CliContext,
  { genesis, network }: NetworkFolder,
  { member, ...options }: Pick<StartOptions, 'seed' | 'progress' | 'rootKeyMade'> & { readonly member: NetworkNode },
): Promise<RunningNode> {
  const hasKeys = (await stat(member.keys).catch(() => undefined)) !== undefined;
  return context.nodes.start({
    folder: member.data,
    port: member.port,
    host: '127.0.0.1',
    mustExist: !hasKeys,
    genesis,
    network,
    ...(hasKeys ? { keys: member.keys } : {}),
    ...options,
  });
}

function together(reports: readonly SeedReport[]): SeedReport | undefined {
  if (reports.length === 0) return undefined;
  return {
    organisations: reports.flatMap(({ organisations }) => organisations),
    accounts: reports.flatMap(({ accounts }) => accounts),
  };
}
