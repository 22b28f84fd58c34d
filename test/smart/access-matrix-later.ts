import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { type Cells, type Reply, requireSame, type Sent } from './access-matrix-cells.ts';
import { sees } from './access-matrix-sight.ts';
import {
  ABOUT_OTHERS,
  type ConsentState,
  idOf,
  type MatrixCaller,
  type MatrixWorld,
  type Owner,
} from './access-matrix-world.ts';

/* What is given later than it is asked for: events of subscriptions, and files of exports. */

const FHIR = { 'content-type': 'application/fhir+json' };
const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const EVENT_OWNERS: readonly Owner[] = ['a', 'b', 'own'];
/** How often an answer is looked at anew before it counts as never coming. */
const MOST_LOOKS = 400;
const PAUSE_MS = 25;

const SUBSCRIPTION = {
  ...{ resourceType: 'Subscription', status: 'requested', reason: 'matrix', criteria: 'urn:aceso:topic:observation' },
  channel: {
    ...{ type: 'websocket', payload: 'application/fhir+json' },
    _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: 'full-resource' }] },
  },
};

export interface Subscribed {
  readonly owner: MatrixCaller;
  readonly id: string;
}

/** Those who may subscribe, each to all observations, in full. */
export async function subscribe(world: MatrixWorld, { send }: Cells): Promise<readonly Subscribed[]> {
  const owners = world.callers.filter(({ name }) =>
    /^physician$|^patient [AB]$|(?:patient|user)\/\*\.cruds|patient\/Subscription\.cruds/.test(name),
  );
  assert.equal(owners.length, 7);
  return Promise.all(
    owners.map(async (owner) => {
      const made = await send(owner, { method: 'POST', path: '/fhir/Subscription', headers: FHIR, body: SUBSCRIPTION });
      assert.equal(made.status, 201, made.text);
      return { owner, id: made.json.id as string };
    }),
  );
}

/** Interactions with one subscription that patients, and others about patients', are answered as for one that never was. */
const INTERACTIONS: readonly (readonly [method: string, path: (id: string) => string])[] = [
  ['GET', (id) => `Subscription/${id}`],
  ['HEAD', (id) => `Subscription/${id}`],
  ['GET', (id) => `Subscription/${id}/_history`],
  ['GET', (id) => `Subscription/${id}/_history/1`],
  ['GET', (id) => `Subscription/${id}/$receipt`],
  ['GET', (id) => `Subscription?_id=${id}&_total=accurate`],
  ['PUT', (id) => `Subscription/${id}`],
  ['PUT', (id) => `Subscription?_id=${id}`],
  ['PATCH', (id) => `Subscription/${id}`],
  ['DELETE', (id) => `Subscription/${id}`],
  ['DELETE', (id) => `Subscription?_id=${id}`],
];

/** What is sent with them: valid, so that a refusal is for whose it is. */
function sentWith(method: string, id: string): Pick<Sent, 'headers' | 'body'> {
  if (method === 'PUT') return { headers: FHIR, body: { ...SUBSCRIPTION, id } };
  if (method !== 'PATCH') return {};
  const body = [{ op: 'replace', path: '/reason', value: 'patched' }];
  return { headers: { 'content-type': 'application/json-patch+json' }, body };
}

/** Patients are told of nobody's subscriptions but their own, and nobody of a patient's: not by any interaction. */
export async function checkInteractions(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
): Promise<void> {
  const never = '00000000-0000-4000-8000-000000000000';
  for (const { owner, id } of subscribed)
    for (const caller of world.callers.filter((one) => !isSame(one, owner) && one.isAdministrator !== true)) {
      if (owner.patient === undefined && caller.patient === undefined) continue;
      for (const [method, path] of INTERACTIONS)
        await cell(`${method} ${path('…')} of ${owner.name} as ${caller.name}`, async () => {
          const ask = (of: string) => send(caller, { method, path: `/fhir/${path(of)}`, ...sentWith(method, of) });
          const [reply, absent] = [await ask(id), await ask(never)];
          const isFound = method === 'GET' && path(id).includes('?');
          const isDone = (method === 'DELETE' && path(id).includes('?')) || isFound;
          if (!isDone) assert.ok(reply.status >= 400, String(reply.status));
          if (isFound && reply.status === 200) assert.equal(reply.json.total, 0);
          requireSame(reply, id, absent, never);
        });
    }
  for (const { owner, id } of subscribed)
    await cell(`Subscription of ${owner.name} is as it was`, async () => {
      const { json } = await send(owner, { method: 'GET', path: `/fhir/Subscription/${id}` });
      assert.equal(json.reason, SUBSCRIPTION.reason);
    });
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
 * Writes an observation of A, one of B and one of nobody, and all three once more; waits until each owner is told of the
 * last that it may see: events come in order, so whatever was to be told of the first three is told by then. Neither a
 * number, nor an id, nor a text tells of what the owner may not see.
 */
export async function checkEvents(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
  state: ConsentState,
): Promise<void> {
  const administrator = world.callers.find(({ name }) => name === 'administrator') as MatrixCaller;
  const before = await Promise.all(subscribed.map(async (one) => countOf(await eventsOf(one))));
  for (const round of ['FIRST', 'LAST'] as const)
    for (const owner of EVENT_OWNERS) {
      const subject = owner === 'own' ? {} : { subject: { reference: `Patient/${idOf(owner, 'Patient')}` } };
      const code = { text: markerOf(round, owner) };
      const body = { resourceType: 'Observation', status: 'final', code, ...subject };
      const made = await send(administrator, { method: 'POST', path: '/fhir/Observation', headers: FHIR, body });
      assert.equal(made.status, 201, made.text);
    }
  // Whom nothing is told of has no last one: all others are asked before.
  const inOrder = [...subscribed.entries()].sort(([, one], [, other]) => toldOf(other).length - toldOf(one).length);
  for (const [index, one] of inOrder)
    await cell(`${state}: events of ${one.owner.name}`, async () => {
      const expected = toldOf(one);
      const last = expected.at(-1);
      let reply = await eventsOf(one);
      for (let looks = 0; last !== undefined && !reply.text.includes(markerOf('LAST', last)); looks++) {
        assert.ok(looks < MOST_LOOKS, 'the last event never came');
        await wait(PAUSE_MS);
        reply = await eventsOf(one);
      }
      for (const round of ['FIRST', 'LAST'] as const) {
        const told = EVENT_OWNERS.filter((owner) => reply.text.includes(markerOf(round, owner)));
        assert.deepEqual(told, expected);
      }
      assert.equal(countOf(reply) - (before[index] as number), 2 * expected.length, 'events that are counted');
    });

  function toldOf({ owner: caller }: Subscribed): readonly Owner[] {
    return EVENT_OWNERS.filter((owner) => sees(caller, { owner, type: 'Observation' }, state, 'r'));
  }
  function markerOf(round: string, owner: string): string {
    return `EVENT-${state}-${round}-${owner}-TNEVE`;
  }
  function eventsOf({ owner, id }: Subscribed): Promise<Reply> {
    return send(owner, { method: 'GET', path: `/fhir/Subscription/${id}/$events?content=full-resource` });
  }
}

function countOf({ json }: Reply): number {
  const { parameter } = json.entry[0].resource as { parameter: { name: string; valueString?: string }[] };
  return Number(parameter.find(({ name }) => name === 'events-since-subscription-start')?.valueString);
}

/** That of the whole system is not for patients, nor for apps that are about one. */
const EXPORTS: readonly (readonly [level: string, types: readonly string[]])[] = [
  ['Patient/$export', ['Patient', 'Observation', 'Encounter', 'Condition']],
  ['$export', ['Practitioner', ...ABOUT_OTHERS]],
];

/** Exports hold what may be searched for, and what they are and hold is the beginner's alone. */
export async function checkExports(
  world: MatrixWorld,
  { send, cell }: Cells,
  subscribed: readonly Subscribed[],
  state: ConsentState,
): Promise<void> {
  const beginners = world.callers.filter(({ name }) =>
    /^physician$|^patient A.s app.*\*\.cruds|patient\/\*\.rs|user\/\*\.cruds|another organisation/.test(name),
  );
  const all = beginners.flatMap((caller) =>
    EXPORTS.filter(([level]) => level !== '$export' || (caller.patient ?? caller.context) === undefined).map(
      ([level, types]) => ({ caller, level, types }),
    ),
  );
  await Promise.all(
    all.map(({ caller, level, types }) =>
      cell(`${state}: ${level} as ${caller.name}`, async () => {
        const headers = { prefer: 'respond-async', accept: 'application/fhir+json' };
        const path = `/fhir/${level}?_type=${types.join(',')}`;
        const begun = await send(caller, { method: 'GET', path, headers });
        assert.equal(begun.status, 202, begun.text);
        const job = new URL(begun.location).pathname;
        const manifest = await ended(caller, job);
        const files = (manifest.json.output as { url: string }[]).map(({ url }) => new URL(url).pathname);
        const texts = await Promise.all(files.map((file) => send(caller, { method: 'GET', path: file })));
        const shown = world.planted.filter(({ marker }) => texts.some(({ text }) => text.includes(marker)));
        const expected = world.planted.filter(
          (one) => types.includes(one.type) && !one.isDeleted && sees(caller, one, state, 's'),
        );
        assert.deepEqual(new Set(shown), new Set(expected));
        await requireOthersExcluded(caller, job, files);
        await send(caller, { method: 'DELETE', path: job });
      }),
    ),
  );

  const physician = world.callers.find(({ name }) => name === 'physician') as MatrixCaller;
  await cell(`${state}: $export of Subscriptions as physician`, async () => {
    const headers = { prefer: 'respond-async', accept: 'application/fhir+json' };
    const begun = await send(physician, { method: 'GET', path: '/fhir/$export?_type=Subscription', headers });
    assert.equal(begun.status, 202, begun.text);
    const job = new URL(begun.location).pathname;
    const files = ((await ended(physician, job)).json.output as { url: string }[]).map(({ url }) => new URL(url));
    const texts = await Promise.all(files.map(({ pathname }) => send(physician, { method: 'GET', path: pathname })));
    const listed = subscribed.filter(({ id }) => texts.some(({ text }) => text.includes(id)));
    assert.deepEqual(
      listed.map(({ owner }) => owner.name),
      ['physician'],
    );
    await send(physician, { method: 'DELETE', path: job });
  });

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
