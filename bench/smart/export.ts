import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { openAes256Gcm, sealAes256Gcm } from '../../src/crypto/node/aead.ts';
import { randomBytes, sha256 } from '../../src/crypto/node/platform.ts';
import { generatePatients } from '../../src/synthetic/generate.ts';
import { bundleToLines } from '../../src/synthetic/resource-lines.ts';
import type { ChildNode } from '../child-server.ts';
import { type BenchResult, callsPerSecond, rate } from '../result.ts';

const SLUG = 'st-brigid';
/** A chart of the last year and a half: some fifty resources. */
const CHART = { years: 1.5, asOf: '2026-06-30', seed: 'bench export' } as const;
const NO_BYTES = new Uint8Array(0);

interface Manifest {
  readonly output: readonly { readonly url: string; readonly count: number }[];
  readonly error: readonly unknown[];
  readonly extension: {
    readonly 'urn:aceso:export': { readonly resources: number; readonly begun: string; readonly ended: string };
  };
}

/**
 * `export.resources`: resources per second of a system export, from the beginning of its walk to its last receipt, with
 * each version decided on, journalled, opened, checked and sealed anew; the second of two, when the code is compiled. It is
 * beside what all cores could do that only opened, hashed and sealed resources as long. The files are fetched and their
 * lines counted before the figure counts.
 */
export async function benchExport(node: ChildNode, patients: number): Promise<BenchResult> {
  const headers = {
    authorization: `Bearer ${node.adminTokens[SLUG]}`,
    'aceso-purpose': 'TREAT',
    prefer: 'respond-async',
  };
  const meanBytes = await fill(node, headers, patients);
  await exported(node, headers);
  const { output, error, extension } = await exported(node, headers);
  const { resources, begun, ended } = extension['urn:aceso:export'];
  let lines = 0;
  for (const { url } of output) {
    const text = await (await fetch(url, { headers })).text();
    lines += text.split('\n').length - 1;
  }
  if (lines !== resources || error.length > 0) throw new Error(`${resources} resources exported, ${lines} fetched`);
  return rate('export.resources', (resources * 1000) / (Date.parse(ended) - Date.parse(begun)), boundOf(meanBytes));
}

/** Generated patients by `$import`; gives the mean length of a resource. */
async function fill(node: ChildNode, headers: Record<string, string>, patients: number): Promise<number> {
  const lines = [...generatePatients({ ...CHART, count: patients })].flatMap((bundle) =>
    bundleToLines(bundle).map(({ text }) => text),
  );
  const body = lines.join('\n');
  const done = await finished(
    await fetch(`${node.url}/fhir/$import`, {
      ...{ method: 'POST', body },
      headers: { ...headers, 'content-type': 'application/fhir+ndjson' },
    }),
    headers,
  );
  if ((done as Manifest).error.length > 0) throw new Error('generated patients were refused');
  return Math.round(body.length / lines.length);
}

async function exported(node: ChildNode, headers: Record<string, string>): Promise<Manifest> {
  return (await finished(await fetch(`${node.url}/fhir/$export`, { headers }), headers)) as Manifest;
}

/** The manifest of what a request began. */
async function finished(begun: Response, headers: Record<string, string>): Promise<unknown> {
  if (begun.status !== 202) throw new Error(`not begun, ${begun.status}: ${(await begun.text()).slice(0, 300)}`);
  const address = begun.headers.get('content-location') ?? '';
  for (;;) {
    const answer = await fetch(address, { headers });
    if (answer.status === 200) return answer.json();
    if (answer.status !== 202) throw new Error(`failed, ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
    await sleep(1000 * Number(answer.headers.get('retry-after')) + 50);
  }
}

function boundOf(meanBytes: number): number {
  const [key, bytes] = [randomBytes(32), randomBytes(meanBytes)];
  const sealed = sealAes256Gcm(key, bytes, NO_BYTES);
  const handle = (): void => {
    sha256(sealed);
    const opened = openAes256Gcm(key, sealed, NO_BYTES) as Uint8Array;
    sha256(opened);
    sealAes256Gcm(key, opened, NO_BYTES);
  };
  return callsPerSecond(1000, handle) * availableParallelism();
}
