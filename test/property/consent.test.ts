import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecisionRequest, decide } from '../../src/capabilities/consent/contract/decide.ts';
import { matchesScope, type ScopeFacts, type VersionFacts } from '../../src/capabilities/consent/contract/match.ts';
import { type Policy, policyFault } from '../../src/capabilities/consent/contract/policy.ts';
import { oracleDecides } from './consent-oracle.ts';
import { createDraw, type Draw, randomPolicy, randomRequest, randomScope, randomVersion } from './consent-random.ts';

const RUNS = process.env.ACESO_LONG === '1' ? 2_000_000 : 100_000;
const LAW_RUNS = RUNS / 10;

function randomCase(draw: Draw): { policies: Policy[]; versions: VersionFacts[]; request: DecisionRequest } {
  const policies = Array.from({ length: draw.below(5) }, (_, n) => randomPolicy(draw, n));
  const versions = Array.from({ length: 1 + draw.below(3) }, () => randomVersion(draw));
  return { policies, versions, request: randomRequest(draw, versions) };
}

test(`decide agrees with the second implementation over ${RUNS} random policies and requests`, () => {
  const draw = createDraw(1);
  const seen = { permit: 0, deny: 0, withheld: 0 };
  for (let run = 0; run < RUNS; run++) {
    const { policies, versions, request } = randomCase(draw);
    const decision = decide(policies, request);
    const expected = versions.map((version) => oracleDecides(policies, request, version));
    const actual = decision.versions.map((version) => version.decision);
    if (actual.join() !== expected.join())
      assert.deepEqual(actual, expected, `run ${run}: ${JSON.stringify({ policies, request })}`);
    const isPermitted = expected.includes('permit');
    if ((decision.decision === 'permit') !== isPermitted)
      assert.fail(`run ${run}: the whole differs from its versions`);
    seen[decision.decision] += 1;
    if (isPermitted && expected.includes('deny')) seen.withheld += 1;
  }
  // The cases are worth something only when all outcomes occur often.
  for (const [what, count] of Object.entries(seen)) assert.ok(count > RUNS / 50, `${what}: ${count} of ${RUNS}`);
});

test('random policies are of sound form', () => {
  const draw = createDraw(2);
  for (let run = 0; run < 5_000; run++) assert.equal(policyFault(randomPolicy(draw, run)), undefined);
});

test('law: another deny policy never turns a deny into a permit', () => {
  const draw = createDraw(3);
  for (let run = 0; run < LAW_RUNS; run++) {
    const { policies, request } = randomCase(draw);
    // A slot of its own, since superseding a denial may well permit; no exceptions, since those of a deny permit.
    const added: Policy = { ...randomPolicy(draw, 99), sense: 'deny', exceptions: [], scope: 'adr', sequence: 50 };
    const before = decide(policies, request).versions;
    const after = decide([...policies, added], request).versions;
    for (const [i, version] of before.entries()) {
      if (version.decision === 'deny') assert.equal(after[i]?.decision, 'deny', `run ${run}`);
    }
  }
});

test('law: what is permitted by consent alone is not permitted without any', () => {
  const draw = createDraw(4);
  for (let run = 0; run < LAW_RUNS; run++) {
    const { request } = randomCase(draw);
    const decision = decide([], request);
    assert.equal(decision.decision, decision.rules[0] === 'default:no-permit' ? 'deny' : 'permit');
    if (request.relation === 'other') assert.equal(decision.decision, 'deny');
  }
});

test('law: after the end of every policy nothing is permitted, whatever came before', () => {
  const draw = createDraw(5);
  for (let run = 0; run < LAW_RUNS; run++) {
    const { policies, request } = randomCase(draw);
    const ending = policies.map((policy, n) => ({
      ...policy,
      sequence: n,
      root: { ...policy.root, periodToMs: Math.max(5, policy.root.periodFromMs ?? 0) },
    }));
    const late = { ...request, relation: 'other', atMs: 1_000 } as DecisionRequest;
    assert.equal(decide(ending, late).decision, 'deny', `run ${run}`);
  }
});

test('law: an unknown purpose is denied', () => {
  const draw = createDraw(6);
  for (let run = 0; run < 2_000; run++) {
    const { policies, request } = randomCase(draw);
    for (const purpose of ['treat', 'XYZ', '', 'constructor', '__proto__']) {
      const decision = decide(policies, { ...request, purpose } as DecisionRequest);
      assert.deepEqual([decision.decision, decision.rules], ['deny', ['default:purpose-unknown']]);
    }
  }
});

test('law: the order of the policies changes no decision', () => {
  const draw = createDraw(7);
  for (let run = 0; run < LAW_RUNS; run++) {
    const { policies, request } = randomCase(draw);
    const there = decide(policies, request);
    const back = decide([...policies].reverse(), request);
    assert.deepEqual([...back.rules].sort(), [...there.rules].sort());
    assert.equal(back.decision, there.decision);
  }
});

/** Whether a version is among those that a scope asks for, and carries no tags beyond those asked for. */
function isInScope(version: VersionFacts, scope: ScopeFacts): boolean {
  for (const name of ['categoryTags', 'labelTags', 'dataTags'] as const) {
    const [asked, has] = [scope[name], version[name]];
    if (asked !== undefined && (has.length === 0 || !has.every((tag) => asked.includes(tag)))) return false;
  }
  if (scope.authoredFromMs === undefined && scope.authoredToMs === undefined) return true;
  if (version.authoredMs === undefined) return false;
  return version.authoredMs >= (scope.authoredFromMs ?? 0) && version.authoredMs <= (scope.authoredToMs ?? 99);
}

test('law: what validators deny for a scope the custodian denies for every version in it', () => {
  const draw = createDraw(8);
  let compared = 0;
  let narrowed = 0;
  for (let run = 0; run < LAW_RUNS; run++) {
    const { policies, versions, request } = randomCase(draw);
    const scope = randomScope(draw);
    const inside = versions.filter((version) => isInScope(version, scope));
    const { versions: _, ...asker } = request;
    const atValidators = decide(policies, { ...asker, scope } as DecisionRequest);
    if (inside.length === 0) continue;
    const atCustodian = decide(policies, { ...request, versions: inside } as DecisionRequest);
    if (atValidators.decision === 'deny') {
      compared += 1;
      assert.equal(atCustodian.decision, 'deny', `run ${run}: ${JSON.stringify({ policies, request, scope })}`);
    } else if (atCustodian.decision === 'deny') narrowed += 1;
  }
  assert.ok(compared > LAW_RUNS / 20 && narrowed > 0, `${compared} denied, ${narrowed} narrowed`);
});

test('a deny covers a scope only when it covers all of it', () => {
  const [a, b] = ['a'.repeat(32), 'b'.repeat(32)];
  assert.equal(matchesScope({ labelTags: [a] }, 'deny', { labelTags: [a, b] }), false);
  assert.equal(matchesScope({ labelTags: [a] }, 'permit', { labelTags: [a, b] }), true);
  assert.equal(matchesScope({ labelTags: [a, b] }, 'deny', { labelTags: [a] }), true);
  assert.equal(matchesScope({ labelTags: [a] }, 'deny', {}), false);
});
