import { randomUUID } from 'node:crypto';
import type { NodeAddress } from './killed-node.ts';

/** A transaction that was posted, and what must be there of it when any of it is. */
export interface PostedTransaction {
  /** Stands in the text of every version that it writes, but for deletions. */
  readonly mark: string;
  /** Versions with the mark. */
  readonly versions: number;
  /** What it deletes, as `Type/id`. */
  readonly deletes: string | undefined;
  isAcknowledged: boolean;
}

/** A client whose transactions create, update and delete, some with a new patient. */
export interface TransactionClient {
  readonly posted: PostedTransaction[];
  /** Address of a resource of the client's own that each transaction updates. */
  counter: string | undefined;
  patient: string | undefined;
  /** A resource that the next transaction may delete. */
  spare: string | undefined;
}

export function createTransactionClient(): TransactionClient {
  return { posted: [], counter: undefined, patient: undefined, spare: undefined };
}

interface Entry {
  readonly fullUrl?: string;
  readonly request: { readonly method: string; readonly url: string; readonly ifNoneExist?: string };
  readonly resource?: object;
}

/** Posts one transaction after the other until the node is gone; `acknowledged` is called at each that came through. */
export async function runTransactions(
  client: TransactionClient,
  { url, adminTokens }: NodeAddress,
  slug: string,
  random: () => number,
  acknowledged: () => void,
): Promise<void> {
  const headers = {
    authorization: `Bearer ${adminTokens[slug]}`,
    'aceso-purpose': 'TREAT',
    'content-type': 'application/fhir+json',
  };
  for (;;) {
    const mark = randomUUID();
    const isNewPatient = client.patient === undefined || random() < 0.1;
    const entry = entriesOf(client, mark, isNewPatient, 1 + Math.floor(random() * 40));
    const spare = client.spare;
    const deletes = !isNewPatient && spare !== undefined && random() < 0.5 ? spare : undefined;
    const versions = entry.length;
    if (deletes !== undefined) entry.push({ request: { method: 'DELETE', url: deletes } });
    const posted: PostedTransaction = { mark, versions, deletes, isAcknowledged: false };
    client.posted.push(posted);
    let text: string;
    try {
      const body = JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: shuffled(entry, random) });
      const response = await fetch(`${url}/fhir`, {
        method: 'POST',
        headers: { ...headers, prefer: 'return=representation' },
        body,
      });
      text = await response.text();
      if (response.status !== 200)
        throw new TypeError(`the node refused with ${response.status}: ${text.slice(0, 500)}`);
    } catch (error) {
      if (error instanceof TypeError && error.message.startsWith('the node refused')) throw error;
      // Whether it came through is not known, nor what became of what it deletes.
      if (deletes !== undefined) client.spare = undefined;
      return;
    }
    posted.isAcknowledged = true;
    acknowledged();
    if (deletes !== undefined) client.spare = undefined;
    remember(client, text);
  }
}

/** As many Observations as asked for, the client's own updated, and sometimes a patient whom they are about. */
function entriesOf(client: TransactionClient, mark: string, isNewPatient: boolean, count: number): Entry[] {
  const identifier = [{ system: 'urn:mark', value: mark }];
  const fullUrl = `urn:uuid:${randomUUID()}`;
  const subject = { reference: isNewPatient ? fullUrl : (client.patient as string) };
  const resource = { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, identifier, subject };
  const creates = Array.from(
    { length: count },
    (): Entry => ({ request: { method: 'POST', url: 'Observation' }, resource }),
  );
  if (isNewPatient) {
    const request = { method: 'POST', url: 'Patient', ifNoneExist: `identifier=urn:mark|${mark}` };
    creates.push({ fullUrl, request, resource: { resourceType: 'Patient', identifier } });
  } else if (client.counter !== undefined) {
    const id = client.counter.split('/')[1];
    creates.push({ request: { method: 'PUT', url: client.counter }, resource: { ...resource, id } });
  }
  return creates;
}

function remember(client: TransactionClient, text: string): void {
  const { entry } = JSON.parse(text) as {
    entry: { response: { status: string }; resource?: { resourceType: string; id: string } }[];
  };
  const made = entry.flatMap(({ response, resource }) =>
    response.status.startsWith('201') && resource !== undefined ? [resource] : [],
  );
  const patient = made.find(({ resourceType }) => resourceType === 'Patient');
  const [first, second] = made
    .filter(({ resourceType }) => resourceType === 'Observation')
    .map(({ id }) => `Observation/${id}`);
  if (patient !== undefined) client.patient = `Patient/${patient.id}`;
  // Its patient may be another one from now on; the client's own goes on with the newest.
  client.counter = first ?? client.counter;
  client.spare = second;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((value) => [random(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);
}
