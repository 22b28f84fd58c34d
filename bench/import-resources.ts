import { availableParallelism } from 'node:os';
import { loadDefinitions } from '../src/fhir/definitions/load-definitions.ts';
import { validateStructure } from '../src/fhir/validate.ts';
import { generatePatients } from '../src/synthetic/generate.ts';
import { bundleToText } from '../src/synthetic/written-number.ts';
import type { ChildNode } from './child-server.ts';
import { closedLoop, httpRequest } from './http-clients.ts';
import { type BenchResult, callsPerSecond, rate } from './result.ts';

const PATIENTS = 120;
const WARM_UP = 20;
/** Bundles under way at a time: one is prepared while another is committed. */
const CLIENTS = 2;

/**
 * `import.resources`: new resources per second through `POST /api/import`, a patient's chart a Bundle, with validation,
 * encryption and journal on, beside the validations alone that all cores together could do.
 */
export async function benchImport(node: ChildNode): Promise<BenchResult> {
  const { url, adminTokens } = node;
  const token = adminTokens['st-brigid'] as string;
  // Another seed at each call, or the bundles would be stored already and cost nothing.
  const seed = `bench ${performance.timeOrigin + performance.now()}`;
  const bundles = [...generatePatients({ seed, count: PATIENTS + WARM_UP, asOf: '2026-06-30' })];
  const requests = bundles.map((bundle) =>
    httpRequest({ url, method: 'POST', path: '/api/import', token, body: bundleToText(bundle) }),
  );
  const load = (from: number, count: number) =>
    closedLoop({ url, clients: CLIENTS, count, status: 200, request: (at) => requests[from + at] as Uint8Array });
  // The first brings the organisation and practitioners that all others name.
  await load(0, 1);
  await load(1, WARM_UP - 1);
  const { perSecond } = await load(WARM_UP, PATIENTS);
  const resources = bundles.slice(WARM_UP).map(({ entry = [] }) => entry.map(({ resource }) => resource));
  const total = resources.reduce((sum, chart) => sum + chart.length, 0);
  return rate('import.resources', (perSecond * total) / PATIENTS, await validations(resources.flat() as never));
}

type Validated = Parameters<typeof validateStructure>[0];

async function validations(resources: readonly Validated[]): Promise<number> {
  const definitions = await loadDefinitions();
  let next = 0;
  const validate = (): void => validateStructure(resources[next++ % resources.length] as Validated, definitions);
  return callsPerSecond(2_000, validate) * availableParallelism();
}
