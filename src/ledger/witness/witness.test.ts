import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Fastify from 'fastify';
import {
  notesGenesis,
  noteWire,
  OPERATOR_SEED,
  openNotesLedger,
  silentLog,
  temporaryFolder,
} from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { checkpointOrigin, checkpointText } from '../../chain/checkpoint.ts';
import { cosignatureSignBytes } from '../../chain/cosignature.ts';
import { NOTE_ED25519, noteKeyId, signedNoteToText } from '../../chain/signed-note.ts';
import { ed25519PublicKey, signEd25519, verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { appendLog, consistencyProof, logRoot } from '../../state/log.ts';
import { logLeafHash } from '../../state/log-proof.ts';
import { createMemoryStore } from '../../state/memory-store.ts';
import { base64urlToBytes, bytesToBase64, bytesToHex, hexToBytes, utf8 } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import { createWitnessClient } from './witness-client.ts';
import { createWitnessServer, type WitnessServer } from './witness-server.ts';

const folder = temporaryFolder('witness');
after(() => rmSync(folder, { recursive: true, force: true }));

const ORIGIN = 'aceso/test';
const LOG_SEED = new Uint8Array(32).fill(1);
const WITNESS_SEED = new Uint8Array(32).fill(2);
const NOW_MS = 1_700_000_000_000;

let files = 0;
function witness(stateFile = join(folder, `state-${++files}.json`)): Promise<WitnessServer> {
  const logs = [{ origin: ORIGIN, publicKey: bytesToHex(ed25519PublicKey(LOG_SEED)) }];
  return createWitnessServer({ seed: WITNESS_SEED, name: 'witness.example/w1', stateFile, logs, clock: () => NOW_MS });
}

/** A log of `size` leaves; `twist` from some leaf on gives another history. */
function logOf(size: number, twistFrom = Number.POSITIVE_INFINITY) {
  const store = createMemoryStore();
  const leaves = Array.from({ length: size }, (_, i) => logLeafHash(utf8(i >= twistFrom ? `other ${i}` : `leaf ${i}`)));
  store.apply(appendLog(store, 'l/', 0, leaves).writes);
  return {
    root: (at: number) => logRoot(store, 'l/', at),
    proof: (from: number, to: number) => consistencyProof(store, 'l/', from, to),
  };
}

interface Bend {
  readonly origin?: string;
  readonly seed?: Uint8Array;
  readonly root?: Uint8Array;
  readonly proof?: readonly Uint8Array[];
}

function body(log: ReturnType<typeof logOf>, from: number, to: number, bend: Bend = {}): Uint8Array {
  const origin = bend.origin ?? ORIGIN;
  const seed = bend.seed ?? LOG_SEED;
  const text = checkpointText({ origin, size: to, root: bend.root ?? log.root(to) });
  const keyId = noteKeyId(origin, NOTE_ED25519, ed25519PublicKey(seed));
  const note = signedNoteToText({
    text,
    signatures: [{ name: origin, keyId, signature: signEd25519(seed, utf8(text)) }],
  });
  const proof = bend.proof ?? (from === 0 || from === to ? [] : log.proof(from, to));
  return utf8(`old ${from}\n${proof.map((hash) => `${bytesToBase64(hash)}\n`).join('')}\n${note}`);
}

test('a witness cosigns what extends its last checkpoint, and answers all else as the specification says', async () => {
  const server = await witness();
  const log = logOf(40);
  const fork = logOf(40, 5);
  const cases: [string, number, Uint8Array, string?][] = [
    ['malformed', 400, utf8('old x\n\n')],
    ['no body', 400, new Uint8Array()],
    ['unknown origin', 404, body(log, 0, 10, { origin: 'aceso/other' })],
    ['unknown key', 403, body(log, 0, 10, { seed: new Uint8Array(32).fill(9) })],
    ['proof from nothing', 422, body(log, 0, 10, { proof: [new Uint8Array(32)] })],
    ['wrong old size', 409, body(log, 4, 10), '0\n'],
    ['first', 200, body(log, 0, 10)],
    ['the same again', 200, body(log, 10, 10)],
    ['same size, another root', 409, body(fork, 10, 10)],
    ['old size too small', 409, body(log, 0, 20), '10\n'],
    ['old size beyond the checkpoint', 400, body(log, 12, 11, { proof: [] })],
    ['a fork with its own proof', 422, body(fork, 10, 20)],
    ['a proof of nothing', 422, body(log, 10, 20, { proof: [] })],
    ['next', 200, body(log, 10, 40)],
    ['back', 409, body(log, 10, 20), '40\n'],
  ];
  for (const [name, status, request, text] of cases) {
    const answer = await server.addCheckpoint(request);
    assert.equal(answer.status, status, name);
    if (status === 409) assert.equal(answer.contentType, 'text/x.tlog.size', name);
    if (text !== undefined) assert.equal(answer.body, text, name);
  }
});

test('a witness remembers after a restart, and refuses a state that it cannot read', async () => {
  const stateFile = join(folder, 'kept.json');
  const log = logOf(30);
  assert.equal((await (await witness(stateFile)).addCheckpoint(body(log, 0, 20))).status, 200);
  const again = await witness(stateFile);
  assert.equal((await again.addCheckpoint(body(logOf(30, 3), 0, 30))).body, '20\n');
  assert.equal((await again.addCheckpoint(body(log, 20, 30))).status, 200);
  writeFileSync(stateFile, readFileSync(stateFile).subarray(0, 20));
  await assert.rejects(witness(stateFile), (error) => isReject(error) && error.code === 'WITNESS_STATE_DAMAGED');
});

test('of requests at once that start from the same size one is cosigned', async () => {
  const server = await witness();
  const log = logOf(30);
  const answers = await Promise.all([10, 20, 30].map((size) => server.addCheckpoint(body(log, 0, size))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
});

test('a ledger gets its heads cosigned over HTTP, again after the witness or the ledger restarts', async () => {
  const genesis = notesGenesis(['alice']);
  const node = join(folder, 'node');
  const stateFile = join(folder, 'http.json');
  const app = Fastify();
  let server: WitnessServer | undefined;
  app.register(async (scope) => {
    const opened = await openNotesLedger(join(folder, 'probe'), genesis);
    const origin = checkpointOrigin(opened.genesisHash);
    await opened.close();
    const logs = [{ origin, publicKey: bytesToHex(ed25519PublicKey(OPERATOR_SEED)) }];
    server = await createWitnessServer({
      seed: WITNESS_SEED,
      name: 'witness.example',
      stateFile,
      logs,
      clock: () => NOW_MS,
    });
    await scope.register(server.plugin, { prefix: '/w1' });
  });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  const publicKey = (server as unknown as WitnessServer).publicKey;
  const client = () => createWitnessClient({ name: 'witness.example', publicKey, url: `${address}/w1` });
  const dead = createWitnessClient({ name: 'dead.example', publicKey, url: 'http://127.0.0.1:9/' });

  const alice = testSigner('alice');
  for (const round of [1, 2]) {
    const ledger = await openNotesLedger(node, genesis, { witnesses: [client(), dead], log: silentLog });
    for (let i = 0; i < 3; i++) {
      await ledger.submit(
        noteWire(ledger.genesisHash, alice, { type: 'note.put', name: `n${i}`, text: '' }, Date.now() + 60_000),
      );
      const { head, cosignatures } = await ledger.signedHead();
      assert.equal(head.height, (round - 1) * 3 + i + 1);
      assert.equal(cosignatures.length, 1);
      const { name, type, timeS, signature } = cosignatures[0] as Record<string, string | number>;
      assert.deepEqual([name, type, timeS], ['witness.example', 'cosignature/v1', NOW_MS / 1000]);
      const root = hexToBytes(head.logRoot) as Uint8Array;
      const text = checkpointText({ origin: checkpointOrigin(head.genesis), size: head.logSize, root });
      const bytes = base64urlToBytes(signature as string) as Uint8Array;
      assert.ok(
        verifyEd25519Sync(hexToBytes(publicKey) as Uint8Array, cosignatureSignBytes(text, timeS as number), bytes),
      );
    }
    await ledger.close();
  }
  await app.close();
});
