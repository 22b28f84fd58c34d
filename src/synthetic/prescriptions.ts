import type { Condition, MedicationRequest, Reference } from '@medplum/fhirtypes';
import { addDispense, addPrescription } from './care.ts';
import type { Chart, Visit } from './chart.ts';
import type { History, Treatment } from './history.ts';
import { MEDICINES, type MedicineName } from './medicine-catalogue.ts';
import type { Random } from './random.ts';

/** A prescription lasts a year; it is renewed at a visit shortly before. */
const RENEW_AFTER_DAYS = 320;
const REFILL_CHANCE = 0.6;

/** What somebody is prescribed over the years: one prescription of a medicine is in force at a time. */
export interface Prescriptions {
  /** Prescribes or renews what is due at a visit. */
  prescribe(visit: Visit, treatment: Treatment, reason: Reference<Condition>): void;
  /** Marks what ended: with the treatment, or with life. */
  close(): void;
}

export function createPrescriptions(
  chart: Chart,
  random: Random,
  { lastDay, deathDay }: History,
  firstDay: number,
): Prescriptions {
  const inForce = new Map<MedicineName, { day: number; request: MedicationRequest; treatment: Treatment }>();
  return {
    prescribe(visit, treatment, reason) {
      const { medicine, fromDay, untilDay } = treatment;
      const { day } = visit;
      const last = inForce.get(medicine);
      if (fromDay > day || (untilDay !== undefined && untilDay <= day)) return;
      if (last !== undefined && day - last.day < RENEW_AFTER_DAYS) return;
      if (last !== undefined) last.request.status = 'completed';
      const request = addPrescription(chart, random, visit, medicine, reason, 'active');
      inForce.set(medicine, { day, request, treatment });
      if (day < firstDay) return;
      addDispense(chart, random, request, medicine, { day, isRefill: false });
      const refillDay = day + MEDICINES[medicine].supplyDays + random.integer(-4, 4);
      const isRefilled = random.chance(REFILL_CHANCE);
      if (isRefilled && refillDay < (untilDay ?? lastDay)) {
        addDispense(chart, random, request, medicine, { day: refillDay, isRefill: true });
      }
    },
    close() {
      for (const { request, treatment, day } of inForce.values()) {
        if (treatment.untilDay !== undefined) request.status = 'completed';
        else if (deathDay !== undefined) request.status = 'stopped';
        else if (lastDay - day > 2 * RENEW_AFTER_DAYS) request.status = 'completed';
      }
    },
  };
}
