import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  checkEverything,
  checkHistory,
  checkReads,
  checkRefusedWrites,
  checkSearch,
  checkUnseen,
} from './policy-parity-checks.ts';
import { ALL_LIMITS } from './policy-parity-grant.ts';
import { createParityNode, type ParityNode } from './policy-parity-node.ts';
import { question } from './policy-parity-questions.ts';

/*
 * On random stores, users, consents and tokens of apps: what every read, search, include, chain, history and page reveals
 * equals what a plain filter over a plain list allows, by scope and by consent, counts and links included; and the journal
 * tells of exactly that.
 */

const isLong = process.env.ACESO_LONG === '1';
const STORES = isLong ? 10 : 2;
const seed = Number(process.env.ACESO_SEED ?? 1);

for (let at = 0; at < STORES; at++) {
  const storeSeed = seed * 1000 + at;
  test(`what is revealed of store ${storeSeed} is what its consents allow (ACESO_SEED=${seed})`, async (t) => {
    const node: ParityNode = await createParityNode(storeSeed);
    t.after(() => node.close());
    const user = fc.noShrink(fc.nat());
    const parameters = (numRuns: number) => ({ numRuns: isLong ? numRuns * 10 : numRuns, seed: storeSeed });
    await t.test('search', () =>
      fc.assert(
        fc.asyncProperty(user, fc.array(question, { minLength: 1, maxLength: 8 }), async (who, questions) => {
          const view = node.as(who);
          await Promise.all(questions.map((one) => checkSearch(view, one)));
        }),
        parameters(50),
      ),
    );
    await t.test('compartments', () =>
      fc.assert(
        fc.asyncProperty(user, question, fc.constantFrom('r0', 'r1', 'r2', 'r3', 'nobody'), async (who, one, id) => {
          if (['Organization', 'Practitioner', 'Patient'].includes(one.type)) return;
          const condition = ['subject', `Patient/${id}`] as const;
          await checkSearch(node.as(who), one, { path: `Patient/${id}/${one.type}`, condition });
        }),
        parameters(20),
      ),
    );
    await t.test('read and vread', () =>
      fc.assert(
        fc.asyncProperty(user, async (who) => checkReads(node.as(who))),
        parameters(3),
      ),
    );
    await t.test('history', () =>
      fc.assert(
        fc.asyncProperty(user, fc.constantFrom(1, 2, 3, 10, 100), async (who, count) =>
          checkHistory(node.as(who), count),
        ),
        parameters(6),
      ),
    );
    await t.test('$everything', () =>
      fc.assert(
        fc.asyncProperty(user, fc.constantFrom(1, 2, 3, 10, 100), async (who, count) =>
          checkEverything(node.as(who), count),
        ),
        parameters(3),
      ),
    );
    await t.test('what may not be seen looks as if it were not there', () =>
      fc.assert(
        fc.asyncProperty(user, async (who) => checkUnseen(node.as(who))),
        parameters(3),
      ),
    );
    await t.test('a refused write tells nothing of what may not be seen', () =>
      fc.assert(
        fc.asyncProperty(user, async (who) => checkRefusedWrites(node.as(who))),
        parameters(6),
      ),
    );
    await t.test('each limit of a token was met', () => assert.deepEqual([...node.limits].sort(), ALL_LIMITS.sort()));
  });
}
