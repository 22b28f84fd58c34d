import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createRegistration, registerPractitioner } from '../../src/capabilities/membership/server/registration.ts';
import { anchorJournal } from '../../src/capabilities/records/server/anchor-journal.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { importBundle } from '../../src/fhir/import-bundle.ts';
import { submitMessage } from '../../src/ledger/submit-message.ts';
import { utf8 } from '../../src/std/bytes.ts';
import { generatePatients } from '../../src/synthetic/generate.ts';
import { bundleToText } from '../../src/synthetic/written-number.ts';
import { type OpenFolder, withFolder } from '../support/open-folder.ts';
import { blocksToInput, type Vector } from '../vectors/chain/vector.ts';

const CONTRACTS = ['membership', 'records', 'consent', 'access'];
const root = mkdtempSync(join(tmpdir(), 'aceso-block-log-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** What a node writes on its ledger: accounts, staff, anchors, attested consent, requests permitted, denied and refused. */
async function work({ ledger, organisations }: OpenFolder): Promise<void> {
  const [hospital, other, institute] = organisations;
  assert.ok(hospital && other && institute);
  const registration = createRegistration(organisations);
  const importing = {
    vault: hospital.vault,
    conformance: r4Conformance(await loadDefinitions()),
    registration,
    baseUrl: 'http://aceso.example/fhir',
    clock: Date.now,
  };
  const submit = async (message: Parameters<typeof submitMessage>[2], by = hospital) =>
    (await submitMessage(ledger, Date.now(), message, by.signer)).outcome;
  const organisation = { seed: 'hospital', name: 'Hospital' };
  for (const bundle of generatePatients({ seed: 'a', count: 3, asOf: '2026-06-30', organisation })) {
    await importBundle(utf8(bundleToText(bundle)), importing);
    assert.ok(await anchorJournal(hospital));
  }
  const practitioner = await registerPractitioner(other, { roleCodes: ['http://snomed.info/sct|309343006'] });
  const patients = await hospital.vault.find({ type: 'Patient', criteria: [], sort: [], limit: 10 });
  for (const { id } of patients.hits.map(({ row }) => row)) {
    const account = (await hospital.vault.accountOf('Patient', id)) as string;
    const request = { type: 'access.request', account, purpose: 'TREAT', scope: {}, practitioner };
    assert.equal((await submit(request, other)).data.decision, 'deny');
    const grant = { type: 'consent.grant', account, scope: 'patient-privacy', sense: 'permit', exceptions: [] };
    const { id: policy } = await submit({ ...grant, root: { purposes: ['TREAT'], members: [other.account] } });
    assert.equal((await submit(request, other)).data.decision, 'permit');
    assert.notEqual((await submit(request, institute)).code, 'OK');
    assert.equal((await submit({ type: 'access.breakGlass', account, practitioner, reason: 1 }, other)).code, 'OK');
    assert.equal((await submit({ type: 'consent.revoke', account, policy })).code, 'OK');
  }
}

test('a node’s block log comes to the roots that its signed heads name, in another time zone, locale and engine setting', async (t) => {
  const { genesis, signed } = await withFolder(
    { folder: join(root, 'data'), keyFolder: join(root, 'keys') },
    async (open) => {
      await work(open);
      return { genesis: open.ledger.genesis, signed: (await open.ledger.signedBlocks?.(1, 256)) ?? [] };
    },
  );
  const blocks = blocksToInput(signed.map(({ block }) => block));
  const flags = ['--no-opt', '--no-sparkplug', '--hash-seed=7', '--stack-size=500'];
  const child = spawnSync(
    process.execPath,
    [...flags, fileURLToPath(new URL('../property/replay-child.ts', import.meta.url))],
    {
      input: JSON.stringify([{ contracts: CONTRACTS, genesis, blocks }]),
      env: { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', PATH: process.env.PATH },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  assert.equal(child.status, 0, child.stderr);
  const { timeZone, locale, roots } = JSON.parse(child.stdout) as { timeZone: string; locale: string; roots: Vector[] };
  assert.deepEqual([timeZone, locale], ['Pacific/Chatham', 'tr-TR']);
  const heads = signed.map(({ head }) => [head.logSize, head.logRoot, head.appHash]);
  assert.deepEqual(
    roots[0]?.blocks.map(({ logSize, logRoot, appHash }) => [logSize, logRoot, appHash]),
    heads,
  );
  assert.ok(heads.length > 20, `${heads.length} blocks`);
  t.diagnostic(`${heads.length} blocks`);
});
