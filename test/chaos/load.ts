import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Signer, signTransaction } from '../../src/chain/sign-transaction.ts';
import { parseTransaction } from '../../src/chain/transaction.ts';
import { bytesToBase64url, bytesToHex } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import type { Network } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { askNode, type NodeAnswer, refusalCode } from './ask-node.ts';

/** What a client was told of a transaction: from then on every node has to say the same. */
export interface Acknowledged {
  readonly id: string;
  readonly code: string;
  readonly height: number;
  readonly leafIndex: number;
}

/** Refusals that faults explain: of these transactions the client knows nothing, and may find them later. */
const EXCUSED = new Set([
  'NODE_CLOSING',
  'LEDGER_NO_QUORUM',
  'LEDGER_NOT_COMMITTED',
  'LEDGER_CLOSED',
  'LEDGER_CATCHING_UP',
  'LEDGER_MEMPOOL_FULL',
  'LEDGER_SPONSOR_QUEUE_FULL',
]);

function isExcused(answer: NodeAnswer): boolean {
  return EXCUSED.has(refusalCode(answer) ?? '');
}

type Message = JsonObject & { readonly type: string };

/** Signs a message and brings it to a node. Resolves to undefined when the answer says nothing for certain. */
export async function submit(
  { chain }: Network,
  node: NetworkNode,
  message: Message,
  signer: Signer = node.signer,
): Promise<{ readonly id: string; readonly answer: NodeAnswer | undefined }> {
  const wire = await signTransaction({ chain, message, nowMs: Date.now() }, signer);
  const id = parseTransaction(wire)?.id ?? '';
  const body = { wire: bytesToBase64url(wire) };
  return { id, answer: await askNode(node, '/ledger/transactions', { method: 'POST', body }) };
}

/** What an answer acknowledges; throws when it is about something else. */
export function acknowledgement(id: string, answer: NodeAnswer | undefined): Acknowledged | undefined {
  if (answer?.status !== 200) return undefined;
  const { outcome, height, leafIndex } = JSON.parse(Buffer.from(answer.bytes).toString()) as {
    outcome: { id: string; code: string };
    height: number;
    leafIndex: number;
  };
  if (outcome.id !== id) throw new Error('the outcome is another transaction’s');
  return { id, code: outcome.code, height, leafIndex };
}

/** Transactions at a steady rate to all nodes in turn, whatever befalls them. */
export interface Load {
  readonly acknowledged: readonly Acknowledged[];
  /** Ids of those whose answer was lost, or a refusal that leaves it open. */
  readonly uncertain: readonly string[];
  /** Refusals that no fault explains. */
  readonly wrong: readonly string[];
  /** Milliseconds from sending to acknowledgement. */
  readonly latenciesMs: readonly number[];
  /** Sends no more; resolves when every answer is there or given up. */
  stop(): Promise<void>;
}

/** `nodes` are those to send to, running or not; `perSecond` is for all of them together. */
export function startLoad(network: Network, perSecond: number, nodes: () => readonly NetworkNode[]): Load {
  const acknowledged: Acknowledged[] = [];
  const uncertain: string[] = [];
  const wrong: string[] = [];
  const latenciesMs: number[] = [];
  const open = new Set<Promise<void>>();
  let isOver = false;
  let turn = 0;

  async function sendOne(node: NetworkNode): Promise<void> {
    const account = bytesToHex(randomBytes(16));
    const begunMs = performance.now();
    const { id, answer } = await submit(network, node, { type: 'practitioner.register', account, roleCodes: [] });
    const told = acknowledgement(id, answer);
    if (told === undefined) uncertain.push(id);
    else acknowledged.push(told);
    if (told !== undefined) latenciesMs.push(performance.now() - begunMs);
    if (told !== undefined && told.code !== 'OK') wrong.push(`${node.slug}: outcome ${told.code}`);
    if (told === undefined && answer !== undefined && !isExcused(answer))
      wrong.push(`${node.slug}: ${answer.status} ${Buffer.from(answer.bytes).toString().slice(0, 300)}`);
  }

  async function run(): Promise<void> {
    let dueMs = performance.now();
    while (!isOver) {
      const running = nodes().filter((node) => node.isRunning());
      const node = running[turn++ % Math.max(1, running.length)];
      if (node !== undefined) {
        const sent: Promise<void> = sendOne(node)
          .catch((error: Error) => void wrong.push(`${node.slug}: ${error.message}`))
          .then(() => void open.delete(sent));
        open.add(sent);
      }
      // What a busy machine could not send in time is not sent in a heap afterwards.
      dueMs = Math.max(dueMs + 1000 / perSecond, performance.now() - 200);
      await sleep(Math.max(0, dueMs - performance.now()));
    }
  }

  const running = run();
  return {
    ...{ acknowledged, uncertain, wrong, latenciesMs },
    async stop() {
      isOver = true;
      await running;
      await Promise.all(open);
    },
  };
}
