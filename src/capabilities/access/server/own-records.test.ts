import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFhirNode } from '../../../../test/support/fhir-node.ts';
import { createSpiedVault } from '../../../../test/support/spied-vault.ts';
import type { Caller } from '../../../auth/caller.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { type Policy, TAGS_PER_LIST } from '../../consent/contract/policy.ts';
import { tag } from '../../consent/contract/tags.ts';
import { createAccessPort } from './access-port.ts';
import type { AccountPolicy, PolicyCache } from './policy-cache.ts';
import { createTagger } from './version-facts.ts';

const [CUSTODIAN, ADA, BOB, CLINIC] = ['c', 'a', 'b', 'd'].map((digit) => digit.repeat(32)) as [
  string,
  string,
  string,
  string,
];
const RESTRICTED = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R';
const TAG_KEY = new Uint8Array(32);

/** The newest versions of the vault, by type and id. */
const current = new Map<string, VersionRow>();
const row = (type: string, account: string, version = 1, labels: readonly string[] = []): VersionRow => {
  const header = { account, type, id: 'x', version, action: 'update' as const, timeMs: 0, author: 'e', previous: '' };
  const place = { leaf: `${type}${account}${version}`, generation: 0, journalIndex: 0, blob: '' };
  return { ...header, ...place, labels, categories: [], deleted: false, erased: false };
};

/** Lists of tags are of one length, sorted. */
function padded(own: string): readonly string[] {
  return [own, ...Array.from({ length: TAGS_PER_LIST - 1 }, (_, at) => `${at}`.padStart(32, '0'))].sort();
}

const policies: readonly Policy[] = [
  {
    ...{ id: 'default:own-staff', status: 'active', grantor: '9'.repeat(32), scope: 'default:own-staff' },
    ...{ sequence: 0, sense: 'permit', root: {} },
    exceptions: [{ labelTags: padded(tag(TAG_KEY, 'label', RESTRICTED)) }],
  },
];
const port = createAccessPort({
  organisations: [
    {
      account: CUSTODIAN,
      vault: { current: async (type: string, id: string) => current.get(`${type}/${id}`) },
    } as unknown as OrganisationContext,
  ],
  policies: {
    timeMs: () => 0,
    of: async (): Promise<AccountPolicy> => ({
      ...{ policies, tagger: createTagger(TAG_KEY), brokenUntilMs: new Map(), isDelegate: () => false },
    }),
    close() {},
  } satisfies PolicyCache,
  ...{ revokedLocally: async () => new Set<string>(), clock: () => 0, restriction: () => true },
});

const physician: Caller = {
  ...{ custodian: CUSTODIAN, account: 'f'.repeat(32), kind: 'practitioner', organisation: CUSTODIAN, roles: [] },
  purpose: 'TREAT',
};
const service: Caller = { ...physician, account: CUSTODIAN, kind: 'system', purpose: 'HOPERAT' };
const visitor: Caller = { ...physician, organisation: CLINIC };
const ada: Caller = { ...physician, account: ADA, kind: 'patient', organisation: ADA, purpose: 'PATRQT' };
const by = (caller: Caller, context: 'patient' | 'user' | 'system', permissions = 'cruds'): Caller => ({
  ...caller,
  ...{
    client: 'app',
    grant: { scopes: [{ context, type: '*', permissions }], patient: { id: 'p', account: ADA } },
  },
});

test('what is under the custodian’s account and not for everybody is its own staff’s', async () => {
  const everybody = ['Practitioner', 'Organization', 'Location', 'Medication', 'ValueSet', 'Questionnaire', 'Slot'];
  const staffOnly = ['Binary', 'Bundle', 'Group', 'List', 'Person', 'Linkage', 'Provenance', 'Observation', 'Device'];
  const callers: readonly (readonly [name: string, caller: Caller, seesAll: boolean])[] = [
    ['physician', physician, true],
    ['service', service, true],
    ['administrator’s app', by(service, 'system', 'rs'), true],
    ['app of the physician', by(physician, 'user'), true],
    ['app of the physician for a patient', by(physician, 'patient'), false],
    ['patient', ada, false],
    ['app of the patient', by(ada, 'patient'), false],
    ['app of all that the patient sees', by(ada, 'user'), false],
    ['physician of another organisation', visitor, false],
    ['service of another organisation', by({ ...service, organisation: CLINIC }, 'system'), false],
  ];
  for (const [name, caller, seesAll] of callers)
    for (const permission of ['r', 's'] as const) {
      const rows = [...everybody, ...staffOnly].map((type) => row(type, CUSTODIAN));
      const { decision, visible } = await port.read(caller, CUSTODIAN, rows, permission);
      assert.equal(decision, 'permit');
      for (const [at, { type }] of rows.entries())
        assert.equal(visible[at], seesAll || everybody.includes(type), `${type} by ${name}`);
    }
  const { decision, rules } = await port.read(ada, CUSTODIAN, [row('Binary', CUSTODIAN)], 'r');
  assert.deepEqual([decision, rules], ['deny', ['default:staff-only']]);
});

test('an app for one patient writes what is for everybody, and nothing that is the staff’s', () => {
  const app = by(physician, 'patient');
  const write = (type: string, account: string) => port.write(app, { account, type, permission: 'c' }).decision;
  assert.deepEqual(
    [write('Binary', ADA), write('Binary', CUSTODIAN), write('Binary', BOB), write('Location', CUSTODIAN)],
    ['permit', 'deny', 'deny', 'permit'],
  );
});

test('an older version is decided on as its resource is labelled now, too', async () => {
  const [plain, restricted] = [row('Observation', ADA, 1), row('Observation', ADA, 2, [RESTRICTED])];
  const [deletion, freed] = [
    { ...row('Observation', ADA, 3, [RESTRICTED]), deleted: true },
    row('Observation', ADA, 3),
  ];
  const seen = async (caller: Caller, newest: VersionRow | undefined, rows: readonly VersionRow[]) => {
    current.clear();
    if (newest !== undefined) current.set('Observation/x', newest);
    return (await port.read(caller, ADA, rows, 'r')).visible;
  };
  assert.deepEqual(await seen(physician, plain, [plain]), [true]);
  assert.deepEqual(await seen(physician, restricted, [restricted, plain]), [false, false]);
  assert.deepEqual(await seen(physician, deletion, [deletion, restricted, plain]), [false, false, false]);
  // A label that was taken away keeps what had it, and nothing else.
  assert.deepEqual(await seen(physician, freed, [freed, restricted, plain]), [true, false, true]);
  assert.deepEqual(await seen(ada, restricted, [restricted, plain]), [true, true]);
  assert.deepEqual(await seen(physician, undefined, [plain]), [true]);
});

test('an app for one patient refers to what is for everybody, and learns of nothing else of the custodian’s', async (t) => {
  const vault = await createSpiedVault(CUSTODIAN);
  let caller = physician;
  const access = createAccessPort({
    organisations: [{ account: CUSTODIAN, vault } as unknown as OrganisationContext],
    ...{ policies: {} as PolicyCache, revokedLocally: async () => new Set<string>(), clock: () => 0 },
    restriction: () => false,
  });
  const node = await createFhirNode({ vaultOf: () => vault, access, authenticate: async () => caller });
  t.after(() => node.app.close());
  const put = async (type: string, body: object = {}) => {
    const { status, text } = await node.send('PUT', `${type}/x`, { resourceType: type, id: 'x', ...body });
    assert.equal(status, 201, text);
  };
  await put('Patient');
  await put('Practitioner');
  await put('Group', { type: 'person', actual: true });
  const account = (await vault.accountOf('Patient', 'x')) ?? '';
  const grant = { scopes: [{ context: 'patient' as const, type: 'Observation', permissions: 'c' }] };
  caller = { ...physician, client: 'app', grant: { ...grant, patient: { id: 'x', account } } };
  const write = async (more: object) => {
    const subject = { reference: 'Patient/x' };
    const body = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject, ...more };
    return (await node.send('POST', 'Observation', body)).status;
  };
  assert.equal(await write({ performer: [{ reference: 'Practitioner/x' }] }), 201);
  assert.equal(await write({ focus: [{ reference: 'Group/x' }] }), 422);
  assert.equal(await write({ focus: [{ reference: 'Group/never' }] }), 422);
  // Of no patient it would be the custodian's staff's, where the app reaches nothing.
  assert.equal(await write({ subject: undefined }), 403);
});
