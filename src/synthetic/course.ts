import { acuteVisits } from './acute-visits.ts';
import type { Happening, Telling } from './happening.ts';
import { illnessVisits } from './illness-visits.ts';
import { pregnancies } from './pregnancy.ts';
import { routineVisits } from './routine-visits.ts';

/** Writes a person's course into a chart, in order of time: nothing before birth, nothing after the last day. */
export function writeCourse(telling: Telling): void {
  const { birthDay, lastDay } = telling.history;
  const happenings: Happening[] = [
    ...illnessVisits(telling),
    ...acuteVisits(telling),
    ...pregnancies(telling),
    ...routineVisits(telling),
  ].filter(({ day }) => day >= birthDay && day <= lastDay);
  // Array.prototype.sort is stable: what falls on one day keeps the order above.
  happenings.sort((a, b) => a.day - b.day);
  for (const happening of happenings) happening.write();
  telling.prescriptions.close();
}
