import type { Sensitivity } from './coding.ts';
import type { Curve } from './curve.ts';
import type { TestName } from './measurement.ts';
import type { MedicineName } from './medicine-catalogue.ts';

/** What a diagnosis is coded as: SNOMED CT and ICD-10-CM, each code and display. */
export interface Diagnosis {
  readonly snomed: readonly [code: string, display: string];
  readonly icd: readonly [code: string, display: string];
}

/** A step of treatment: begun so many years after the diagnosis, in this share of the patients. */
export interface TreatmentStep {
  readonly medicine: MedicineName;
  readonly afterYears: number;
  readonly chance: number;
}

/** What makes a disease likelier, or less likely without it; chosen so that the population's share stays about the same. */
export interface RiskFactor {
  /** Name of a chronic disease that stands before in the catalogue, or `smoking`. */
  readonly of: string;
  readonly with: number;
  readonly without: number;
}

/** A plan of care with its goal, where the disease is cared for by one. */
export interface CarePlanning {
  readonly plan: readonly [code: string, display: string];
  readonly activities: readonly (readonly [code: string, display: string])[];
  readonly goal: string;
  /** LOINC code and display of what the goal is measured by, and the value that it shall stay below. */
  readonly target?: { readonly measure: readonly [string, string]; readonly below: number; readonly unit: string };
}

/** A chronic disease of the generator's people. */
export interface Disease extends Diagnosis {
  /** Share of the people, by age, who were ever diagnosed: of all, or of women and men. */
  readonly ever: Curve | { readonly female?: Curve; readonly male?: Curve };
  /** Instead of by age: share by years since the diagnosis of another, which it complicates. `ever` is then ignored. */
  readonly after?: string;
  readonly factors?: readonly RiskFactor[];
  /** Share in whom it passes, and within how many years at most. */
  readonly remission?: { readonly chance: number; readonly years: number };
  readonly sensitivity?: Sensitivity;
  readonly treatments?: readonly TreatmentStep[];
  /** How often it is looked after; visits of several diseases are shared. */
  readonly everyDays?: number;
  /** What is measured then, and when it is found. */
  readonly tests?: readonly TestName[];
  readonly procedure?: readonly [code: string, display: string];
  /** Multiplies the yearly chance to die while it is active. */
  readonly hazard?: number;
  /** Days in hospital when it is found. */
  readonly admittedDays?: number;
  readonly planning?: CarePlanning;
  /** Worse stages, each from a glomerular filtration rate on (mL/min/1.73 m²). */
  readonly stages?: readonly (Diagnosis & { readonly belowEgfr: number })[];
  /** What it brings now and then. */
  readonly attacks?: readonly Attack[];
}

/** Something that comes and goes. */
export interface Episode extends Diagnosis {
  readonly days: number;
  readonly medicine?: MedicineName;
  readonly sensitivity?: Sensitivity;
  readonly procedure?: readonly [code: string, display: string];
  readonly hasFever?: boolean;
  /** An emergency; with `admittedDays` it goes on to a ward. */
  readonly isEmergency?: boolean;
  readonly admittedDays?: number;
}

/** An episode that a chronic disease brings, with its chance per year. */
export interface Attack extends Episode {
  readonly perYear: number;
}

/** An episode that strikes anybody: chance per year by age. */
export interface AcuteDisease extends Episode {
  readonly perYear: Curve;
  readonly sex?: 'female' | 'male';
  readonly fromYear?: number;
}
