import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Signer, signTransaction } from '../../src/chain/sign-transaction.ts';
import { parseTransaction } from '../../src/chain/transaction.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { bytesToBase64url, bytesToHex } from '../../src/std/bytes.ts';
import type { NodeAddress } from './killed-node.ts';

/** What clients were told, and what they tried: a try whose answer was lost may or may not have come through. */
export interface Told {
  /** Text of acknowledged versions by `Type/id/version`. */
  readonly versions: Map<string, string>;
  /** Marks of writes that were tried, with how many resources each is in: all of them or none. */
  readonly marks: Map<string, number>;
  /** Marks of Bundles that were acknowledged. */
  readonly bundles: Set<string>;
  /** Ids of transactions whose outcome was told. */
  readonly committed: Set<string>;
  /** Reads that were answered, by the version that was read. */
  readonly reads: string[];
}

export function createTold(): Told {
  return {
    versions: new Map(),
    marks: new Map(),
    bundles: new Set(),
    committed: new Set(),
    reads: [],
  };
}

/** A client of one organisation, and what it goes on with after a restart. */
export interface Client {
  readonly slug: string;
  readonly signer: Signer;
  /** Genesis hash of the ledger. */
  readonly chain: string;
  patient: string | undefined;
  observation: { readonly id: string; version: number } | undefined;
  step: number;
}

/** A client whose round of requests begins at `step`. */
export function createClient({ slug, signer, ledger }: OrganisationContext, step: number): Client {
  return { slug, signer, chain: ledger.genesisHash, patient: undefined, observation: undefined, step };
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Runs a client until the node is gone: creates, updates, atomic Bundles, reads and transactions, one after another. */
export async function runClient(client: Client, node: NodeAddress, told: Told): Promise<void> {
  const headers = { authorization: `Bearer ${node.adminTokens[client.slug]}`, 'aceso-purpose': 'TREAT' };
  const fhir = { ...headers, 'content-type': 'application/fhir+json' };

  /** Resolves to undefined when the connection broke: nothing was acknowledged. */
  async function call(
    method: string,
    path: string,
    body?: unknown,
    type: Record<string, string> = fhir,
  ): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${node.url}${path}`, {
        method,
        headers: type,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  function mark(count = 1): string {
    const value = randomUUID();
    told.marks.set(value, count);
    return value;
  }

  function acknowledge({ text }: Answer): { id: string; version: number } {
    const { resourceType, id, meta } = JSON.parse(text) as {
      resourceType: string;
      id: string;
      meta: { versionId: string };
    };
    const key = `${resourceType}/${id}/${meta.versionId}`;
    if (told.versions.has(key)) throw new Error(`${key} was acknowledged twice`);
    told.versions.set(key, text);
    return { id, version: Number(meta.versionId) };
  }

  const steps: (() => Promise<Answer | undefined>)[] = [
    async function createObservation() {
      const answer = await call('POST', '/fhir/Observation', observation(client, mark()));
      if (answer?.status === 201) client.observation = acknowledge(answer);
      return answer;
    },
    async function updateObservation() {
      const before = client.observation;
      if (before === undefined) return { status: 200, text: '' };
      const answer = await call('PUT', `/fhir/Observation/${before.id}`, {
        id: before.id,
        ...observation(client, mark()),
      });
      if (answer?.status !== 200) return answer;
      const { version } = acknowledge(answer);
      if (version <= before.version) throw new Error(`version ${version} came after ${before.version}: one was lost`);
      before.version = version;
      return answer;
    },
    async function bundle() {
      const value = mark(3);
      const entry = [1, 2, 3].map(() => ({
        request: { method: 'POST', url: 'Observation' },
        resource: observation(client, value),
      }));
      const answer = await call('POST', '/fhir', { resourceType: 'Bundle', type: 'transaction', entry });
      if (answer?.status === 200) told.bundles.add(value);
      return answer;
    },
    async function transaction() {
      const { chain, signer } = client;
      const account = bytesToHex(randomBytes(16));
      const message = { type: 'practitioner.register', account, roleCodes: [] };
      const wire = await signTransaction({ chain, message, nowMs: Date.now() }, signer);
      const id = parseTransaction(wire)?.id ?? '';
      const answer = await call(
        'POST',
        '/ledger/transactions',
        { wire: bytesToBase64url(wire) },
        { 'content-type': 'application/json' },
      );
      if (answer?.status !== 200) return answer;
      const { outcome } = JSON.parse(answer.text) as { outcome: { id: string } };
      if (outcome.id !== id) throw new Error('the outcome is another transaction’s');
      told.committed.add(id);
      return answer;
    },
    async function read() {
      const { observation: known } = client;
      if (known === undefined) return { status: 200, text: '' };
      const answer = await call('GET', `/fhir/Observation/${known.id}/_history/${known.version}`);
      if (answer?.status === 200) told.reads.push(`Observation/${known.id}/${known.version}`);
      return answer;
    },
  ];

  for (;;) {
    if (client.patient === undefined || client.step % 40 === 39) {
      const answer = await call('POST', '/fhir/Patient', { resourceType: 'Patient', identifier: [{ value: mark() }] });
      if (answer === undefined) return;
      requireGood(answer);
      client.patient = acknowledge(answer).id;
      client.step++;
      continue;
    }
    const answer = await (steps[client.step++ % steps.length] as (typeof steps)[number])();
    if (answer === undefined) return;
    requireGood(answer);
    if (answer.text === '') await sleep(1);
  }
}

function requireGood({ status, text }: Answer): void {
  if (status >= 300) throw new Error(`the node refused with ${status}: ${text.slice(0, 500)}`);
}

function observation({ patient }: Client, mark: string): object {
  return {
    resourceType: 'Observation',
    status: 'final',
    identifier: [{ value: mark }],
    code: { text: 'pulse' },
    subject: { reference: `Patient/${patient}` },
    valueQuantity: { value: 60, unit: '/min' },
  };
}
