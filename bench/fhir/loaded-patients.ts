import { bundleToText } from '../../src/synthetic/written-number.ts';
import type { ChildNode } from '../child-server.ts';
import { closedLoop, connectHttp, type HttpClient, httpRequest } from '../http-clients.ts';
import { type Bundle, type FamilyMember, generatedCharts } from './generated-charts.ts';

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

const CLIENTS = 8;
const KEPT_BUNDLES = 40;

/** Sends `count` generated patients to `POST /fhir` as transactions, and remembers what the server made of some. */
export async function loadPatients(
  node: ChildNode,
  token: string,
  count: number,
  progress: (done: number) => void,
): Promise<Loaded> {
  const { url } = node;
  const charts = await generatedCharts(count);
  const sample: KnownPatient[] = [];
  let [resources, next, done] = [0, 0, 0];
  await send(await connectHttp(url), url, token, bundleToText(charts.organisation));
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const client = await connectHttp(url);
      while (next < count) {
        const number = next++;
        const ids = await send(client, url, token, await charts.text(number));
        resources += ids.length;
        const bundle = charts.sample.get(number);
        if (bundle !== undefined) sample.push(knownPatient(bundle, ids));
        done += 1;
        progress(done);
      }
      client.close();
    }),
  );
  const resourcesPerSecond = (resources * 1000) / (performance.now() - startMs);
  const usable = sample.filter(({ observations }) => observations.length > 0);
  const kept = Math.min(count, KEPT_BUNDLES);
  const bundles = await Promise.all(
    Array.from({ length: kept }, async (_, at) => requestOf(url, token, await charts.text(at))),
  );
  const resourcesOfBundles = (resources * kept) / count;
  return { sample: usable, families: charts.families, resources, resourcesPerSecond, bundles, resourcesOfBundles };
}

/** The same transactions, per second and by resources, to a server that does nothing but answer. */
export async function boundOfLoad(url: string, { bundles, resourcesOfBundles }: Loaded): Promise<number> {
  const request = (at: number) => bundles[at % bundles.length] as Uint8Array;
  const { perSecond } = await closedLoop({ url, clients: CLIENTS, count: 10 * bundles.length, status: 200, request });
  return (perSecond * resourcesOfBundles) / bundles.length;
}

function requestOf(url: string, token: string, body: string): Uint8Array {
  return httpRequest({ url, method: 'POST', path: '/fhir', token, body });
}

/** Ids by place in the bundle, from `Type/id/_history/1`. */
async function send(client: HttpClient, url: string, token: string, text: string): Promise<string[]> {
  const { status, body } = await client.send(requestOf(url, token, text));
  if (status !== 200) throw new Error(`a transaction was answered with ${status}: ${body.toString().slice(0, 500)}`);
  const { entry = [] } = JSON.parse(body.toString()) as { entry?: { response: { location?: string } }[] };
  return entry.map(({ response }) => /\/([^/]+)\/_history\//.exec(response.location ?? '')?.[1] ?? '');
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
