import { rejecter } from '../../std/reject.ts';
import { type Client, createClient } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext } from '../command.ts';
import type { RunningNode } from '../node-starter.ts';

const reject = rejecter(CODES);

/** Who plays in the story, each as a caller of the node that its organisation is on. */
export interface Cast {
  readonly brigid: string;
  readonly riverside: string;
  readonly meridian: string;
  readonly physician: Client;
  readonly physicianToken: string;
  readonly riversidePhysician: Client;
  readonly researcher: Client;
}

interface NodePage {
  readonly organisations: readonly { readonly slug: string; readonly account: string }[];
}

/** The cast on nodes that this start seeded: one with all organisations, or one for each. Throws DEMO_NODE_UNSUITED. */
export async function castOf(context: CliContext, nodes: readonly RunningNode[]): Promise<Cast> {
  const nodeOf = (slug: string): RunningNode =>
    nodes.find(({ adminTokens }) => Object.hasOwn(adminTokens, slug)) ?? missing();
  const accountOf = async (slug: string): Promise<string> => {
    const page = (await createClient(context, nodeOf(slug).url).get('/')) as NodePage;
    return page.organisations.find((one) => one.slug === slug)?.account ?? missing();
  };
  const tokenOf = (organisation: string, role: string): string =>
    nodeOf(organisation).seeded?.accounts.find((one) => one.organisation === organisation && one.label.startsWith(role))
      ?.token ?? missing();
  const as = (organisation: string, role: string): Client =>
    createClient(context, nodeOf(organisation).url, tokenOf(organisation, role));
  return {
    brigid: await accountOf('st-brigid'),
    riverside: await accountOf('riverside'),
    meridian: await accountOf('meridian'),
    physician: as('st-brigid', 'physician'),
    physicianToken: tokenOf('st-brigid', 'physician'),
    riversidePhysician: as('riverside', 'physician'),
    researcher: as('meridian', 'researcher'),
  };
}

function missing(): never {
  throw reject('DEMO_NODE_UNSUITED');
}

interface Coding {
  readonly system?: string;
  readonly code?: string;
}

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly meta?: { readonly security?: readonly Coding[] };
  readonly subject?: { readonly reference?: string };
  readonly identifier?: readonly { readonly system?: string; readonly value?: string }[];
  readonly name?: readonly { readonly given?: readonly string[]; readonly family?: string }[];
}

interface Bundle {
  readonly entry?: readonly { readonly resource: Resource }[];
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
}

/** The patient that the story is about: one with a condition that carries a sensitivity label. */
export interface Heroine {
  readonly id: string;
  readonly name: string;
  /** `system|value`. */
  readonly identifier: string;
  /** Condition with a label, and that label. */
  readonly sensitive: string;
  readonly label: { readonly system: string; readonly code: string };
}

/** The story is told of a woman who lives. */
const HERS = 'patient.gender=female&patient.deceased=false';
/** Codes of confidentiality say how secret something is, not what it is about. */
const CONFIDENTIALITY = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

export async function findHeroine({ url, as }: Client, token: string): Promise<Heroine> {
  const client = as(token);
  let page: Bundle | undefined = (await client.get(`/fhir/Condition?${HERS}&_count=100`)) as Bundle;
  while (page !== undefined) {
    for (const { resource } of page.entry ?? []) {
      const label = resource.meta?.security?.find(({ system }) => system !== CONFIDENTIALITY);
      const patientId = resource.subject?.reference?.split('/')[1];
      if (label?.system === undefined || label.code === undefined || patientId === undefined) continue;
      const { system, code } = label;
      return { ...(await describe(client, patientId)), sensitive: resource.id, label: { system, code } };
    }
    const next: string | undefined = page.link?.find(({ relation }) => relation === 'next')?.url;
    page = next === undefined ? undefined : ((await client.get(next.slice(url.length))) as Bundle);
  }
  return missing();
}

async function describe(client: Client, id: string): Promise<Pick<Heroine, 'id' | 'name' | 'identifier'>> {
  const patient = (await client.get(`/fhir/Patient/${id}`)) as Resource;
  const { system = '', value = '' } = patient.identifier?.[0] ?? {};
  const { given = [], family = '' } = patient.name?.[0] ?? {};
  return { id, name: [given[0] ?? '', family].join(' ').trim(), identifier: `${system}|${value}` };
}
