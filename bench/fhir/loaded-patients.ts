import { DEMO_AS_OF, DEMO_PATIENTS_EACH } from '../../src/app/demo-network.ts';
import { generatePatients } from '../../src/synthetic/generate.ts';
import { generateOrganisation } from '../../src/synthetic/organisation.ts';
import { bundleToText } from '../../src/synthetic/written-number.ts';
import type { ChildNode } from '../child-server.ts';
import { closedLoop, connectHttp, type HttpClient, httpRequest } from '../http-clients.ts';

type Bundle = ReturnType<typeof generateOrganisation>;

/** A patient as the server knows it, with what searches about it must find. */
export interface KnownPatient {
  readonly id: string;
  readonly family: string;
  readonly observations: readonly KnownObservation[];
}

export interface KnownObservation {
  readonly id: string;
  readonly code: string;
  /** FHIR dateTime. */
  readonly at: string;
  /** As a client would send it to create another: references are the server's. */
  readonly text: string;
}

export interface Loaded {
  /** Evenly drawn from all. */
  readonly sample: readonly KnownPatient[];
  /** Lower-case family name → all patients of that name who have one. */
  readonly families: ReadonlyMap<string, readonly FamilyMember[]>;
  readonly resources: number;
  readonly resourcesPerSecond: number;
  /** Bundles to send to another server of the same kind, and resources in them. */
  readonly bundles: readonly Uint8Array[];
  readonly resourcesOfBundles: number;
}

/** What searches by family name must count. */
interface FamilyMember {
  readonly observationsByCode: ReadonlyMap<string, number>;
}

/** An administrator's import runs while others read: two bundles are under way at a time. */
const CLIENTS = 2;
const SAMPLE = 200;
const KEPT_BUNDLES = 40;
/** A chart of the last year and a half: some fifty resources, as long as those of the Synthea samples. */
const CHART = { years: 1.5, asOf: DEMO_AS_OF, seed: 'bench' } as const;
const ORGANISATION = { seed: 'bench', name: 'Bench Hospital', practitionerCount: 24 } as const;

/** Sends `count` generated patients to `POST /fhir` as transactions, and remembers what the server made of some. */
export async function loadPatients(
  node: ChildNode,
  token: string,
  count: number,
  progress: (done: number) => void,
): Promise<Loaded> {
  const { url } = node;
  const families = demoFamilies();
  const sample: KnownPatient[] = [];
  const bundles: Uint8Array[] = [];
  let [resources, resourcesOfBundles, done] = [0, 0, 0];
  await send(await connectHttp(url), url, token, generateOrganisation(ORGANISATION));
  const patients = generatePatients({ ...CHART, count, organisation: ORGANISATION });
  const startMs = performance.now();
  const every = Math.max(1, Math.floor(count / SAMPLE));
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await connectHttp(url);
      for (const bundle of patients) {
        const number = done++;
        if (bundles.length < KEPT_BUNDLES) {
          bundles.push(requestOf(url, token, bundle));
          resourcesOfBundles += bundle.entry?.length ?? 0;
        }
        const ids = await send(client, url, token, bundle);
        resources += bundle.entry?.length ?? 0;
        remember(families, bundle);
        if (number % every === 0) sample.push(knownPatient(bundle, ids));
        progress(number + 1);
      }
      client.close();
    }),
  );
  const resourcesPerSecond = (resources * 1000) / (performance.now() - startMs);
  const usable = sample.filter(({ observations }) => observations.length > 0);
  return { sample: usable, families, resources, resourcesPerSecond, bundles, resourcesOfBundles };
}

/** The same transactions, per second and by resources, to a server that does nothing but answer. */
export async function boundOfLoad(url: string, { bundles, resourcesOfBundles }: Loaded): Promise<number> {
  const request = (at: number) => bundles[at % bundles.length] as Uint8Array;
  const { perSecond } = await closedLoop({ url, clients: CLIENTS, count: 10 * bundles.length, status: 200, request });
  return (perSecond * resourcesOfBundles) / bundles.length;
}

function requestOf(url: string, token: string, bundle: Bundle): Uint8Array {
  return httpRequest({ url, method: 'POST', path: '/fhir', token, body: bundleToText(bundle) });
}

/** Ids by place in the bundle, from `Type/id/_history/1`. */
async function send(client: HttpClient, url: string, token: string, bundle: Bundle): Promise<string[]> {
  const { status, body } = await client.send(requestOf(url, token, bundle));
  if (status !== 200) throw new Error(`a transaction was answered with ${status}: ${body.toString().slice(0, 500)}`);
  const { entry = [] } = JSON.parse(body.toString()) as { entry?: { response: { location?: string } }[] };
  return entry.map(({ response }) => /\/([^/]+)\/_history\//.exec(response.location ?? '')?.[1] ?? '');
}

function remember(families: Map<string, FamilyMember[]>, bundle: Bundle): void {
  const observationsByCode = new Map<string, number>();
  let family = '';
  for (const { resource } of bundle.entry ?? []) {
    if (resource?.resourceType === 'Patient') family = (resource.name?.[0]?.family ?? '').toLowerCase();
    if (resource?.resourceType !== 'Observation') continue;
    const code = resource.code.coding?.[0]?.code as string;
    observationsByCode.set(code, (observationsByCode.get(code) ?? 0) + 1);
  }
  families.set(family, [...(families.get(family) ?? []), { observationsByCode }]);
}

/** The patients that a node is seeded with are in the same vault. */
function demoFamilies(): Map<string, FamilyMember[]> {
  const families = new Map<string, FamilyMember[]>();
  const organisation = { seed: 'st-brigid', name: 'St. Brigid Hospital' };
  const demo = { seed: 'st-brigid', count: DEMO_PATIENTS_EACH, asOf: DEMO_AS_OF, organisation };
  for (const bundle of generatePatients(demo)) remember(families, bundle);
  return families;
}

function knownPatient({ entry = [] }: Bundle, ids: readonly string[]): KnownPatient {
  const targets = new Map(entry.map(({ fullUrl, resource }, at) => [fullUrl, `${resource?.resourceType}/${ids[at]}`]));
  const resolve = (text: string) => text.replace(/urn:uuid:[0-9a-f-]{36}/g, (name) => targets.get(name) ?? name);
  const at = entry.findIndex(({ resource }) => resource?.resourceType === 'Patient');
  const patient = entry[at]?.resource as { name?: { family?: string }[] };
  const observations: KnownObservation[] = [];
  for (const [index, { resource }] of entry.entries()) {
    if (resource?.resourceType !== 'Observation') continue;
    const { id: _own, ...content } = resource;
    observations.push({
      id: ids[index] as string,
      code: resource.code.coding?.[0]?.code as string,
      at: resource.effectiveDateTime as string,
      text: resolve(JSON.stringify(content)),
    });
  }
  return { id: ids[at] as string, family: patient.name?.[0]?.family as string, observations };
}
