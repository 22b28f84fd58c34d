import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { type Cells, type Reply, requireSame } from './access-matrix-cells.ts';
import { sees } from './access-matrix-sight.ts';
import { type ConsentState, idOf, type MatrixCaller, type MatrixWorld } from './access-matrix-world.ts';

/* What is given later than it is asked for: events of subscriptions, and files of exports. */

const FHIR = { 'content-type': 'application/fhir+json' };
const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
/** How often an answer is looked at anew before it counts as never coming. */
const MOST_LOOKS = 400;
const PAUSE_MS = 25;

export interface Subscribed {
  readonly owner: MatrixCaller;
  readonly id: string;
}

/** Those who may subscribe, each to all observations, in full. */
export async function subscribe(world: MatrixWorld, { send }: Cells): Promise<readonly Subscribed[]> {
  const owners = world.callers.filter(
    ({ name }) => name === 'physician' || /patient\/\*\.cruds|user\/\*\.cruds/.test(name),
  );
  assert.equal(owners.length, 3);
  const subscription = {
    ...{ resourceType: 'Subscription', status: 'requested', reason: 'matrix', criteria: 'urn:aceso:topic:observation' },
    channel: {
      ...{ type: 'websocket', payload: 'application/fhir+json' },
      _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: 'full-resource' }] },
    },
  };
  return Promise.all(
    owners.map(async (owner) => {
      const made = await send(owner, { method: 'POST', path: '/fhir/Subscription', headers: FHIR, body: subscription });
      assert.equal(made.status, 201, made.text);
      return { owner, id: made.json.id as string };
    }),
  );
}

/** Whatever others ask about a subscription is answered as for one that never was. */
export async function checkOthersSubscriptions(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
): Promise<void> {
  const never = '00000000-0000-4000-8000-000000000000';
  for (const { owner, id } of subscribed)
    for (const operation of ['$status', '$events', '$get-ws-binding-token'])
      for (const caller of world.callers.filter((one) => !isSame(one, owner) && one.isAdministrator !== true))
        await cell(`Subscription/${operation} of ${owner.name} as ${caller.name}`, async () => {
          const ask = (of: string) => send(caller, { method: 'GET', path: `/fhir/Subscription/${of}/${operation}` });
          const [reply, absent] = [await ask(id), await ask(never)];
          assert.equal(reply.status, caller.custodian === undefined ? 401 : 404);
          requireSame(reply, id, absent, never);
        });
}

/** The same person by the same app: what one token began is the other's too, as far as that one's scopes go. */
function isSame(one: MatrixCaller, other: MatrixCaller): boolean {
  return one === other || (one.app !== undefined && one.app === other.app);
}

/** Another token of an owner's app, with fewer scopes, is told no more than those let it see. */
export async function checkNarrowerTokens(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
): Promise<void> {
  for (const { owner, id } of subscribed)
    for (const caller of world.callers.filter((one) => one !== owner && isSame(one, owner))) {
      const ask = (operation: string) => send(caller, { method: 'GET', path: `/fhir/Subscription/${id}/${operation}` });
      await cell(`Subscription/$events of ${owner.name} as ${caller.name}`, async () => {
        assert.doesNotMatch((await ask('$events?content=full-resource')).text, /EVENT-|matrix-/);
      });
      // What comes by a websocket is what its owner may see, with the scopes that the subscription was made with.
      await cell(`Subscription/$get-ws-binding-token of ${owner.name} as ${caller.name}`, async () => {
        assert.notEqual((await ask('$get-ws-binding-token')).status, 200);
      });
    }
}

/**
 * Writes an observation of A, one of B and one of nobody, in this order, and waits until each owner is told of the last:
 * events come in order, so whatever was to be told of the others is told by then. Neither a number, nor an id, nor a text
 * tells of what the owner may not see.
 */
export async function checkEvents(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
  state: ConsentState,
): Promise<void> {
  const administrator = world.callers.find(({ name }) => name === 'administrator') as MatrixCaller;
  const before = await Promise.all(subscribed.map(async (one) => countOf(await eventsOf(one))));
  for (const owner of ['a', 'b', 'own'] as const) {
    const subject = owner === 'own' ? {} : { subject: { reference: `Patient/${idOf(owner, 'Patient')}` } };
    const code = { text: markerOf(owner) };
    const body = { resourceType: 'Observation', status: 'final', code, ...subject };
    const made = await send(administrator, { method: 'POST', path: '/fhir/Observation', headers: FHIR, body });
    assert.equal(made.status, 201, made.text);
  }
  for (const [index, one] of subscribed.entries())
    await cell(`${state}: events of ${one.owner.name}`, async () => {
      let reply = await eventsOf(one);
      for (let looks = 0; !reply.text.includes(markerOf('own')); looks++) {
        assert.ok(looks < MOST_LOOKS, 'the last event never came');
        await wait(PAUSE_MS);
        reply = await eventsOf(one);
      }
      const told = (['a', 'b', 'own'] as const).filter((owner) => reply.text.includes(markerOf(owner)));
      const expected = (['a', 'b', 'own'] as const).filter((owner) =>
        sees(one.owner, { owner, type: 'Observation' }, state, 'r'),
      );
      assert.deepEqual(told, expected);
      assert.equal(countOf(reply) - (before[index] as number), expected.length, 'events that are counted');
    });

  function markerOf(owner: string): string {
    return `EVENT-${state}-${owner}-TNEVE`;
  }
  function eventsOf({ owner, id }: Subscribed): Promise<Reply> {
    return send(owner, { method: 'GET', path: `/fhir/Subscription/${id}/$events?content=full-resource` });
  }
}

function countOf({ json }: Reply): number {
  const { parameter } = json.entry[0].resource as { parameter: { name: string; valueString?: string }[] };
  return Number(parameter.find(({ name }) => name === 'events-since-subscription-start')?.valueString);
}

/** Exports hold what may be searched for, and what they are and hold is the beginner's alone. */
export async function checkExports(world: MatrixWorld, { send, cell }: Cells, state: ConsentState): Promise<void> {
  const beginners = world.callers.filter(({ name }) =>
    /^physician$|patient\/\*\.rs|user\/\*\.cruds|another organisation/.test(name),
  );
  await Promise.all(
    beginners.map((caller) =>
      cell(`${state}: Patient/$export as ${caller.name}`, async () => {
        const headers = { prefer: 'respond-async', accept: 'application/fhir+json' };
        const path = '/fhir/Patient/$export?_type=Patient,Observation,Encounter,Condition';
        const begun = await send(caller, { method: 'GET', path, headers });
        assert.equal(begun.status, 202, begun.text);
        const job = new URL(begun.location).pathname;
        const manifest = await ended(caller, job);
        const files = (manifest.json.output as { url: string }[]).map(({ url }) => new URL(url).pathname);
        const texts = await Promise.all(files.map((file) => send(caller, { method: 'GET', path: file })));
        const shown = world.planted.filter(({ marker }) => texts.some(({ text }) => text.includes(marker)));
        const expected = world.planted.filter(
          (one) => one.owner !== 'own' && !one.isDeleted && sees(caller, one, state, 's'),
        );
        assert.deepEqual(new Set(shown), new Set(expected));
        await requireOthersExcluded(caller, job, files);
        await send(caller, { method: 'DELETE', path: job });
      }),
    ),
  );

  async function ended(caller: MatrixCaller, job: string): Promise<Reply> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const reply = await send(caller, { method: 'GET', path: job });
      if (reply.status === 200) return reply;
      assert.ok(reply.status === 202 || reply.status === 429, reply.text);
      await wait(10 * PAUSE_MS);
    }
    throw new Error('the export never ended');
  }

  async function requireOthersExcluded(beginner: MatrixCaller, job: string, files: readonly string[]): Promise<void> {
    const id = job.split('/').at(-1) ?? '';
    const never = '0'.repeat(id.length);
    const asked = [['GET', job], ['DELETE', job], ...files.map((file) => ['GET', file])] as [string, string][];
    for (const caller of world.callers.filter((one) => one !== beginner && one.custodian !== undefined))
      for (const [method, path] of asked) {
        if (path === job && isSame(caller, beginner)) continue;
        const reply = await send(caller, { method, path });
        const absent = await send(caller, { method, path: path.replace(id, never) });
        assert.equal(reply.status, 404, `${method} ${path} as ${caller.name}`);
        requireSame(reply, id, absent, never);
      }
  }
}
