import type { TestContext } from 'node:test';
import { pino } from 'pino';
import type { Caller } from '../../src/auth/caller.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import type { FhirServer } from '../../src/fhir/context.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { LIMITS } from '../../src/fhir/limits.ts';
import type { RegistrationPort } from '../../src/fhir/ports.ts';
import { createOutgoing } from '../../src/outgoing/create-outgoing.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { canonicalBytes } from '../../src/std/canonical-json.ts';
import type { Timing } from '../../src/subscriptions/limits.ts';
import { withOwnSubscriptions } from '../../src/subscriptions/own-subscriptions.ts';
import { createSubscriptions } from '../../src/subscriptions/subscriptions.ts';
import { BASE_URL, CUSTODIAN, createFhirNode, type FhirAnswer, type FhirNode, testPolicy } from './fhir-node.ts';

/** The FHIR service with subscriptions, over a vault in a folder, with policy and callers that tests steer. */
export interface SubscriptionNode extends FhirNode {
  readonly caller: { current: Caller };
  /** Owners who may no longer have subscriptions. */
  readonly ended: Set<string>;
  readonly failures: unknown[];
  /** Where websockets connect to, once it listens. */
  listen(): Promise<string>;
  /** Creates a subscription and resolves to its id. */
  subscribe(resource: object): Promise<string>;
  /** Follows the journal anew, as a restart does. */
  restart(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves when a subscription has the status, looking again after each thing that happens. */
  untilStatus(id: string, status: string): Promise<FhirAnswer>;
}

export const TEST_TIMING: Timing = {
  ...{ pollMs: 5, idleMs: 5, firstRetryMs: 10, mostRetryMs: 40, failuresToError: 3, slowRetryMs: 50 },
};

export const NURSE: Caller = {
  ...{ custodian: CUSTODIAN, account: 'a'.repeat(32), kind: 'practitioner', organisation: CUSTODIAN },
  ...{ roles: [], purpose: 'TREAT' },
};

/** `origins`: what the organisation lets the node ask, all of them on 127.0.0.1. */
export async function createSubscriptionNode(
  t: TestContext,
  origins: readonly string[],
  timing: Timing = TEST_TIMING,
): Promise<SubscriptionNode> {
  const rules = { revision: 1, rules: origins.map((origin) => ({ origin, addresses: ['127.0.0.0/8'] })) };
  const outgoing = createOutgoing({
    storeOf: () => ({ getDocument: async () => canonicalBytes(rules), putDocument: async () => {} }),
  });
  const conformance = r4Conformance(await loadDefinitions());
  const organisations: OrganisationContext[] = [];
  const caller = { current: NURSE };
  const ended = new Set<string>();
  const failures: unknown[] = [];
  const policy = testPolicy({ read: (row) => node.denies.read(row) });
  const access = withOwnSubscriptions(policy, () => node.vault);
  const registration: RegistrationPort = {
    register: async () => 'b'.repeat(32),
    registerMany: async (_custodian, count) => Array.from({ length: count }, (_, at) => String(at).padStart(32, 'b')),
  };
  const server = (): FhirServer => ({
    ...{ ...conformance, access, registration, limits: LIMITS, baseUrl: BASE_URL },
    clock: () => node.now.ms++,
    reportFailure: (error) => failures.push(error),
  });
  let socketUrl = '';
  const open = () =>
    createSubscriptions({
      ...{ organisations, server, outgoing, timing, baseUrl: BASE_URL },
      socket: { url: 'ws://node/fhir/ws', path: '/fhir/ws' },
      ports: {
        isStillAllowed: async ({ account }) => !ended.has(account),
        mayFollow: async ({ account }, of) => account === of || account === NURSE.account,
        auditEvent: async (_context, { generation, index }) => ({
          address: `http://node/audit/AuditEvent/${generation}-${index}`,
          text: '{"resourceType":"AuditEvent"}',
        }),
      },
    });
  let subscriptions = open();
  const node: FhirNode = await createFhirNode({
    ...{ access, registration, conformance },
    authenticate: async () => caller.current,
    operations: subscriptions.operations.map((one) => ({
      ...one,
      run: (context, call) =>
        (subscriptions.operations.find(({ name }) => name === one.name) ?? one).run(context, call),
    })),
    writeRules: [{ type: 'Subscription', judge: (by, write) => subscriptions.writeRule.judge(by, write) }],
    topics: subscriptions.topics,
  });
  const log = pino({ level: 'silent' });
  log.error = ((detail: object) => failures.push(detail)) as typeof log.error;
  organisations.push({ account: CUSTODIAN, vault: node.vault, log } as unknown as OrganisationContext);
  await node.app.register(subscriptions.plugin);
  subscriptions.start();
  t.after(async () => {
    await subscriptions.stop();
    await node.app.close();
  });
  return {
    ...node,
    ...{ caller, ended, failures },
    async listen() {
      socketUrl = await node.app.listen({ host: '127.0.0.1', port: 0 });
      return `${socketUrl.replace('http', 'ws')}/fhir/ws`;
    },
    async subscribe(resource) {
      const { status, json, text } = await node.send('POST', 'Subscription', resource);
      if (status !== 201) throw new Error(text);
      return json.id;
    },
    async restart() {
      await subscriptions.stop();
      subscriptions = open();
      subscriptions.start();
    },
    stop: () => subscriptions.stop(),
    async untilStatus(id, status) {
      for (;;) {
        const answer = await node.send('GET', `Subscription/${id}`);
        if (answer.json?.status === status) return answer;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}
