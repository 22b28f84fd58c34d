import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outgoing } from '../../outgoing/outgoing.ts';
import { utf8 } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { createExternalSignIn } from './external-sign-in.ts';

const CUSTODIAN = 'c'.repeat(32);
const ISSUER = 'https://idp.example';
const METADATA = {
  ...{ issuer: ISSUER, authorization_endpoint: `${ISSUER}/a`, token_endpoint: `${ISSUER}/t`, jwks_uri: `${ISSUER}/k` },
};
const PROVIDER = {
  ...{ id: 'idp', name: 'I', issuer: ISSUER, client_id: 'x', client_secret: 'y'.repeat(16) },
  ...{ id_token_signed_response_alg: 'RS256', organisation: { claim: 'o', value: 'v' } },
  roles: { claims: ['r'], map: { a: 's|c' } },
};

test('answers that prove nothing use nothing up', async () => {
  const documents = new Map<string, Uint8Array>();
  const store = {
    custodian: CUSTODIAN,
    getDocument: async (kind: string, id: string) => documents.get(`${kind}/${id}`),
    putDocument: async (kind: string, id: string, bytes: Uint8Array | null) => {
      if (bytes !== null) documents.set(`${kind}/${id}`, bytes);
    },
    listDocuments: async () => [],
  };
  const outgoing: Outgoing = {
    requireAllowed: async () => {},
    request: async () => ({ status: 200, headers: {}, body: utf8(JSON.stringify(METADATA)) }),
  };
  const external = createExternalSignIn({
    ...{ stores: [store], outgoing, signIn: {} as SignIn, clock: () => 0, issuer: 'https://node.example/auth' },
  });
  await external.providers.replace(CUSTODIAN, { revision: 0, providers: [PROVIDER] }, async () => {});
  const url = new URL(await external.begin(CUSTODIAN, 'idp', 'uid'));
  const state = url.searchParams.get('state') ?? '';
  const answer = (given: object, from: string) =>
    external.finish('uid', { state, ...given }, from).then(
      () => 'signed in',
      (error: unknown) => (isReject(error) ? error.code : String(error)),
    );
  // An address each, since one address has to wait after ten.
  for (let count = 0; count < 50; count++)
    assert.equal(await answer({ error: 'access_denied' }, `203.0.113.${count}`), 'EXTERNAL_DECLINED');
  assert.notEqual(await answer({ code: 'guessed' }, '198.51.100.1'), 'EXTERNAL_ANSWER_USED');
  assert.equal(await answer({ error: 'access_denied' }, '198.51.100.2'), 'EXTERNAL_DECLINED');
});
