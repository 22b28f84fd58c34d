import { parseTrust, type Trust } from '../src/chain/receipt/trust.ts';
import { verifyReceipt } from '../src/chain/receipt/verify.ts';
import { ed25519PublicKey, signEd25519, verifyEd25519Sync } from '../src/crypto/node/ed25519.ts';
import type { ChildNode } from './child-server.ts';
import { connectHttp, type HttpClient, httpRequest } from './http-clients.ts';
import { type BenchResult, callsPerSecond, rate } from './result.ts';

const RECEIPTS = 200;
const FOR_MS = 2_000;

/** `receipt.verify`: receipts of versions checked offline per second of one core, beside its Ed25519 verifications. */
export async function benchReceipts(node: ChildNode): Promise<BenchResult> {
  const client = await connectHttp(node.url);
  try {
    const trust = parseTrust(await bytesOf(client, node, '/api/genesis'));
    const receipts = await exportReceipts(client, node);
    await verifyFor(FOR_MS / 10, receipts, trust);
    return rate('receipt.verify', await verifyFor(FOR_MS, receipts, trust), verificationsPerSecond());
  } finally {
    client.close();
  }
}

async function verifyFor(forMs: number, receipts: readonly Uint8Array[], trust: Trust): Promise<number> {
  const startMs = performance.now();
  let count = 0;
  for (; performance.now() - startMs < forMs; count++) {
    await verifyReceipt(receipts[count % receipts.length] as Uint8Array, trust);
  }
  return (count * 1000) / (performance.now() - startMs);
}

async function exportReceipts(client: HttpClient, node: ChildNode): Promise<Uint8Array[]> {
  const journal = JSON.parse((await bytesOf(client, node, '/api/journal')).toString()) as {
    readonly generation: number;
    readonly anchored: number;
  };
  const count = Math.min(RECEIPTS, journal.anchored);
  const receipts: Uint8Array[] = [];
  for (let at = 0; at < count; at++) {
    const index = Math.floor((at * journal.anchored) / count);
    receipts.push(await bytesOf(client, node, `/api/receipts/journal/${journal.generation}/${index}`));
  }
  return receipts;
}

async function bytesOf(client: HttpClient, { url, adminTokens }: ChildNode, path: string): Promise<Buffer> {
  const token = adminTokens['st-brigid'] as string;
  const { status, body } = await client.send(httpRequest({ url, method: 'GET', path, token }));
  if (status !== 200) throw new Error(`${path}: ${status} ${body.toString().slice(0, 200)}`);
  return body;
}

function verificationsPerSecond(): number {
  const seed = new Uint8Array(32).fill(7);
  const publicKey = ed25519PublicKey(seed);
  const message = new Uint8Array(300).fill(1);
  const signature = signEd25519(seed, message);
  return callsPerSecond(1_000, () => verifyEd25519Sync(publicKey, message, signature));
}
