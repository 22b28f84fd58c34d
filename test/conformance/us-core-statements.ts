import assert from 'node:assert/strict';
import type { SlowResource } from '../support/slow-values.ts';
import { type Json, keeps, refuses, type Statement, statusOf, stored, withElement } from './us-core-checks.ts';
import { searchesBy } from './us-core-queries.ts';
import { SERVER_STATEMENTS } from './us-core-server-statements.ts';
import {
  compareAll,
  declaredResource,
  type Shown,
  showInclude,
  showRevInclude,
  type UsCoreRun,
} from './us-core-shows.ts';

// Sentences of the capability statement and of $docref, each with what shows it.

/** What shows a sentence; throws when nothing does. */
export async function showStatement(run: UsCoreRun, section: string, sentence: string): Promise<Shown> {
  const found = STATEMENTS.find(
    (one) => sentence.includes(one.says) && (one.section === undefined || one.section === section),
  );
  assert.ok(found, `nothing shows this sentence: ${sentence}`);
  return found.show(run, section);
}

const STATEMENTS: readonly Statement[] = [
  ...SERVER_STATEMENTS,
  {
    section: 'CareTeam',
    says: 'the server system is not required to support both types of references',
    show: (run) => showInclude(run, 'CareTeam', 'CareTeam:participant:Practitioner'),
  },
  {
    says: 'only US Core Practitioner Profile SHALL provide implementation specific guidance',
    async show(run) {
      declaredResource(run, 'PractitionerRole');
      const shown = await compareAll(run, searchesBy(run, 'PractitionerRole', ['practitioner']));
      return `not so here, PractitionerRole is there too: ${shown}`;
    },
  },
  {
    says: 'Condition.recordedDate',
    show: (run) => compareAll(run, searchesBy(run, 'Condition', ['patient', 'recorded-date'])),
  },
  {
    says: 'assertedDate Extension',
    async show(run) {
      const asserted = await compareAll(run, searchesBy(run, 'Condition', ['patient', 'asserted-date']));
      const onset = await compareAll(run, searchesBy(run, 'Condition', ['patient', 'onset-date']));
      return `both: ${asserted}, ${onset}`;
    },
  },
  {
    says: 'Device.udiCarrier.carrierHRF',
    async show(run) {
      const has = (device: SlowResource) =>
        (device.udiCarrier as { carrierHRF?: string }[] | undefined)?.[0]?.carrierHRF !== undefined;
      return `kept as sent in ${withElement(run, 'Device', has).length} devices; it is for who writes them to say`;
    },
  },
  {
    says: 'five UDI-PI elements',
    async show(run) {
      const names = ['distinctIdentifier', 'manufactureDate', 'expirationDate', 'lotNumber', 'serialNumber'];
      for (const name of names) withElement(run, 'Device', (device) => device[name] !== undefined);
      return `each kept as sent: ${names.join(', ')}`;
    },
  },
  {
    says: '5 Common Clinical Notes',
    async show(run) {
      const codes = run.usCore.clinicalNoteTypes.compose?.include?.flatMap(({ concept = [] }) =>
        concept.map(({ code }) => code),
      );
      assert.equal(codes?.length, 5);
      for (const code of codes)
        await keeps(run, 'DocumentReference', 'episode-summary', {
          type: { coding: [{ system: 'http://loinc.org', code }] },
        });
      return `DocumentReference with each of ${codes.join(', ')}`;
    },
  },
  {
    says: 'support an address, and inline base64 encoded data',
    async show(run) {
      for (const attachment of [{ url: 'https://hospital.example/note.txt' }, { data: 'bm90ZQ==' }])
        await keeps(run, 'DocumentReference', 'episode-summary', {
          content: [{ attachment: { contentType: 'text/plain', ...attachment } }],
        });
      return 'both: attachment.url and attachment.data';
    },
  },
  {
    says: 'The organization responsible for the DocumentReference',
    async show(run) {
      await keeps(run, 'DocumentReference', 'episode-summary', { custodian: { reference: 'Organization/acme-lab' } });
      const show = { kind: 'revinclude', type: 'DocumentReference', value: 'Provenance:target' } as const;
      return `custodian is kept; ${await showRevInclude(run, show)}`;
    },
  },
  {
    section: 'Encounter',
    says: 'not required to support both a code and a reference',
    async show(run) {
      await keeps(run, 'Encounter', 'example-1', {
        reasonCode: [{ text: 'cough' }],
        reasonReference: [{ reference: 'Condition/condition-duodenal-ulcer' }],
      });
      return 'both: reasonCode and reasonReference';
    },
  },
  {
    says: 'both Encounter.location.location and Encounter.serviceProvider',
    async show(run) {
      await keeps(run, 'Encounter', 'example-1', {
        location: [{ location: { reference: 'Location/hl7east' } }],
        serviceProvider: { reference: 'Organization/acme-lab' },
      });
      return 'both: location.location and serviceProvider';
    },
  },
  {
    says: 'both Goal.startDate and Goal.target.dueDate',
    async show(run) {
      await keeps(run, 'Goal', 'goal-1', { startDate: '2020-01-02', target: [{ dueDate: '2021-01-02' }] });
      return 'both: startDate and target.dueDate';
    },
  },
  {
    says: 'constraint us-core-13',
    async show(run) {
      const role = stored(run, 'PractitionerRole', 'surgeon');
      delete role.practitioner;
      delete role.organization;
      await refuses(run, 'PractitionerRole', role);
      return 'PractitionerRole without any of them is refused';
    },
  },
  {
    says: 'the READ SHALL be supported',
    async show(run) {
      assert.equal(await statusOf(run, 'GET', 'Medication/uscore-med1'), 200);
      return 'GET Medication/uscore-med1';
    },
  },
  {
    says: 'the server SHALL support the _include parameter',
    show: (run, section) => showInclude(run, section, `${section}:medication`),
  },
  {
    says: 'SHALL be capable of returning',
    async show(run, section) {
      const plain = await compareAll(run, searchesBy(run, section, ['patient']));
      return `${plain}, and ${await showInclude(run, section, `${section}:medication`)}`;
    },
  },
  {
    says: 'not required to support both a boolean and a reference',
    async show(run) {
      const id = 'medicationrequest-coded-oral-axid';
      await keeps(run, 'MedicationRequest', id, { reportedBoolean: true });
      const { reportedBoolean: _no, ...rest } = stored(run, 'MedicationRequest', id);
      const reported = { ...rest, id: 'kept', reportedReference: { reference: 'Practitioner/practitioner-1' } };
      assert.equal(await statusOf(run, 'PUT', 'MedicationRequest/kept', reported), 201);
      assert.equal(await statusOf(run, 'DELETE', 'MedicationRequest/kept'), 204);
      return 'both: reportedBoolean and reportedReference';
    },
  },
  {
    says: 'An Observation without a value',
    async show(run) {
      const { valueQuantity: _value, ...bare } = stored(run, 'Observation', 'urobilinogen');
      await refuses(run, 'Observation', bare);
      const lost = { ...bare, id: 'kept', dataAbsentReason: { text: 'lost' } };
      assert.equal(await statusOf(run, 'PUT', 'Observation/kept', lost), 201);
      assert.equal(await statusOf(run, 'DELETE', 'Observation/kept'), 204);
      return 'refused without a value, a reason, components or members; taken with a reason';
    },
  },
  {
    says: 'An Observation.component without a value',
    async show(run) {
      const pressure = stored(run, 'Observation', 'blood-pressure');
      const components = pressure.component as Json[];
      const { valueQuantity: _value, ...bare } = components[0] as Json;
      await refuses(run, 'Observation', { ...pressure, component: [bare, ...components.slice(1)] });
      const reason = {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown' }],
      };
      await keeps(run, 'Observation', 'blood-pressure', {
        component: [{ ...bare, dataAbsentReason: reason }, ...components.slice(1)],
      });
      return 'refused without a value and a reason; taken with a reason';
    },
  },
  {
    says: 'National Provider Identifier (NPI)',
    async show(run) {
      const system = 'http://hl7.org/fhir/sid/us-npi';
      const isNpi = (one: SlowResource) =>
        (one.identifier as { system?: string }[] | undefined)?.some((identifier) => identifier.system === system) ===
        true;
      const expected = withElement(run, 'Organization', isNpi).map(({ id }) => id);
      const path = `Organization?identifier=${encodeURIComponent(`${system}|`)}`;
      assert.deepEqual((await run.node.find(path)).ids, expected);
      return `GET Organization?identifier=${system}|`;
    },
  },
  {
    says: 'SHALL be supported for these US Core resources',
    async show({ store, usCore }) {
      const listed = usCore.server.rest?.[0]?.resource?.find(({ type }) => type === 'Provenance')?.documentation ?? '';
      const types = [...listed.matchAll(/^\s+\* (\w+)/gm)].map(([, type]) => type as string);
      assert.equal(types.length, 19);
      const targets = new Set(
        store
          .ofType('Provenance')
          .flatMap((one) => (one.target as { reference: string }[]).map(({ reference }) => reference.split('/')[0])),
      );
      assert.deepEqual(
        types.filter((type) => !targets.has(type)),
        [],
      );
      return `a Provenance is stored for each of the ${types.length}; see _revinclude below`;
    },
  },
  {
    says: 'SHALL provide this organization as the source',
    async show(run) {
      const [agent] = stored(run, 'Provenance', 'of-Observation').agent as Json[];
      await keeps(run, 'Provenance', 'of-Observation', {
        agent: [{ ...agent, who: { reference: 'Organization/acme-lab', display: 'Dr. Free Text' } }],
      });
      return 'agent.who with the organization and the text is kept';
    },
  },
  {
    says: 'Observation Screening Assessment Profile',
    async show(run) {
      const url = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-screening-assessment';
      const claims = (one: SlowResource) => (one.meta as { profile?: string[] }).profile?.includes(url) === true;
      return `${withElement(run, 'Observation', claims).length} Observations that claim it are taken`;
    },
  },
];
