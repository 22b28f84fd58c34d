import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import { createProviderBook } from './provider-settings.ts';

const SETTINGS = {
  ...{
    id: 'clinic',
    name: 'Clinic',
    issuer: 'https://clinic.example',
    client_id: 'aceso',
    client_secret: 'long enough',
  },
  id_token_signed_response_alg: 'ES256',
  organisation: { claim: 'hospital', value: 'general' },
  roles: { claims: ['jobs'], map: { doctor: 'http://snomed.info/sct|309343006' } },
};

function memoryStore(): DocumentStore {
  const documents = new Map<string, Uint8Array>();
  return {
    custodian: 'hospital',
    getDocument: async (kind, id) => documents.get(`${kind} ${id}`),
    putDocument: async (kind, id, bytes) => {
      if (bytes === null) documents.delete(`${kind} ${id}`);
      else documents.set(`${kind} ${id}`, bytes);
    },
    listDocuments: async () => [],
  };
}

const permit = async () => {};
const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: unknown) => (isReject(error) ? error.code : error),
  );

test('two administrators at once: the later one is told', async () => {
  const store = memoryStore();
  const book = createProviderBook([store]);
  const put = () => codeOf(book.replace('hospital', { revision: 0, providers: [SETTINGS] }, permit));
  assert.deepEqual(await Promise.all([put(), put()]), [undefined, 'EXTERNAL_PROVIDERS_CHANGED']);
  assert.equal((await createProviderBook([store]).find('hospital', 'clinic'))?.client_secret, 'long enough');
  assert.deepEqual(await book.all('another'), { revision: 0, providers: [] });
});

test('a secret that is left out stays, for the same client of the same issuer alone', async () => {
  const book = createProviderBook([memoryStore()]);
  const { client_secret: _secret, ...open } = SETTINGS;
  const put = (revision: number, provider: object) =>
    codeOf(book.replace('hospital', { revision, providers: [provider] }, permit));
  assert.equal(await put(0, open), 'EXTERNAL_PROVIDERS_MALFORMED');
  assert.equal(await put(0, SETTINGS), undefined);
  assert.equal(await put(1, { ...open, name: 'New name' }), undefined);
  assert.equal((await book.find('hospital', 'clinic'))?.client_secret, 'long enough');
  for (const moved of [{ issuer: 'https://evil.example' }, { client_id: 'other' }, { id: 'other' }])
    assert.equal(await put(2, { ...open, ...moved }), 'EXTERNAL_PROVIDERS_MALFORMED');
});

test('an issuer is an https address as it stands, or one on this very machine', async () => {
  const book = createProviderBook([memoryStore()]);
  for (const issuer of [
    ...['http://clinic.example', 'ftp://clinic.example', 'clinic.example', 'https://a:b@clinic.example', 'https://x/?'],
    ...['https://clinic.example/#', 'https://clinic.example?x=1', 'javascript:alert(1)', 'http://127.0.0.1.example'],
  ])
    assert.equal(
      await codeOf(book.replace('hospital', { revision: 0, providers: [{ ...SETTINGS, issuer }] }, permit)),
      'EXTERNAL_PROVIDERS_MALFORMED',
      issuer,
    );
  const refusing = async (issuer: string) => assert.fail(issuer);
  await assert.rejects(book.replace('hospital', { revision: 0, providers: [SETTINGS] }, refusing));
  assert.equal((await book.all('hospital')).revision, 0);
});
