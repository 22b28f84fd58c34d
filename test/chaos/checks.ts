import { verifyReceipt } from '../../src/chain/receipt/verify.ts';
import type { Network } from '../support/network-harness.ts';
import type { ExecutedBlock, NetworkNode } from '../support/network-node.ts';
import { askNode } from './ask-node.ts';
import type { Acknowledged } from './load.ts';

const AT_ONCE = 16;

/**
 * No two app hashes at one height, in whatever any node ever executed, again after a crash too. Throws with the first
 * height that has two. Resolves to how many blocks were compared.
 */
export function checkOneHistory(nodes: readonly { slug: string; executed: readonly ExecutedBlock[] }[]): number {
  const known = new Map<number, { readonly appHash: string; readonly slug: string }>();
  let compared = 0;
  for (const { slug, executed } of nodes) {
    for (const { height, appHash } of executed) {
      const first = known.get(height);
      if (first === undefined) known.set(height, { appHash, slug });
      else if (first.appHash !== appHash)
        throw new Error(`two app hashes at height ${height}: ${first.slug} ${first.appHash}, ${slug} ${appHash}`);
      else compared++;
    }
  }
  return compared;
}

/** Every acknowledged transaction is at each node where its client was told. Throws with those that are not. */
export async function checkAcknowledged(
  nodes: readonly NetworkNode[],
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  const lost: string[] = [];
  const look = async (node: NetworkNode, told: Acknowledged): Promise<void> => {
    const answer = await askNode(node, `/ledger/transactions/${told.id}`);
    const text = Buffer.from(answer?.bytes ?? []).toString();
    const found =
      answer?.status === 200 ? (JSON.parse(text) as Acknowledged & { outcome: { code: string } }) : undefined;
    const isSame =
      found?.height === told.height && found.leafIndex === told.leafIndex && found.outcome.code === told.code;
    if (!isSame) lost.push(`${node.slug}: ${JSON.stringify(told)} is ${answer?.status} ${text.slice(0, 200)}`);
  };
  await Promise.all(nodes.map((node) => inLanes(acknowledged, (told) => look(node, told))));
  if (lost.length > 0)
    throw new Error(`${lost.length} acknowledged transactions are lost:\n${lost.slice(0, 10).join('\n')}`);
}

/** Those of `ids` that a node has after all. */
export async function countFound(node: NetworkNode, ids: readonly string[]): Promise<number> {
  let found = 0;
  await inLanes(ids, async (id) => {
    if ((await askNode(node, `/ledger/transactions/${id}`))?.status === 200) found++;
  });
  return found;
}

async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

/**
 * Fetches the receipt of an acknowledged transaction from a node and verifies it with nothing but genesis. Resolves to
 * false when the node gives none; throws what the verifier refuses, and when the receipt proves something else.
 */
export async function checkReceipt({ trust }: Network, node: NetworkNode, told: Acknowledged): Promise<boolean> {
  const answer = await askNode(node, `/api/receipts/transactions/${told.id}`);
  if (answer?.status !== 200) return false;
  const { statement, head } = await verifyReceipt(answer.bytes, trust);
  const proven = statement.kind === 'transaction' ? statement.transaction : undefined;
  const isSame = proven?.id === told.id && proven.height === told.height && proven.code === told.code;
  if (!isSame || head.height < told.height)
    throw new Error(`a receipt from ${node.slug} that proves another thing than was acknowledged`);
  return true;
}

/** Seconds between times of which no block came; `excused` are spans in which none could. Milliseconds since the epoch. */
export function longestGapSeconds(
  firstExecutedMs: ReadonlyMap<number, number>,
  [fromMs, toMs]: readonly [number, number],
  excused: readonly (readonly [number, number])[],
): number {
  const times = [...firstExecutedMs.values(), ...excused.flat(), toMs].filter((ms) => ms >= fromMs && ms <= toMs);
  let [longest, last] = [0, fromMs];
  for (const ms of times.sort((a, b) => a - b)) {
    const isExcused = excused.some(([begin, end]) => last >= begin && ms <= end);
    if (!isExcused) longest = Math.max(longest, ms - last);
    last = ms;
  }
  return longest / 1000;
}

/** Receipts of random acknowledged transactions from random nodes, over and over. */
export interface ReceiptWatch {
  /** Verified, and asked for where the node gave none. */
  readonly counts: { verified: number; absent: number };
  /** What a verifier refused. */
  readonly refused: readonly string[];
  stop(): Promise<void>;
}

export function watchReceipts(
  network: Network,
  acknowledged: readonly Acknowledged[],
  nodes: () => readonly NetworkNode[],
  pauseMs: number,
): ReceiptWatch {
  const counts = { verified: 0, absent: 0 };
  const refused: string[] = [];
  let isOver = false;
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)];
  const run = async (): Promise<void> => {
    while (!isOver) {
      const [node, told] = [pick(nodes()), pick(acknowledged)];
      if (node !== undefined && told !== undefined) {
        const isVerified = await checkReceipt(network, node, told).catch((error: Error) => {
          refused.push(`${node.slug}, ${told.id} of height ${told.height}: ${error.message}`);
          return false;
        });
        if (isVerified) counts.verified++;
        else counts.absent++;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const running = run();
  return {
    ...{ counts, refused },
    async stop() {
      isOver = true;
      await running;
    },
  };
}
