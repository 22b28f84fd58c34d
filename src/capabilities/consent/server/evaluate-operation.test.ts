import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Consent } from '@medplum/fhirtypes';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../../../test/support/hospital-node.ts';
import { operationContext } from '../../../../test/support/operation-context.ts';
import { consentFor } from '../../../../test/support/patient-consent.ts';
import type { Caller } from '../../../auth/caller.ts';
import { r4Conformance } from '../../../fhir/conformance.ts';
import { loadDefinitions } from '../../../fhir/definitions/load-definitions.ts';
import { importBundle } from '../../../fhir/import-bundle.ts';
import type { OperationCall } from '../../../fhir/operations/operation.ts';
import { utf8 } from '../../../std/bytes.ts';
import type { VersionFacts } from '../contract/match.ts';
import { createEvaluateOperation, type EvaluateDependencies } from './evaluate-operation.ts';

const OFFICER = 'urn:aceso:role|privacy-officer';
const LABEL = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };
const code = ({ system, code }: { system: string; code: string }) => `${system}|${code}`;

interface Evaluation {
  readonly decision: string;
  readonly rules: readonly string[];
  readonly consents: readonly string[];
  readonly obligations: readonly string[];
  readonly notes: readonly string[];
  readonly version: string | undefined;
}

function dependencies({ hospital, clinic, ledger }: HospitalNode, revoked: string[] = []): EvaluateDependencies {
  return {
    ...{ organisations: [hospital, clinic], ledger, officerRole: OFFICER },
    revokedLocally: async () => new Set(revoked),
    versionFacts: (row, { tag }): VersionFacts => ({
      categoryTags: row.categories.map((one) => tag('category', one)),
      labelTags: row.labels.map((one) => tag('label', one)),
      dataTags: [tag('instance', `${row.type}/${row.id}`)],
      authoredMs: row.timeMs,
    }),
  };
}

interface Asked {
  readonly query?: Record<string, string | readonly string[]>;
  readonly parts?: readonly unknown[];
  readonly id?: string;
  readonly by?: Partial<Caller>;
  readonly revoked?: string[];
}

async function evaluate(node: HospitalNode, asked: Asked): Promise<Evaluation> {
  const { query = {}, parts, id, by = {}, revoked } = asked;
  const parameters = new URLSearchParams(
    Object.entries(query).flatMap(([name, values]) => [values].flat().map((value) => [name, String(value)])),
  );
  const call: OperationCall = {
    ...{ type: 'Consent', parameters },
    ...(id === undefined ? {} : { id }),
    ...(parts === undefined ? {} : { text: JSON.stringify({ resourceType: 'Parameters', parameter: parts }) }),
    request: { method: 'GET', path: '', query: parameters, prefer: { lenient: false } },
  };
  const operation = createEvaluateOperation(dependencies(node, revoked));
  const caller = { roles: [OFFICER], purpose: 'HOPERAT', ...by };
  const result = await operation.run(await operationContext(node, caller), call);
  const { parameter } = JSON.parse(result.body ?? '') as {
    parameter: {
      name: string;
      part?: { name: string; valueString?: string; valueReference?: { reference: string } }[];
    }[];
  };
  const all = (name: string) => parameter.filter((part) => part.name === name);
  const value = (part: object) => Object.entries(part).find(([name]) => name.startsWith('value'))?.[1] as string;
  return {
    decision: all('decision').map(value)[0] ?? '',
    rules: all('rule').map(({ part }) => part?.[0]?.valueString ?? ''),
    consents: all('rule').flatMap(({ part }) => part?.[1]?.valueReference?.reference ?? []),
    obligations: all('obligation').map(value),
    notes: all('note').map(value),
    version: all('version').map(value)[0],
  };
}

/** A Consent that lets a member treat, all but what is labelled HIV. */
const permitBut = (member: string) => consentFor(member, 'permit', [{ type: 'deny', securityLabel: [LABEL] }]);

async function consented(t: TestContext) {
  const node = await createHospitalNode(t);
  const body = { patientId: PATIENT, consent: JSON.stringify(permitBut(node.clinic.account)) };
  const { policy } = await node.call('POST', '/api/consents', node.tokens.physician, body);
  const account = (await node.hospital.vault.accountOf('Patient', PATIENT)) ?? '';
  const asker = { patient: PATIENT, organisation: node.clinic.account, purpose: 'TREAT' };
  return { node, policy: String(policy), account, asker };
}

async function putPatient({ hospital, floors }: HospitalNode, id: string): Promise<void> {
  const entry = [{ request: { method: 'PUT', url: `Patient/${id}` }, resource: { resourceType: 'Patient', id } }];
  await importBundle(utf8(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })), {
    ...{ vault: hospital.vault, registration: floors.registration, baseUrl: '', clock: hospital.clock },
    conformance: r4Conformance(await loadDefinitions()),
  });
}

async function lastEntry({ hospital }: HospitalNode, account: string) {
  const [newest] = (await hospital.vault.entriesOf(account, 1)).rows;
  assert.ok(newest?.entry.kind === 'interaction');
  const { kind, decision, rules, versions } = newest.entry.header;
  return { kind, decision, rules: [...rules], versions: [...versions] };
}

test('for a resource, for labels, for anything: the decision, its rules and obligations', async (t) => {
  const { node, policy, asker, account } = await consented(t);
  const row = await node.hospital.vault.current('Observation', 'obs-1');
  const onResource = await evaluate(node, { query: { ...asker, resource: 'Observation/obs-1' } });
  assert.deepEqual([onResource.decision, onResource.rules], ['permit', [`${policy}#0`]]);
  assert.equal(onResource.version, 'Observation/obs-1/_history/1');
  assert.match(onResource.consents[0] ?? '', /^Consent\/[^/]+\/_history\/1$/);
  assert.deepEqual(await lastEntry(node, account), {
    ...{ kind: 'read', decision: 'permit', rules: ['default:privacy-oversight'], versions: [row?.leaf] },
  });
  const labelled = await evaluate(node, { query: { ...asker, label: code(LABEL) } });
  assert.deepEqual([labelled.decision, labelled.rules], ['deny', [`${policy}#1`]]);
  assert.deepEqual((await lastEntry(node, account)).versions, []);
  const categorised = await evaluate(node, {
    query: { ...asker, category: 'http://hl7.org/fhir/resource-types|Observation' },
  });
  assert.equal(categorised.decision, 'permit');
  const anything = await evaluate(node, { query: asker });
  assert.deepEqual([anything.decision, anything.obligations], ['permit', ['evaluate-versions']]);
  const research = await evaluate(node, { query: { ...asker, purpose: 'HRESCH' } });
  assert.deepEqual([research.decision, research.rules], ['deny', ['default:no-permit']]);
  const own = await evaluate(node, { query: { patient: `Patient/${PATIENT}`, purpose: 'TREAT', label: 'urn:x|y' } });
  assert.deepEqual([own.decision, own.rules], ['permit', ['default:own-staff']]);
  const revoked = await evaluate(node, { query: asker, revoked: [policy] });
  assert.equal(revoked.decision, 'deny', 'a revocation that is obeyed here counts');
});

test('says the same as the access port does for a read', async (t) => {
  const { node, asker, account } = await consented(t);
  const row = await node.hospital.vault.current('Observation', 'obs-1');
  assert.ok(row);
  for (const organisation of [node.hospital.account, node.clinic.account, 'e'.repeat(32)]) {
    for (const purpose of ['TREAT', 'HPAYMT', 'HRESCH', 'PATRQT']) {
      for (const actor of ['d'.repeat(32), account]) {
        const caller: Caller = {
          ...{ custodian: node.hospital.account, account: actor, organisation, roles: [], purpose },
          kind: actor === account ? 'patient' : 'practitioner',
        };
        const { decision, rules } = await node.floors.access.read(caller, account, [row], 'r');
        const query = {
          ...asker,
          organisation,
          purpose,
          actor: `urn:aceso:account|${actor}`,
          resource: 'Observation/obs-1',
        };
        const said = await evaluate(node, { query });
        assert.deepEqual([said.decision, said.rules], [decision, rules], `${organisation} ${purpose} ${actor}`);
      }
    }
  }
});

test('as Parameters with References, Identifiers and Codings', async (t) => {
  const { node, policy } = await consented(t);
  const parts = [
    { name: 'patient', valueReference: { reference: `http://node/fhir/Patient/${PATIENT}` } },
    { name: 'actor', valueReference: { identifier: { system: 'urn:aceso:account', value: 'd'.repeat(32) } } },
    { name: 'actor', valueCoding: { system: 'http://snomed.info/sct', code: '309343006' } },
    { name: 'actor', valueIdentifier: { system: 'urn:aceso:member', value: node.clinic.account } },
    { name: 'purpose', valueCode: 'TREAT' },
    { name: 'purpose', valueCoding: { system: 'urn:study', code: 'x' } },
    { name: 'label', valueCoding: LABEL },
    { name: 'label', valueCoding: { system: 'urn:x', code: 'other' } },
  ];
  const { decision, rules } = await evaluate(node, { parts });
  assert.deepEqual([decision, rules], ['deny', [`${policy}#1`]]);
});

test('query and body are taken together', async (t) => {
  const { node, policy } = await consented(t);
  const parts = [
    { name: 'patient', valueString: PATIENT },
    { name: 'purpose', valueCode: 'TREAT' },
  ];
  const query = { label: code(LABEL), organisation: node.clinic.account };
  assert.deepEqual((await evaluate(node, { parts, query })).rules, [`${policy}#1`]);
});

test('one Consent alone', async (t) => {
  const { node, asker, account } = await consented(t);
  const keep = async (consent: Consent) =>
    String(
      (
        await node.call('POST', '/api/consents/documents', node.tokens.physician, {
          patientId: PATIENT,
          consent: JSON.stringify(consent),
        })
      ).id,
    );
  const draft = await keep({ ...permitBut(node.clinic.account), provision: { type: 'deny' } });
  const leaf = (await node.hospital.vault.current('Consent', draft))?.leaf;
  const { patient: _patient, ...rest } = asker;
  // Not granted, so that it counts for nothing but by itself; and nothing else counts, the defaults neither.
  assert.equal((await evaluate(node, { query: asker })).decision, 'permit');
  const alone = await evaluate(node, { id: draft, query: rest });
  assert.deepEqual([alone.decision, alone.rules], ['deny', [`${leaf}#0`]]);
  assert.deepEqual((await lastEntry(node, account)).versions, [leaf]);
  const permits = await keep(permitBut(node.clinic.account));
  assert.equal((await evaluate(node, { id: permits, query: { ...rest, label: code(LABEL) } })).decision, 'deny');
  assert.equal((await evaluate(node, { id: permits, query: { ...rest, label: 'urn:x|y' } })).decision, 'permit');
  const staff = await evaluate(node, { id: permits, query: { purpose: 'TREAT' } });
  assert.deepEqual(staff.rules, ['default:no-permit']);
  assert.equal(await refusalOf(evaluate(node, { id: 'none', query: rest })), 'NOT_FOUND');
  assert.equal(await refusalOf(evaluate(node, { id: permits, query: { ...rest, patient: 'other' } })), 'NOT_FOUND');
  await putPatient(node, 'other');
  assert.equal(await refusalOf(evaluate(node, { id: permits, query: { ...rest, patient: 'other' } })), 'NOT_FOUND');
});

test('only the patient, the administration and privacy officers may ask; refusals are journalled', async (t) => {
  const { node, asker, account } = await consented(t);
  const { hospital, clinic } = node;
  const patient: Partial<Caller> = { kind: 'patient', account, roles: [], purpose: 'PATRQT' };
  assert.equal((await evaluate(node, { query: asker, by: patient })).decision, 'permit');
  assert.deepEqual((await lastEntry(node, account)).rules, ['default:own-policy']);
  const administrator: Partial<Caller> = { kind: 'system', account: hospital.account, roles: [] };
  assert.equal((await evaluate(node, { query: asker, by: administrator })).decision, 'permit');
  const others: readonly Partial<Caller>[] = [
    { roles: [] },
    { roles: ['urn:other|privacy-officer'] },
    { organisation: clinic.account },
    { kind: 'system', organisation: clinic.account },
    { ...patient, account: 'f'.repeat(32) },
    { ...patient, account: 'f'.repeat(32), roles: [OFFICER] },
  ];
  const granted = (await evaluate(node, { query: { ...asker, label: 'urn:x|y' } })).consents[0];
  const consentId = granted?.split('/')[1] ?? '';
  for (const by of others) {
    assert.equal(await refusalOf(evaluate(node, { query: asker, by })), 'CONSENT_CALLER_NOT_ENTITLED');
    assert.deepEqual((await lastEntry(node, account)).kind, 'refusal');
    // The same for a patient who is not here.
    const nobody = { ...asker, patient: 'nobody' };
    assert.equal(await refusalOf(evaluate(node, { query: nobody, by })), 'CONSENT_CALLER_NOT_ENTITLED');
    assert.equal(await refusalOf(evaluate(node, { id: consentId, query: { purpose: 'TREAT' }, by })), 'NOT_FOUND');
  }
  assert.equal(await refusalOf(evaluate(node, { query: { ...asker, patient: 'nobody' } })), 'CONSENT_PATIENT_UNKNOWN');
});

test('break-glass is said to take more', async (t) => {
  const { node, asker } = await consented(t);
  const { decision, obligations, notes } = await evaluate(node, { query: { ...asker, purpose: 'BTG' } });
  assert.deepEqual([decision, obligations], ['permit', ['evaluate-versions', 'break-glass']]);
  assert.match(notes[0] ?? '', /act of the asker/);
});

test('what cannot be understood is refused', async (t) => {
  const { node, asker } = await consented(t);
  const refusals: readonly (readonly [Asked['query'] & object, string])[] = [
    [{ purpose: 'TREAT' }, 'PARAMETER_INVALID'],
    [{ patient: PATIENT }, 'PARAMETER_INVALID'],
    [{ ...asker, purpose: 'constructor' }, 'PARAMETER_INVALID'],
    [{ ...asker, purpose: ['TREAT', 'HPAYMT'] }, 'PARAMETER_INVALID'],
    [{ ...asker, patient: [PATIENT, 'other'] }, 'PARAMETER_INVALID'],
    [{ ...asker, patient: 'Group/x' }, 'PARAMETER_INVALID'],
    [{ ...asker, patient: '../x' }, 'PARAMETER_INVALID'],
    [{ ...asker, organisation: 'Clinic' }, 'PARAMETER_INVALID'],
    [{ ...asker, actor: 'somebody' }, 'PARAMETER_INVALID'],
    [{ ...asker, actor: 'urn:aceso:account|x' }, 'PARAMETER_INVALID'],
    [{ ...asker, label: 'HIV' }, 'PARAMETER_INVALID'],
    [{ ...asker, label: Array(33).fill('a|b') }, 'PARAMETER_INVALID'],
    [{ ...asker, label: `a|${'b'.repeat(600)}` }, 'PARAMETER_INVALID'],
    [{ ...asker, resource: 'Observation/none' }, 'PARAMETER_INVALID'],
    [{ ...asker, resource: 'nonsense' }, 'PARAMETER_INVALID'],
    [{ ...asker, colour: 'red' }, 'PARAMETER_UNKNOWN'],
  ];
  for (const [query, expected] of refusals)
    assert.equal(await refusalOf(evaluate(node, { query })), expected, JSON.stringify(query));
  await putPatient(node, 'other');
  const foreign = evaluate(node, { query: { ...asker, resource: 'Patient/other' } });
  assert.equal(await refusalOf(foreign), 'PARAMETER_INVALID', 'of another patient');
  const odd = [
    { name: 'patient', valueReference: { reference: 7 } },
    { name: 'purpose', valueCode: 'TREAT' },
  ];
  assert.equal(await refusalOf(evaluate(node, { parts: odd })), 'PARAMETER_INVALID');
  assert.equal(await refusalOf(evaluate(node, { parts: [{ name: 'colour' }] })), 'PARAMETER_UNKNOWN');
});
