import type { CarePlan, CareTeam, Condition, Goal, Reference } from '@medplum/fhirtypes';
import { dayToDate } from './calendar.ts';
import type { Chart } from './chart.ts';
import { concept, LOINC, profiled, SNOMED } from './coding.ts';
import type { CarePlanning } from './disease.ts';
import type { Random } from './random.ts';

const ASSESS_PLAN = {
  coding: [{ system: 'http://hl7.org/fhir/us/core/CodeSystem/careplan-category', code: 'assess-plan' }],
};

/** A plan of care with its goal, from a day on; `isOver` where the patient has died. */
export function addCarePlan(
  chart: Chart,
  random: Random,
  { plan, activities, goal, target }: CarePlanning,
  {
    day,
    condition,
    isOver,
  }: { readonly day: number; readonly condition: Reference<Condition>; readonly isOver: boolean },
): void {
  const aim = chart.add<Goal>({
    resourceType: 'Goal',
    id: random.uuid(),
    meta: profiled('us-core-goal'),
    lifecycleStatus: isOver ? 'cancelled' : 'active',
    description: { text: goal },
    subject: chart.subject,
    startDate: dayToDate(day),
    ...(target !== undefined && {
      target: [
        {
          measure: concept(LOINC, target.measure[0], target.measure[1]),
          detailQuantity: {
            value: target.below,
            comparator: '<',
            unit: target.unit,
            system: 'http://unitsofmeasure.org',
            code: target.unit,
          },
          dueDate: dayToDate(day + 365),
        },
      ],
    }),
    addresses: [condition],
  });
  const activity = activities.map(([code, display]) => ({
    detail: {
      code: concept(SNOMED, code, display),
      status: isOver ? ('cancelled' as const) : ('in-progress' as const),
    },
  }));
  chart.add<CarePlan>({
    resourceType: 'CarePlan',
    id: random.uuid(),
    meta: profiled('us-core-careplan'),
    text: {
      status: 'generated',
      div: `<div xmlns="http://www.w3.org/1999/xhtml">${plan[1]}. ${goal}.</div>`,
    },
    status: isOver ? 'completed' : 'active',
    intent: 'plan',
    category: [ASSESS_PLAN, concept(SNOMED, plan[0], plan[1])],
    subject: chart.subject,
    period: { start: dayToDate(day) },
    addresses: [condition],
    goal: [aim],
    activity,
  });
}

/** The team of somebody who is cared for by a plan: the practitioner and the patient. */
export function addCareTeam(chart: Chart, random: Random, day: number, isOver: boolean): void {
  chart.add<CareTeam>({
    resourceType: 'CareTeam',
    id: random.uuid(),
    meta: profiled('us-core-careteam'),
    status: isOver ? 'inactive' : 'active',
    subject: chart.subject,
    period: { start: dayToDate(day) },
    participant: [
      {
        role: [{ coding: [{ system: SNOMED, code: '453231000124104', display: 'Primary care provider' }] }],
        member: chart.family,
      },
      {
        role: [{ coding: [{ system: SNOMED, code: '116154003', display: 'Patient' }] }],
        member: chart.subject,
      },
    ],
  });
}
