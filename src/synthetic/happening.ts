import type { Condition, Reference } from '@medplum/fhirtypes';
import type { Body } from './body.ts';
import type { Chart } from './chart.ts';
import type { ChronicName } from './condition-catalogue.ts';
import type { History } from './history.ts';
import { YEAR_DAYS } from './population.ts';
import type { Prescriptions } from './prescriptions.ts';
import type { Random } from './random.ts';

/** One thing that happens on a day; written in order of time. */
export interface Happening {
  readonly day: number;
  write(): void;
}

/** What everything that happens to somebody is written with. */
export interface Telling {
  readonly chart: Chart;
  readonly random: Random;
  readonly history: History;
  readonly body: Body;
  /** From when on everything is recorded; before it, only what was found and given. */
  readonly firstDay: number;
  readonly prescriptions: Prescriptions;
  /** Conditions on the problem list, once they are found. */
  readonly problems: Map<ChronicName, Reference<Condition>>;
}

/** Years lived on a day, with the part of one. */
export function yearsOn({ history }: Telling, day: number): number {
  return (day - history.birthDay) / YEAR_DAYS;
}
