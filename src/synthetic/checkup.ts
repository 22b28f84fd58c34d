import type { CodeableConcept, DiagnosticReport, Observation, Reference } from '@medplum/fhirtypes';
import type { Body } from './body.ts';
import { type Chart, type Visit, valued } from './chart.ts';
import { concept, hl7Concept, LOINC, profiled, SNOMED } from './coding.ts';
import type { Measurement, Panel, TestName } from './measurement.ts';
import { TESTS } from './measurement-catalogue.ts';
import type { Smoking } from './population.ts';
import type { Random } from './random.ts';
import { VITALS } from './vital-catalogue.ts';
import { quantity } from './written-number.ts';

function reading(body: Body, measurement: Measurement, day: number) {
  return quantity(body.read(measurement, day), measurement.decimals, measurement.unit, measurement.ucum);
}

/** Vital signs by age: blood pressure from three years on, the head's circumference before. `years` lived at the visit. */
export function addVitals(chart: Chart, body: Body, visit: Visit, years: number, isBreathless: boolean): void {
  const { day } = visit;
  const vital = (profile: string, code: readonly [string, string], content: Partial<Observation>) =>
    chart.observe(visit, profile, 'vital-signs', code, content);
  const read = (profile: string, sign: Measurement) =>
    vital(profile, [sign.loinc, sign.display], valued(reading(body, sign, day)));
  if (years >= 3) {
    const component = ([VITALS.systolic, VITALS.diastolic] as const).map((part) => ({
      code: concept(LOINC, part.loinc, part.display),
      ...valued(reading(body, part, day)),
    }));
    vital('us-core-blood-pressure', ['85354-9', 'Blood pressure panel with all children optional'], { component });
  }
  read('us-core-heart-rate', VITALS.heartRate);
  if (isBreathless || years < 18) read('us-core-respiratory-rate', VITALS.respiration);
  if (isBreathless) addOxygenSaturation(chart, body, visit);
  const height = quantity(body.heightCm(day), 1, 'cm');
  const weight = quantity(body.weightKg(day), 1, 'kg');
  vital('us-core-body-height', ['8302-2', 'Body height'], valued(height));
  vital('us-core-body-weight', ['29463-7', 'Body weight'], valued(weight));
  if (years >= 2) {
    const metres = (height.value as number) / 100;
    const bmi = quantity((weight.value as number) / (metres * metres), 2, 'kg/m2');
    vital('us-core-bmi', ['39156-5', 'Body mass index (BMI) [Ratio]'], valued(bmi));
  }
  if (years < 3) {
    const head = valued(quantity(body.headCm(day), 1, 'cm'));
    vital('us-core-head-circumference', ['9843-4', 'Head Occipital-frontal circumference'], head);
  }
}

/** The profile asks for two codes: of the measurement, and of how it is measured. */
function addOxygenSaturation(chart: Chart, body: Body, visit: Visit): void {
  const { loinc, display } = VITALS.oxygen;
  chart.observe(visit, 'us-core-pulse-oximetry', 'vital-signs', [loinc, display], {
    ...valued(reading(body, VITALS.oxygen, visit.day)),
    code: {
      coding: [
        { system: LOINC, code: loinc, display },
        { system: LOINC, code: '2708-6', display: 'Oxygen saturation in Arterial blood' },
      ],
      text: display,
    },
  });
}

/** Body temperature of somebody, raised by `feverCelsius`. */
export function addTemperature(chart: Chart, body: Body, visit: Visit, feverCelsius: number): void {
  const { loinc, display, decimals, unit } = VITALS.temperature;
  const value = quantity(body.read(VITALS.temperature, visit.day) + feverCelsius, decimals, unit);
  chart.observe(visit, 'us-core-body-temperature', 'vital-signs', [loinc, display], valued(value));
}

/** Orders tests and writes down what they show; a panel also gives a report. */
export function addTests(
  chart: Chart,
  random: Random,
  body: Body,
  visit: Visit,
  names: Iterable<TestName>,
): Reference<Observation>[] {
  const observations: Reference<Observation>[] = [];
  for (const name of names) {
    const panel = TESTS[name];
    const result = panel.measurements.map((measurement) => addMeasurement(chart, body, visit, panel, measurement));
    if (panel.report !== undefined) addReport(chart, random, visit, panel.report, result);
    observations.push(...result);
  }
  return observations;
}

const PROFILES = {
  lab: 'us-core-observation-lab',
  survey: 'us-core-observation-screening-assessment',
  'clinical-result': 'us-core-observation-clinical-result',
} as const;

function addMeasurement(
  chart: Chart,
  body: Body,
  visit: Visit,
  panel: Panel,
  measurement: Measurement,
): Reference<Observation> {
  const { loinc, display, normal } = measurement;
  const category = panel.category ?? (panel.kind === 'lab' ? 'laboratory' : 'survey');
  const value = reading(body, measurement, visit.day);
  return chart.observe(visit, PROFILES[panel.kind], category, [loinc, display], {
    ...valued(value),
    ...(normal !== undefined && {
      interpretation: [interpretationOf(value.value as number, normal)],
      referenceRange: [{ low: bound(measurement, normal[0]), high: bound(measurement, normal[1]) }],
    }),
  });
}

function bound({ decimals, unit, ucum }: Measurement, value: number) {
  return quantity(value, decimals, unit, ucum);
}

function interpretationOf(value: number, [low, high]: readonly [number, number]): CodeableConcept {
  if (value < low) return hl7Concept('v3-ObservationInterpretation', 'L', 'Low');
  if (value > high) return hl7Concept('v3-ObservationInterpretation', 'H', 'High');
  return hl7Concept('v3-ObservationInterpretation', 'N', 'Normal');
}

function addReport(
  chart: Chart,
  random: Random,
  visit: Visit,
  report: readonly [string, string],
  result: Reference<Observation>[],
): void {
  chart.add<DiagnosticReport>({
    resourceType: 'DiagnosticReport',
    id: random.uuid(),
    meta: profiled('us-core-diagnosticreport-lab', visit.sensitivity),
    status: 'final',
    category: [hl7Concept('v2-0074', 'LAB', 'Laboratory')],
    code: concept(LOINC, report[0], report[1]),
    subject: chart.subject,
    encounter: visit.encounter,
    effectiveDateTime: visit.at,
    issued: visit.at,
    performer: [visit.practitioner],
    result,
  });
}

const SMOKING: Readonly<Record<Smoking, readonly [code: string, display: string]>> = {
  never: ['266919005', 'Never smoked tobacco'],
  former: ['8517006', 'Ex-smoker'],
  daily: ['449868002', 'Smokes tobacco daily'],
};

/** Smoking status, asked of adults. */
export function addSmokingStatus(chart: Chart, visit: Visit, smoking: Smoking): void {
  const [code, display] = SMOKING[smoking];
  chart.observe(visit, 'us-core-smokingstatus', 'social-history', ['72166-2', 'Tobacco smoking status'], {
    valueCodeableConcept: concept(SNOMED, code, display),
  });
}
