import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type LineResult, runLine } from '../../../test/support/command-line.ts';
import { createHospitalNode, type HospitalNode, PATIENT } from '../../../test/support/hospital-node.ts';
import { nodeAt } from '../../../test/support/no-nodes.ts';
import { parseOrganisationKeys } from '../../app/organisation-keys-file.ts';
import { parseCanonical } from '../../std/canonical-json.ts';
import { EXIT } from '../exit-codes.ts';

interface Shell {
  readonly folder: string;
  run(...argv: string[]): Promise<LineResult>;
}

function createShell(t: TestContext, url: string, adminTokens: Record<string, string>): Shell {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return {
    folder,
    run: (...argv) =>
      runLine(argv, {
        ...{ cwd: folder, env: { ACESO_WALLET_PASSPHRASE: 'correct horse' }, fetch },
        nodes: nodeAt({ url, node: 'test', adminTokens }),
      }),
  };
}

async function shellOf(t: TestContext): Promise<{ node: HospitalNode; shell: Shell }> {
  const node = await createHospitalNode(t);
  const url = await node.app.listen({ port: 0, host: '127.0.0.1' });
  return { node, shell: createShell(t, url, { hospital: node.tokens.administrator }) };
}

test('slip, claim, grant, list, revoke on the command line', async (t) => {
  const { shell } = await shellOf(t);
  const ok = async (...argv: string[]) => {
    const { code, out, notes } = await shell.run(...argv);
    assert.equal(code, 0, `${argv.join(' ')}: ${notes}`);
    return out;
  };
  await ok('keys', 'slip', PATIENT, '--out', 'slip.json');
  assert.match(await ok('keys', 'claim', '--slip', 'slip.json', '--wallet', 'wallet'), /Claimed/);
  const label = 'http://terminology.hl7.org/CodeSystem/v3-ActCode|PSY';
  const permit = ['consent', 'grant', '--wallet', 'wallet', '--permit', 'clinic'];
  const first = /policy {4}([0-9a-f]{64})/.exec(await ok(...permit))?.[1] ?? '';
  const second = await ok(...permit, '--purpose', 'HPAYMT', '--except-label', label);
  assert.match(second, new RegExp(`replaces {2}${first}`));
  const line = /active · permit · Clinic · for HPAYMT · 1 exception\n {2}([0-9a-f]{64}) {2}Consent\//;
  const id = line.exec(await ok('consent', 'list', '--wallet', 'wallet'))?.[1] ?? 'none';
  assert.match(await ok('consent', 'revoke', id.slice(0, 12), '--wallet', 'wallet'), new RegExp(`Revoked: ${id}`));
  const refused = await shell.run('consent', 'grant', '--patient', PATIENT, '--deny', 'clinic');
  assert.deepEqual([refused.code, /CONSENT_SIGNATURE_NEEDED/.test(refused.notes)], [EXIT.DENIED, true]);
});

test('staff decide for an unclaimed account, and a mistake on the line changes nothing', async (t) => {
  const { shell } = await shellOf(t);
  const staff = ['--patient', PATIENT];
  const granted = await shell.run('consent', 'grant', ...staff, '--deny', 'clinic');
  assert.match(granted.out, /attested by the organisation/);
  const wrong: readonly (readonly [argv: readonly string[], code: number])[] = [
    [['consent', 'grant', ...staff], EXIT.USAGE],
    [['consent', 'grant', ...staff, '--permit', 'clinic', '--deny', 'clinic'], EXIT.USAGE],
    [['consent', 'grant', '--permit', 'clinic'], EXIT.USAGE],
    [['consent', 'grant', ...staff, '--permit', 'clinic', '--purpose', 'CURIOSITY'], EXIT.USAGE],
    [['consent', 'grant', ...staff, '--permit', 'clinic', '--except-label', 'PSY'], EXIT.USAGE],
    [['consent', 'grant', ...staff, '--permit', 'nowhere'], EXIT.UNKNOWN],
    [['consent', 'revoke', 'ffff', ...staff], EXIT.UNKNOWN],
    [['consent', 'list', '--wallet', 'none'], EXIT.UNKNOWN],
    [['keys', 'claim', '--slip', 'none', '--wallet', 'wallet'], EXIT.UNKNOWN],
    [['keys', 'token', '--label', 'nurse', '--days', 'many'], EXIT.USAGE],
  ];
  for (const [argv, code] of wrong) {
    const answer = await shell.run(...argv);
    assert.equal(answer.code, code, `${argv.join(' ')}: ${answer.notes}`);
  }
  const { out } = await shell.run('consent', 'list', ...staff);
  assert.equal(out.match(/^active · deny · Clinic · any purpose · attested$/gm)?.length, 1);
});

test('a token for a practitioner reads what staff read', async (t) => {
  const { node, shell } = await shellOf(t);
  const { out, notes } = await shell.run(
    'keys',
    'token',
    '--label',
    'nurse',
    '--role-code',
    'http://snomed.info/sct|224535009',
  );
  assert.match(notes, /account on the ledger: [0-9a-f]{32}/);
  await node.call('GET', `/api/patients/${PATIENT}/policies`, out);
});

test('keys of an organisation are written once, for their owner alone', async (t) => {
  const { shell } = await shellOf(t);
  const argv = [
    'keys',
    'organisation',
    '--name',
    'St. Anne',
    '--slug',
    'st-anne',
    '--role',
    'provider',
    '--out',
    'keys.json',
    '--operator',
  ];
  const { code, out } = await shell.run(...argv);
  assert.equal(code, 0);
  const path = join(shell.folder, 'keys.json');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const value = parseCanonical(readFileSync(path));
  assert.ok(value !== undefined);
  const { keys, operatorSeed } = parseOrganisationKeys(value);
  assert.match(operatorSeed ?? '', /^[0-9a-f]{64}$/);
  assert.deepEqual(JSON.parse(out), keys[0]?.entry);
  assert.ok(!out.includes(keys[0]?.secrets.signingSeed ?? out));
  const before = readFileSync(path, 'utf8');
  assert.equal((await shell.run(...argv)).code, EXIT.UNAVAILABLE);
  assert.equal(readFileSync(path, 'utf8'), before);
  writeFileSync(join(shell.folder, 'slip.json'), '{"code":"A"}');
  assert.equal((await shell.run('keys', 'claim', '--slip', 'slip.json', '--wallet', 'w')).code, EXIT.UNKNOWN);
  assert.equal((await shell.run(...argv.slice(0, -3), '--role', 'king', '--out', 'other')).code, EXIT.USAGE);
});
