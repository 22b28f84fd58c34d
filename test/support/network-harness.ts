import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { foundNetwork, newValidatorSeeds, validatorOf } from '../../src/app/found-network.ts';
import { type NetworkMember, parseNetwork } from '../../src/app/network-file.ts';
import { memberSigner } from '../../src/app/open-organisations.ts';
import { parseOrganisationKeys } from '../../src/app/organisation-keys-file.ts';
import { parseTrust, type Trust } from '../../src/chain/receipt/trust.ts';
import { canonicalBytes, type Json, type JsonObject, parseCanonical } from '../../src/std/canonical-json.ts';
import { type FounderEntry, newOrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';
import { type Cut, createLink, freePort, type Link } from './network-links.ts';
import { createNetworkNode, type ExecutedBlock, type NetworkNode } from './network-node.ts';

/** An organisation that is to join a network that runs. */
export interface Joiner {
  readonly node: NetworkNode;
  /** What `membership.admit` takes. */
  readonly entry: FounderEntry;
  /** What `membership.setValidator` takes, but for the power. */
  readonly validator: { readonly account: string; readonly publicKey: string; readonly node: string };
}

/** A consortium in a temporary folder: each organisation a process of its own, each link between two of them a proxy. */
export interface Network {
  /** Genesis hash. */
  readonly chain: string;
  /** What a client holds that trusts genesis and nothing later. */
  readonly trust: Trust;
  /** Founders first. */
  readonly nodes: readonly NetworkNode[];
  /** When each height was executed first, by whichever node; milliseconds since the epoch. */
  readonly firstExecutedMs: ReadonlyMap<number, number>;
  /** Highest block that any node executed. */
  height(): number;
  /** Prepares a further organisation's node, which knows where the others are. It is not started. */
  addOrganisation(slug: string): Promise<Joiner>;
  /** Links between two nodes, both ways. */
  cut(one: NetworkNode, other: NetworkNode, how: Cut): void;
  heal(one: NetworkNode, other: NetworkNode): void;
  /** Kills everything and removes the folder. */
  destroy(): Promise<void>;
}

export interface NetworkOptions {
  readonly slugs: readonly string[];
  /** Path of CometBFT. */
  readonly program: string;
  /** The program that runs a node by a plan. */
  readonly script: string;
  readonly snapshotEveryBlocks: number;
  /** Keeps the folder, and says where it is. */
  readonly keep?: boolean;
}

/**
 * Loopback addresses of its own for each network and node, where the machine has them: connections that others open
 * take ports of 127.0.0.1, and so never that of a node that is about to start again.
 */
function hostOf(network: readonly [number, number], at: number): string {
  return process.platform === 'linux' ? `127.${network[0]}.${network[1]}.${at + 1}` : '127.0.0.1';
}

const randomByte = (): number => 1 + Math.floor(Math.random() * 254);

/** Founds a network of providers. No node is started. */
export async function createNetwork(options: NetworkOptions): Promise<Network> {
  const { slugs, program, script, snapshotEveryBlocks } = options;
  const root = mkdtempSync(join(tmpdir(), 'aceso-net-'));
  const place = [randomByte(), randomByte()] as const;
  const addresses: { readonly host: string; readonly p2p: number; readonly http: number }[] = [];
  const nodes: NetworkNode[] = [];
  const links = new Map<string, Link>();
  const firstExecutedMs = new Map<number, number>();
  let highest = 0;

  async function takeAddress(): Promise<(typeof addresses)[number]> {
    const host = hostOf(place, addresses.length);
    const address = { host, p2p: await freePort(host), http: await freePort(host) };
    addresses.push(address);
    return address;
  }

  function onExecuted({ height, atMs }: ExecutedBlock): void {
    if (!firstExecutedMs.has(height)) firstExecutedMs.set(height, atMs);
    highest = Math.max(highest, height);
  }

  function write(name: string, bytes: Uint8Array): string {
    const path = join(root, name);
    writeFileSync(path, bytes, { mode: 0o600 });
    return path;
  }

  /** The file of addresses as one node has it: the others' are those of the links to them. */
  async function writeNetwork(at: number, members: readonly NetworkMember[]): Promise<string> {
    const own: NetworkMember[] = [];
    for (const [to, member] of members.entries()) {
      const { host, p2p } = addresses[to] as (typeof addresses)[number];
      if (to === at) {
        own.push(member);
        continue;
      }
      const link = await createLink(host, { host, port: p2p });
      links.set(`${at} ${to}`, link);
      own.push({ ...member, p2p: `${link.address.host}:${link.address.port}` });
    }
    const file = { format: 'aceso.network/1', chain: founded.chain, members: own };
    return write(`${members[at]?.slug}.network.json`, canonicalBytes(file as unknown as Json));
  }

  function addNode(at: number, slug: string, keys: Uint8Array, network: string): NetworkNode {
    const { host, http } = addresses[at] as (typeof addresses)[number];
    const [own] = parseOrganisationKeys(parseCanonical(keys) as Json).keys;
    if (own === undefined) throw new Error('a keys file without keys');
    const folder = join(root, slug);
    mkdirSync(folder, { mode: 0o700 });
    const node = createNetworkNode({
      slug,
      signer: memberSigner(own.organisation.account, own.secrets.signingSeed),
      script,
      compileCache: join(root, 'compiled'),
      logFile: join(root, `${slug}.log`),
      onExecuted,
      plan: {
        ...{ folder, host, program, genesis, network, snapshotEveryBlocks },
        port: http,
        keyFolder: join(root, 'keys'),
        keys: write(`${slug}.keys.json`, keys),
        runtimeFolder: root,
      },
    });
    nodes.push(node);
    return node;
  }

  for (const _ of slugs) await takeAddress();
  const founded = await foundNetwork(
    {
      name: 'network test',
      organisations: slugs.map((slug, at) => {
        const { host, p2p, http } = addresses[at] as (typeof addresses)[number];
        return { slug, name: slug, roles: ['provider'], p2p: `${host}:${p2p}`, url: `http://${host}:${http}` };
      }),
    },
    Date.now(),
  );
  const genesis = write('genesis.json', founded.genesis);
  const members = [...parseNetwork(parseCanonical(founded.network) as Json, founded.chain).members];
  for (const [at, { slug, keys }] of founded.organisations.entries())
    addNode(at, slug, keys as Uint8Array, await writeNetwork(at, members));

  function linksOf(one: NetworkNode, other: NetworkNode): Link[] {
    const [a, b] = [nodes.indexOf(one), nodes.indexOf(other)];
    return [links.get(`${a} ${b}`), links.get(`${b} ${a}`)].filter((link) => link !== undefined);
  }

  return {
    chain: founded.chain,
    trust: parseTrust(founded.genesis),
    nodes,
    firstExecutedMs,
    height: () => highest,
    async addOrganisation(slug) {
      const { host, p2p, http } = await takeAddress();
      const { organisation, secrets, entry } = await newOrganisationKeys({ slug, name: slug, roles: ['provider'] });
      const seeds = newValidatorSeeds();
      const validator = { account: entry.account, ...validatorOf(seeds) };
      const keys = { format: 'aceso.organisation-keys/1', organisation, secrets, entry, validator: seeds };
      const member = { account: entry.account, slug, name: slug, node: validator.node, p2p: `${host}:${p2p}` };
      const at = addresses.length - 1;
      members.push({ ...member, url: `http://${host}:${http}` });
      const network = await writeNetwork(at, members);
      const node = addNode(at, slug, canonicalBytes(keys as unknown as JsonObject), network);
      return { node, entry, validator };
    },
    cut(one, other, how) {
      for (const link of linksOf(one, other)) link.cut(how);
    },
    heal(one, other) {
      for (const link of linksOf(one, other)) link.heal();
    },
    async destroy() {
      for (const node of nodes) await node.kill('both');
      for (const link of links.values()) link.close();
      if (options.keep === true) console.log(`kept: ${root}`);
      else rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until something holds; rejects with what it was after the time. Resolves to the seconds that it took. */
export async function until(
  what: string,
  withinMs: number,
  holds: () => boolean | undefined | Promise<boolean | undefined>,
): Promise<number> {
  const begunMs = performance.now();
  for (;;) {
    if ((await holds()) === true) return (performance.now() - begunMs) / 1000;
    if (performance.now() - begunMs > withinMs) throw new Error(`in ${withinMs} ms not: ${what}`);
    await sleep(50);
  }
}
