import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { runLine } from '../../../test/support/command-line.ts';
import { createHospitalNode, PATIENT } from '../../../test/support/hospital-node.ts';
import { nodeAt } from '../../../test/support/no-nodes.ts';
import { createPeoplePlugin } from '../../app/people-plugin.ts';
import { createSignIn } from '../../auth/sign-in/sign-in.ts';
import { createAttestation } from '../../capabilities/membership/server/attestation.ts';
import { createAuthenticate } from '../../server/authenticate.ts';
import { createHttpHost } from '../../server/http-host.ts';

const ORIGIN = 'https://hospital.example';

async function shellOf(t: TestContext) {
  const node = await createHospitalNode(t);
  const stores = [node.hospital.vault, node.clinic.vault];
  const desk = createSignIn({
    ...{ stores, attestation: createAttestation(node.ledger), baseUrl: ORIGIN, chain: node.ledger.genesisHash },
    ...{ clock: node.hospital.clock, log: pino({ level: 'silent' }) },
  });
  const authenticate = createAuthenticate(stores, node.hospital.clock);
  const organisations = [node.hospital, node.clinic];
  const people = createHttpHost({ logger: pino({ level: 'silent' }) });
  await people.register(createPeoplePlugin({ organisations, authenticate, people: desk.people, baseUrl: ORIGIN }));
  const urls = [
    await people.listen({ port: 0, host: '127.0.0.1' }),
    await node.app.listen({ port: 0, host: '127.0.0.1' }),
  ];
  t.after(() => people.close());
  const folder = mkdtempSync(join(tmpdir(), 'aceso-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  function run(url: string, argv: readonly string[]) {
    const adminTokens = { hospital: node.tokens.administrator };
    return runLine(argv, {
      ...{ cwd: folder, env: { ACESO_WALLET_PASSPHRASE: 'correct horse' }, fetch },
      nodes: nodeAt({ url, node: 'test', adminTokens }),
    });
  }
  const [peopleUrl, nodeUrl] = urls as [string, string];
  return {
    desk,
    run: (...argv: string[]) => run(argv[0] === 'keys' ? nodeUrl : peopleUrl, argv),
  };
}

test('hire, list, invite, forget a passkey and dismiss on the command line', async (t) => {
  const { run } = await shellOf(t);
  const hired = await run('people', 'hire', '--label', 'Dr. A', '--role-code', 'http://snomed.info/sct|309343006');
  assert.match(hired.out, /^https:\/\/hospital\.example\/sign-in\/enrol#[\w-]{22}$/, hired.notes);
  const account = /ledger: ([0-9a-f]{32})/.exec(hired.notes)?.[1] ?? '';
  assert.match((await run('people', 'list')).out, new RegExp(`${account} {2}active {2}Dr\\. A\n.*309343006, TREAT`));
  const again = await run('people', 'invite', account);
  assert.ok(again.out.startsWith(`${ORIGIN}/sign-in/enrol#`) && again.out !== hired.out);
  assert.equal((await run('people', 'passkeys', account)).notes, 'none');
  assert.match((await run('people', 'forget-passkey', account, 'AAAA')).notes, /PASSKEY_UNKNOWN/);
  assert.equal((await run('people', 'dismiss', account)).out, 'dismissed');
  assert.match((await run('people', 'list')).out, /dismissed {2}Dr\. A/);
  assert.match((await run('people', 'invite', account)).notes, /PERSON_NOT_ATTESTED/);
  assert.match((await run('people', 'invite', 'somebody')).notes, /ARGUMENTS_WRONG/);
  assert.match((await run('people', 'dismiss', 'a'.repeat(32))).notes, /PERSON_UNKNOWN/);
});

test('a patient signs in with the wallet on the command line, at the address they name', async (t) => {
  const { run, desk } = await shellOf(t);
  assert.equal((await run('keys', 'slip', PATIENT, '--out', 'slip.json')).code, 0);
  assert.equal((await run('keys', 'claim', '--slip', 'slip.json', '--wallet', 'wallet')).code, 0);
  const { statement } = await desk.walletChallenge('session');
  const elsewhere = await run('sign-in', statement, '--at', 'https://hospita1.example', '--wallet', 'wallet');
  assert.equal(elsewhere.out, '');
  assert.match(elsewhere.notes, /SIGN_IN_ELSEWHERE/);
  const { out, notes } = await run('sign-in', statement, '--at', `${ORIGIN}/auth/interaction/x`, '--wallet', 'wallet');
  assert.match(notes, /signed for https:\/\/hospital\.example/);
  assert.equal((await desk.wallet('session', out, '192.0.2.1')).kind, 'patient');
});
