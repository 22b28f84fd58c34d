import type { DiagnosticReport, Observation, Reference } from '@medplum/fhirtypes';
import type { Body } from './body.ts';
import { type Chart, type Visit, valued } from './chart.ts';
import { concept, hl7Concept, LOINC, profiled, SNOMED } from './coding.ts';
import { HBA1C, type Measurement, PANELS, type Panel, PHQ9, VIRAL_LOAD, VITALS } from './measurement-catalogue.ts';
import type { Random } from './random.ts';
import { quantity } from './written-number.ts';

function reading(body: Body, measurement: Measurement, age: number, day: number) {
  return quantity(body.read(measurement, age, day), measurement.decimals, measurement.unit, measurement.ucum);
}

/** Blood pressure, heart rate, height, weight and the body mass index that follows from them. */
export function addVitals(chart: Chart, body: Body, visit: Visit, age: number): void {
  const vital = (profile: string, code: readonly [string, string], content: Partial<Observation>) =>
    chart.observe(visit, profile, 'vital-signs', code, content);
  const height = quantity(body.heightCm(age), 1, 'cm');
  const weight = quantity(body.weightKg(age, visit.day), 1, 'kg');
  const metres = (height.value as number) / 100;
  if (age >= 3) {
    const component = ([VITALS.systolic, VITALS.diastolic] as const).map((part) => ({
      code: concept(LOINC, part.loinc, part.display),
      ...valued(reading(body, part, age, visit.day)),
    }));
    vital('us-core-blood-pressure', ['85354-9', 'Blood pressure panel with all children optional'], { component });
  }
  vital(
    'us-core-heart-rate',
    [VITALS.heartRate.loinc, VITALS.heartRate.display],
    valued(reading(body, VITALS.heartRate, age, visit.day)),
  );
  vital('us-core-body-height', ['8302-2', 'Body height'], valued(height));
  vital('us-core-body-weight', ['29463-7', 'Body weight'], valued(weight));
  if (age >= 2) {
    const bmi = quantity((weight.value as number) / (metres * metres), 2, 'kg/m2');
    vital('us-core-bmi', ['39156-5', 'Body mass index (BMI) [Ratio]'], valued(bmi));
  }
}

function addLab(chart: Chart, body: Body, visit: Visit, age: number, test: Measurement): Reference<Observation> {
  return chart.observe(
    visit,
    'us-core-observation-lab',
    'laboratory',
    [test.loinc, test.display],
    valued(reading(body, test, age, visit.day)),
  );
}

function addPanel(chart: Chart, body: Body, visit: Visit, age: number, random: Random, panel: Panel): void {
  const result = panel.tests.map((test) => addLab(chart, body, visit, age, test));
  chart.add<DiagnosticReport>({
    resourceType: 'DiagnosticReport',
    id: random.uuid(),
    meta: profiled('us-core-diagnosticreport-lab', visit.sensitivity),
    status: 'final',
    category: [hl7Concept('v2-0074', 'LAB', 'Laboratory')],
    code: concept(LOINC, panel.loinc, panel.display),
    subject: chart.subject,
    encounter: visit.encounter,
    effectiveDateTime: visit.at,
    issued: visit.at,
    performer: [visit.practitioner],
    result,
  });
}

/** The blood that is drawn at a check-up: what the person's age and diseases call for. */
export function addLabs(chart: Chart, body: Body, visit: Visit, age: number, random: Random): void {
  const { onset } = body;
  const ill = (...names: readonly Parameters<typeof onset.get>[0][]) =>
    names.some((name) => (onset.get(name) ?? Number.POSITIVE_INFINITY) <= visit.day);
  if (ill('diabetes') || (age >= 45 && random.chance(0.3))) addLab(chart, body, visit, age, HBA1C);
  if (ill('hyperlipidemia', 'coronary') || (age >= 40 && random.chance(0.3))) {
    addPanel(chart, body, visit, age, random, PANELS.lipids);
  }
  if (ill('kidney', 'hypertension', 'diabetes') || (age >= 40 && random.chance(0.25))) {
    addPanel(chart, body, visit, age, random, PANELS.metabolic);
  }
  if (ill('kidney') || (age >= 18 && random.chance(0.25))) addPanel(chart, body, visit, age, random, PANELS.bloodCount);
}

/** Smoking status, asked of adults: SNOMED CT finding and display. */
export function addSmokingStatus(chart: Chart, visit: Visit, status: readonly [code: string, display: string]): void {
  chart.observe(visit, 'us-core-smokingstatus', 'social-history', ['72166-2', 'Tobacco smoking status'], {
    valueCodeableConcept: concept(SNOMED, status[0], status[1]),
  });
}

/** What a follow-up of a sensitive disease measures; the visit's label goes with it. */
export function addSensitiveMeasurement(chart: Chart, body: Body, visit: Visit, age: number): void {
  if (visit.sensitivity === 'HIV') addLab(chart, body, visit, age, VIRAL_LOAD);
  if (visit.sensitivity === 'PSY') {
    const score = valued(reading(body, PHQ9, age, visit.day));
    chart.observe(visit, 'us-core-observation-screening-assessment', 'survey', [PHQ9.loinc, PHQ9.display], score);
  }
}
