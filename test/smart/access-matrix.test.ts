import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { createCells, type Reply, requireSame, requireUnseen, type Sent } from './access-matrix-cells.ts';
import { FHIR_ROWS, type FhirRow, OTHER_OPERATIONS, passesScope, statedInteractions } from './access-matrix-fhir.ts';
import {
  checkEvents,
  checkExports,
  checkInteractions,
  checkNarrowerTokens,
  checkOthersSubscriptions,
  subscribe,
} from './access-matrix-later.ts';
import { letsIn, ROUTES, requestOf } from './access-matrix-routes.ts';
import { sees } from './access-matrix-sight.ts';
import {
  ABOUT_OTHERS,
  type ConsentState,
  createMatrixWorld,
  idOf,
  type MatrixCaller,
  type Planted,
} from './access-matrix-world.ts';

/*
 * Who sees what: each registered route and each interaction of the capability statement, by each kind of caller, about
 * one's own and others' records, deleted ones and such as never were, in each state of a patient's consent. What is
 * expected is computed from what the callers and the rows are; a route or an operation without a row fails by its name.
 *
 * What may not be seen is compared with what never was: status, headers with their values, and body, but for the id that
 * was asked for and what differs between any two requests. So how a refusal came about cannot be told from it.
 */

before(() => loadDefinitions());

test('access matrix', async (t) => {
  const world = await createMatrixWorld(t);
  const cells = createCells(world);
  const { send, cell } = cells;
  const never = new Map<string, Reply>();

  const fhirSent = (row: FhirRow, about: Planted): Sent => ({
    method: row.method,
    path: `/fhir/${row.path(about)}`,
    ...(row.headers === undefined ? {} : { headers: row.headers(about) }),
    ...(row.body === undefined ? {} : { body: row.body(about) }),
  });

  async function requireAsNever(caller: MatrixCaller, row: FhirRow, about: Planted, reply: Reply): Promise<void> {
    const absent = { ...about, owner: 'never', id: idOf('never', about.id.split('-')[2] ?? '') } as const;
    const key = `${caller.name} ${row.name} ${absent.type} ${absent.id}`;
    const known = never.get(key) ?? (await send(caller, fhirSent(row, absent)));
    never.set(key, known);
    requireSame(reply, about.id, known, absent.id);
  }

  async function fhirCell(caller: MatrixCaller, row: FhirRow, about: Planted, state: ConsentState): Promise<void> {
    const asked = fhirSent(row, about);
    const reply = await send(caller, asked);
    const { status } = reply;
    if (caller.custodian === undefined) return assert.equal(status, 401);
    const isSeen = (one: Planted) => sees(caller, one, state, row.shows);
    const hidden = world.planted.filter((one) => !isSeen(one));
    requireUnseen(
      reply,
      hidden.filter(({ owner }) => owner !== 'own' && !isSeenAtAll(caller, owner, state)),
      JSON.stringify(asked),
    );
    for (const { marker } of hidden) assert.ok(!reply.text.includes(marker), `shows ${marker}`);
    if (!passesScope(caller, row, about)) {
      if (row.path(about) !== '') assert.equal(status, 403);
      return requireAsNever(caller, row, about, reply);
    }
    const isDeletion = about.isDeleted && !row.path(about).includes('/_history');
    const isShown = sees(caller, about, state, row.shows, isDeletion ? 'deletion' : 'content');
    if (row.answers === 'refused') {
      if (!isShown) await requireAsNever(caller, row, about, reply);
    } else if (row.answers === 'list') {
      assert.equal(status, 200, reply.text);
      const listed = world.planted.filter((one) => row.lists?.(one, about, isSeen) === true && isSeen(one));
      if (row.lists !== undefined) {
        const shown = world.planted.filter(({ marker }) => reply.text.includes(marker));
        assert.deepEqual(new Set(shown.map(({ marker }) => marker)), new Set(listed.map(({ marker }) => marker)));
      }
      const counted = world.planted.filter((one) => one.type === row.counts && !one.isDeleted && isSeen(one));
      if (row.counts !== undefined) assert.equal(reply.json.total, counted.length, 'total');
      if (!isShown && JSON.stringify(asked).includes(about.id)) await requireAsNever(caller, row, about, reply);
    } else if (!isShown) {
      if (row.name !== 'read in a transaction') assert.equal(status, 404, reply.text);
      await requireAsNever(caller, row, about, reply);
    } else if (row.answers === 'it') {
      assert.equal(status, isDeletion ? 410 : 200, reply.text);
      if (!isDeletion) assert.ok(reply.text.includes(about.marker), 'shows it');
    } else assert.notEqual(status, 404);
  }

  function isSeenAtAll(caller: MatrixCaller, owner: Planted['owner'], state: ConsentState): boolean {
    return world.planted.some((one) => one.owner === owner && ['r', 's'].some((p) => sees(caller, one, state, p)));
  }

  await t.test('each route and each interaction has a row', async () => {
    const missing = world.routes.filter((route) => ROUTES[route] === undefined);
    assert.deepEqual(missing, [], 'routes without a row in access-matrix-routes.ts');
    assert.deepEqual(
      Object.keys(ROUTES).filter((route) => !world.routes.includes(route)),
      [],
      'rows without a route',
    );
    const statement = await (await fetch(`${world.node.fhirUrl}/metadata`)).json();
    const stated = statedInteractions(statement as Parameters<typeof statedInteractions>[0]);
    const covered = new Set([...FHIR_ROWS.flatMap(({ covers }) => covers), ...Object.keys(OTHER_OPERATIONS)]);
    assert.deepEqual(
      stated.filter((one) => !covered.has(one)),
      [],
      'interactions without a row',
    );
    assert.ok(stated.length > 20);
  });

  await t.test('routes of the node let in whom they are for, and tell others nothing', async () => {
    for (const [pattern, row] of Object.entries(ROUTES)) {
      if (row.entry === 'unasked') continue;
      const first = await send(world.callers[1] as MatrixCaller, jsonOf(requestOf(row, pattern, 'a')));
      for (const caller of world.callers)
        for (const owner of ['a', 'b'] as const) {
          const { isAboutPatient, ...asked } = requestOf(row, pattern, owner);
          if (owner === 'b' && !isAboutPatient) continue;
          const isIn = letsIn(row, caller, owner);
          if (isIn && row.isAct === true) continue;
          await cell(`${pattern} as ${caller.name} about ${owner}`, async () => {
            const reply = await send(caller, jsonOf(asked));
            const about = JSON.stringify(asked);
            requireUnseen(reply, isIn ? [] : world.planted.filter((one) => one.owner !== 'own'), about);
            if (row.entry === 'proof' && caller.token === undefined) assert.ok(reply.status >= 300, `${reply.status}`);
            else if (row.entry === 'proof') {
              requireSame(reply, idOf(owner, 'Patient'), first, idOf('a', 'Patient'));
            } else if (isIn)
              assert.ok(![401, 403].includes(reply.status), `${reply.status} ${reply.text.slice(0, 200)}`);
            else if (caller.custodian === undefined || (caller.scopes !== undefined && row.isKnownToApps !== true))
              assert.equal(reply.status, 401);
            else {
              assert.ok((row.refused ?? [403]).includes(reply.status), `${reply.status} ${reply.text.slice(0, 200)}`);
            }
            const isElsewhere = caller.custodian === 'elsewhere';
            if (isAboutPatient && (!isIn || isElsewhere)) {
              const absent = await send(caller, jsonOf(requestOf(row, pattern, 'never')));
              requireSame(reply, idOf(owner, 'Patient'), absent, idOf('never', 'Patient'));
            }
          });
        }
    }
  });

  for (const state of ['none', 'deny', 'permit'] as const) {
    await t.test(`interactions of the FHIR service, consents of patient A: ${state}`, async () => {
      await world.decide(state);
      // What others' consents do not reach was looked at in the first state.
      const planted = world.planted.filter(({ owner }) => state === 'none' || owner !== 'b');
      const callers = world.callers.filter(({ custodian }) => state === 'none' || custodian === 'here');
      for (const row of FHIR_ROWS) {
        const abouts = planted.filter(
          (one) => (row.of?.(one) ?? true) && (row.everyType === true || !ABOUT_OTHERS.includes(one.type)),
        );
        const [first] = abouts;
        for (const about of abouts)
          await Promise.all(
            callers
              .filter((caller) => row.by?.(caller, about) ?? true)
              // Who is nobody is so about everything.
              .filter(({ custodian }) => custodian !== undefined || about === first)
              .map((caller) =>
                cell(`${state}: ${row.name} of ${about.type} ${about.id} as ${caller.name}`, () =>
                  fhirCell(caller, row, about, state),
                ),
              ),
          );
      }
    });
  }

  await t.test('events of subscriptions, and files of exports', async () => {
    const subscribed = await subscribe(world, cells);
    await checkOthersSubscriptions(world, cells, subscribed);
    for (const state of ['none', 'deny', 'permit'] as const) {
      await world.decide(state);
      await checkEvents(world, cells, subscribed, state);
      if (state === 'none') await checkNarrowerTokens(world, cells, subscribed);
      if (state === 'none') await checkInteractions(world, cells, subscribed);
      await checkExports(world, cells, subscribed, state);
    }
  });

  await t.test('nothing was changed by who may not, or by a write of another version than there is', async () => {
    await world.decide('none');
    for (const one of world.planted)
      await cell(`${one.id} is as it was`, async () => {
        const { json } = await world.node.fhir(world.node.admin, `${one.type}/${one.id}/_history`);
        assert.equal(json.entry.length, one.isDeleted ? 2 : 1);
      });
  });

  await t.test('no cell leaks', () => {
    t.diagnostic(`${cells.count()} cells`);
    assert.deepEqual(cells.leaks, []);
  });
});

function jsonOf({ method, path, body }: { method: string; path: string; body?: unknown }): Sent {
  return { method, path, body, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' } }) };
}
