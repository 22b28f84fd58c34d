import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { BASE_URL, CUSTODIAN, PHYSICIAN, testPolicy, testRegistration } from '../../test/support/fhir-node.ts';
import { createSpiedVault } from '../../test/support/spied-vault.ts';
import { r4Conformance } from '../fhir/conformance.ts';
import type { FhirServer } from '../fhir/context.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { LIMITS } from '../fhir/limits.ts';
import { logFailure } from '../fhir/log-failure.ts';
import { createFhirPlugin } from '../fhir/plugin.ts';
import { createHttpHost } from '../server/http-host.ts';
import { createRateLimits } from '../server/rate-limit.ts';

/** The FHIR service of a node whose one caller may ask for 10 at once, at a clock that stands still. */
async function limitedFhir(): Promise<FastifyInstance> {
  const vault = await createSpiedVault(CUSTODIAN);
  const limits = createRateLimits({ token: { perSecond: 1, burst: 10 }, clock: () => 0 });
  const host = createHttpHost({ logger: pino({ level: 'silent' }) });
  limits.guard(host);
  const server: FhirServer = {
    ...r4Conformance(await loadDefinitions()),
    ...{ limits: LIMITS, baseUrl: BASE_URL, clock: Date.now },
    ...{ access: testPolicy({}), registration: testRegistration() },
    reportFailure: (error) => logFailure(host.log, error),
  };
  await host.register(
    createFhirPlugin({
      vaultOf: () => vault,
      server: () => server,
      authenticate: limits.limited(async () => PHYSICIAN),
      charge: limits.charge,
    }),
    { prefix: '/fhir' },
  );
  return host;
}

for (const type of ['batch', 'transaction']) {
  test(`a ${type} costs as much as its entries; what is refused then is an OperationOutcome that says when to come again`, async () => {
    const host = await limitedFhir();
    const entry = Array.from({ length: 12 }, () => ({ request: { method: 'GET', url: 'Patient/none' } }));
    const done = await host.inject({
      method: 'POST',
      url: '/fhir',
      headers: { 'content-type': 'application/fhir+json' },
      payload: JSON.stringify({ resourceType: 'Bundle', type, entry }),
    });
    assert.equal(done.statusCode, 200, done.body);
    const refused = await host.inject({ url: '/fhir/Patient/none' });
    assert.equal(refused.statusCode, 429);
    const outcome = refused.json() as {
      resourceType: string;
      issue: { code: string; details: { coding: { code: string }[] } }[];
    };
    assert.equal(outcome.resourceType, 'OperationOutcome');
    assert.equal(outcome.issue[0]?.code, 'throttled');
    assert.equal(outcome.issue[0]?.details.coding[0]?.code, 'RATE_LIMITED');
    // 12 of 10: two are owed, and one is needed.
    assert.equal(refused.headers['retry-after'], '3');
    assert.equal(refused.headers.ratelimit, '"token";r=0;t=3');
    await host.close();
  });
}
