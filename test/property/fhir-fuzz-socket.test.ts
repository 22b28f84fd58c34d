import assert from 'node:assert/strict';
import { Agent, request as httpRequest } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { QUIET_START, temporaryFolders, testStarter } from '../e2e/bad-input-node.ts';
import { type FuzzedRequest, fuzzedRequest } from './fhir-fuzz-grammar.ts';
import { checkAnswer, type FuzzAnswer, knownCodes } from './fhir-fuzz-node.ts';

/*
 * The same requests as in fhir-fuzz.test.ts, to a whole node on a socket: with its host, its tokens, its operations and
 * its ledger. It answers all, logs no error, and starts again on its folder.
 */

const RUNS = process.env.ACESO_LONG === '1' ? 3000 : 60;
const AT_ONCE = 6;
const seed = Number(process.env.ACESO_SEED ?? 1);
const BOUND_MS = 20_000;

test(`a whole node answers every request (ACESO_SEED=${seed})`, async (t) => {
  const { folder, keyFolder } = temporaryFolders(t);
  const logged: string[] = [];
  const starter = testStarter(keyFolder, logged);
  let node = await starter.start({ ...QUIET_START, folder });
  t.after(() => node.close());
  const { url, adminTokens } = node;
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  t.after(() => agent.destroy());
  const own = { authorization: `Bearer ${adminTokens['st-brigid']}`, 'aceso-purpose': 'TREAT' };
  const known = await knownCodes();

  /** Sends an address as it stands, which fetch would tidy up. */
  const send = ({ method, path, headers, body }: FuzzedRequest): Promise<FuzzAnswer> =>
    new Promise((resolve, fail) => {
      const to = path === '' ? '/fhir' : `/fhir/${path}`;
      const sent = httpRequest(
        { hostname, port, method, path: to, headers: { ...headers, ...own }, agent },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const isPlain = response.headers['content-encoding'] === undefined;
            const text = isPlain ? Buffer.concat(chunks).toString() : '{"resourceType":"Any"}';
            resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'], text });
          });
        },
      );
      sent.setTimeout(BOUND_MS, () => sent.destroy(new Error(`no answer within ${BOUND_MS} ms`)));
      sent.on('error', fail);
      sent.end(body);
    });

  const seeded = { resourceType: 'Patient', id: 'p', identifier: [{ system: 'urn:x', value: 'x' }] };
  const json = { 'content-type': 'application/fhir+json' };
  assert.equal(
    (await send({ method: 'PUT', path: 'Patient/p', headers: json, body: JSON.stringify(seeded) })).status,
    201,
  );
  const one = async (request: FuzzedRequest): Promise<void> => {
    const answer = await send(request);
    // The host refuses by itself what it cannot read as an address, and says so in JSON of its own.
    if (answer.status === 400 && answer.text.startsWith('{"code":"REQUEST_MALFORMED"')) return;
    checkAnswer(known, request.method, answer);
  };
  const { registry } = r4Conformance(await loadDefinitions());
  await fc.assert(
    fc.asyncProperty(fc.array(fuzzedRequest(registry), { minLength: 1, maxLength: AT_ONCE }), async (requests) => {
      await Promise.all(requests.map(one));
    }),
    { numRuns: RUNS, seed },
  );
  assert.deepEqual(logged, []);
  await node.close();
  node = await starter.start({ ...QUIET_START, folder });
  assert.equal((await fetch(`${node.url}/health`)).status, 200);
});
