import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { issueToken, type TokenRecord } from '../auth/tokens.ts';
import { createAuthenticate } from '../server/authenticate.ts';
import { createHttpHost } from '../server/http-host.ts';
import { createMemoryTokenStore } from './memory-token-store.ts';
import { createOutgoingPlugin } from './outgoing-plugin.ts';

const [HOSPITAL, CLINIC] = ['a'.repeat(32), 'b'.repeat(32)];

async function startHost() {
  const record = (organisation: string, kind: TokenRecord['kind']): TokenRecord => ({
    ...{ account: organisation, kind, organisation, roles: [], purposes: ['HOPERAT'], label: 'test', expiresAtMs: 1 },
  });
  // As in a node: tokens of this run beside those in the organisations' vaults.
  const session = createMemoryTokenStore(HOSPITAL);
  const vaults = [createMemoryTokenStore(HOSPITAL), createMemoryTokenStore(CLINIC)];
  const [hospital, clinic] = vaults as [typeof session, typeof session];
  const tokens = {
    operator: await issueToken(session, record(HOSPITAL, 'system')),
    hospital: await issueToken(hospital, record(HOSPITAL, 'system')),
    clinic: await issueToken(clinic, record(CLINIC, 'system')),
    physician: await issueToken(hospital, record(HOSPITAL, 'practitioner')),
    patient: await issueToken(hospital, record(HOSPITAL, 'patient')),
    guest: await issueToken(hospital, record(CLINIC, 'system')),
  };
  const host = createHttpHost({ logger: pino({ level: 'silent' }) });
  await host.register(
    createOutgoingPlugin({
      storeOf: (organisation) => (organisation === HOSPITAL ? hospital : clinic),
      authenticate: createAuthenticate([session, ...vaults], () => 0),
      authenticateOperator: createAuthenticate([session], () => 0),
    }),
  );
  const send = async (as: keyof typeof tokens | undefined, payload?: object | string) => {
    const response = await host.inject({
      method: payload === undefined ? 'GET' : 'PUT',
      url: '/api/outgoing',
      headers: {
        ...(as === undefined ? {} : { authorization: `Bearer ${tokens[as]}` }),
        ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
    const { code, revision, rules } = response.json() as { code?: string; revision?: number; rules?: unknown };
    return code === undefined ? { revision, rules } : code;
  };
  return { send };
}

test('an administrator reads and replaces the rules of the organisation, and of no other', async () => {
  const { send } = await startHost();
  const rules = [{ origin: 'https://hook.example' }];
  assert.deepEqual(await send('hospital'), { revision: 0, rules: [] });
  assert.deepEqual(await send('hospital', { revision: 0, rules }), { revision: 1, rules });
  assert.deepEqual(await send('operator'), { revision: 1, rules });
  assert.deepEqual(await send('clinic'), { revision: 0, rules: [] });
  for (const as of ['physician', 'patient', 'guest'] as const) {
    assert.equal(await send(as), 'ADMINISTRATOR_ONLY', as);
    assert.equal(await send(as, { revision: 1, rules: [] }), 'ADMINISTRATOR_ONLY', as);
  }
  assert.equal(await send(undefined), 'TOKEN_MISSING');
  assert.equal(await send(undefined, { revision: 1, rules: [] }), 'TOKEN_MISSING');
  assert.equal(await send('hospital', { revision: 0, rules: [] }), 'OUTGOING_RULES_CHANGED');
  assert.equal(await send('hospital', { revision: 1, rules: [{ origin: 'x' }] }), 'OUTGOING_RULES_MALFORMED');
  assert.equal(await send('hospital', '{"revision":1,"rules":[{"__proto__":{}}]}'), 'REQUEST_MALFORMED');
  assert.deepEqual(await send('hospital'), { revision: 1, rules });
});

test('ranges of special addresses are added by who runs the node', async () => {
  const { send } = await startHost();
  const rules = [{ origin: 'http://127.0.0.1:8080', addresses: ['127.0.0.1/32'] }];
  for (const as of ['hospital', 'clinic'] as const)
    assert.equal(await send(as, { revision: 0, rules }), 'OUTGOING_RULES_OPERATOR_ONLY');
  assert.deepEqual(await send('operator', { revision: 0, rules }), { revision: 1, rules });
  const more = [...rules, { origin: 'https://hook.example' }];
  assert.deepEqual(await send('hospital', { revision: 1, rules: more }), { revision: 2, rules: more });
});

test('of two changes at once one is told to look again', async () => {
  const { send } = await startHost();
  const change = (name: string) => send('hospital', { revision: 0, rules: [{ origin: `https://${name}.example` }] });
  const answers = await Promise.all(['a', 'b', 'c'].map(change));
  assert.equal(answers.filter((answer) => answer === 'OUTGOING_RULES_CHANGED').length, 2);
});
