import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { subscriptionResource } from '../../test/support/hook-receiver.ts';
import { createHospitalNode, PATIENT } from '../../test/support/hospital-node.ts';
import { CONTEXT } from '../auth/smart/oauth-documents.ts';
import { issueToken } from '../auth/tokens.ts';
import { PRIVACY_OFFICER } from '../capabilities/access/server/access-server.ts';
import { consentReference } from '../capabilities/consent/server/consent-document.ts';
import { registerPractitioner } from '../capabilities/membership/server/registration.ts';
import { r4Conformance } from '../fhir/conformance.ts';
import type { FhirServer } from '../fhir/context.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { LIMITS } from '../fhir/limits.ts';
import { createFhirPlugin } from '../fhir/plugin.ts';
import { submitMessage } from '../ledger/submit-message.ts';
import { createOutgoing } from '../outgoing/create-outgoing.ts';
import { createAuthenticate } from '../server/authenticate.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import { openSubscriptions } from './open-subscriptions.ts';
import { createRolesNow } from './roles-now.ts';

const CLERK = 'urn:test:role|clerk';
/** Of the patient alone: looking at subscriptions is an access too. */
const RESOURCE = subscriptionResource({
  ...{ topic: 'urn:aceso:topic:access', filters: [`patient=Patient/${PATIENT}`] },
});

/** A hospital with the FHIR service and subscriptions over it, and a privacy officer. */
async function started(t: TestContext) {
  const { hospital, floors, ledger, tokens } = await createHospitalNode(t);
  const { vault, clock } = hospital;
  const conformance = r4Conformance(await loadDefinitions());
  const baseUrl = 'http://hospital.example';
  const server = (): FhirServer => ({
    ...{ ...conformance, access: floors.access, registration: floors.registration, limits: LIMITS, clock },
    ...{
      baseUrl: `${baseUrl}/fhir`,
      writeRules: [subscriptions.writeRule],
      reportFailure: (error) => assert.fail(String(error)),
    },
  });
  const subscriptions = openSubscriptions({
    ...{ organisations: [hospital], server, baseUrl, consentOf: consentReference },
    rolesNow: createRolesNow([hospital], ledger),
    outgoing: createOutgoing({ storeOf: () => vault }),
    isStillAllowed: async () => true,
  });
  const app = fastify();
  const authenticate = createAuthenticate([vault], clock);
  const { operations, topics } = subscriptions;
  await app.register(createFhirPlugin({ ...{ vaultOf: () => vault, server, authenticate, operations, topics } }), {
    prefix: '/fhir',
  });
  subscriptions.start();
  t.after(async () => {
    await subscriptions.stop();
    await app.close();
  });
  const account = await registerPractitioner(hospital, { roleCodes: [PRIVACY_OFFICER] });
  const officer = await issueToken(vault, {
    ...{ account, kind: 'practitioner', organisation: hospital.account, roles: [PRIVACY_OFFICER] },
    ...{ purposes: ['HOPERAT'], label: 'officer', expiresAtMs: clock() + 86_400_000 },
  });
  const send = async (token: string, method: 'GET' | 'POST' | 'PUT', path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' };
    const answer = await app.inject({ method, url: `/fhir/${path}`, headers, ...(body && { payload: body }) });
    assert.ok(answer.statusCode < 300, answer.payload);
    return answer.json();
  };
  const subscribe = async (token: string): Promise<string> => {
    const { id } = await send(token, 'POST', 'Subscription', RESOURCE);
    while ((await send(token, 'GET', `Subscription/${id}`)).status !== 'active') await pause();
    return id;
  };
  const countOf = async (token: string, id: string): Promise<number> => {
    const { entry } = await send(token, 'GET', `Subscription/${id}/$status`);
    const { parameter } = entry[0].resource as { parameter: { name: string; valueString?: string }[] };
    return Number(parameter.find(({ name }) => name === 'events-since-subscription-start')?.valueString);
  };
  const own = await subscribe(tokens.administrator);
  /** Has the chart read, and resolves when the administrator was told of it: of the same pass as everybody else. */
  const look = async () => {
    const before = await countOf(tokens.administrator, own);
    await send(tokens.physician, 'GET', `Observation/obs-1`);
    while ((await countOf(tokens.administrator, own)) === before) await pause();
  };
  const setRoles = async (roleCodes: readonly string[]) => {
    const message = { type: 'practitioner.setRoles', account, roleCodes: [...roleCodes] };
    const { outcome } = await submitMessage(ledger, clock(), message, hospital.signer);
    assert.equal(outcome.code, 'OK');
  };
  return { vault, send, officer, subscribe, countOf, look, setRoles };
}

const pause = () => new Promise((go) => setTimeout(go, 5));

test('a role that the owner lost ends what it allowed from the next event on, and one that is back brings it back', async (t) => {
  const { officer, subscribe, countOf, look, setRoles } = await started(t);
  const id = await subscribe(officer);
  const first = await countOf(officer, id);
  await look();
  assert.equal(await countOf(officer, id), first + 1);
  await setRoles([CLERK]);
  await look();
  assert.equal(await countOf(officer, id), first + 1);
  await setRoles([CLERK, PRIVACY_OFFICER]);
  await look();
  assert.equal(await countOf(officer, id), first + 2);
});

test('by an external provider’s word nobody has a role that it did not tell', async (t) => {
  const { vault, send, officer, subscribe, countOf, look, setRoles } = await started(t);
  const id = await subscribe(officer);
  await setRoles([CLERK, PRIVACY_OFFICER]);
  // As an app's, whose user came by a link and had the one role then.
  const kept = JSON.parse(utf8ToText((await vault.getDocument('subscription-owner', id)) as Uint8Array));
  const grant = { id: 'ab'.repeat(32), scopes: [{ context: 'user', type: '*', permissions: 'cruds' }] };
  await vault.putDocument('subscription-owner', id, utf8(JSON.stringify({ ...kept, roles: [CLERK], grant })));
  for (const [by, told] of [
    ['0 external:l', 0],
    ['0 passkey:p', 1],
  ] as const) {
    await vault.putDocument(CONTEXT, grant.id, utf8(JSON.stringify({ by, expiresAtMs: 9e15 })));
    const { meta } = await send(officer, 'PUT', `Subscription/${id}`, { ...RESOURCE, id });
    while ((await send(officer, 'GET', `Subscription/${id}`)).meta.versionId === meta.versionId) await pause();
    const before = await countOf(officer, id);
    await look();
    assert.equal((await countOf(officer, id)) - before, told);
  }
});
