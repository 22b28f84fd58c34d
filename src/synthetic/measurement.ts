import type { Curve } from './curve.ts';

/** How a disease or a medicine moves a measurement; amounts are those of an average case. */
export interface Effect {
  readonly add?: number;
  /** Added for each year since it began, up to `most` in all. */
  readonly perYear?: number;
  readonly most?: number;
  readonly times?: number;
  /** Days until a medicine works in full; 90 unless given. A disease counts at once. */
  readonly overDays?: number;
}

/** A LOINC measurement: what it reads in the healthy, what moves it, and how it is written. */
export interface Measurement {
  readonly loinc: string;
  readonly display: string;
  readonly unit: string;
  /** UCUM code where it differs from `unit`. */
  readonly ucum?: string;
  readonly decimals: number;
  readonly mean: number | { readonly female: number; readonly male: number };
  /** Added to the mean, by age in years. */
  readonly age?: Curve;
  readonly deviation: number;
  /** What it can read at all. */
  readonly low: number;
  readonly high: number;
  /** The laboratory's reference range. */
  readonly normal?: readonly [low: number, high: number];
  /** By name of a chronic disease or a medicine. */
  readonly effects?: readonly (readonly [cause: string, effect: Effect])[];
  /** Read from the filtration rate instead, which the body keeps. */
  readonly from?: 'creatinine' | 'filtration';
}

/** Measurements that belong together on a report; one alone has no report. */
export interface Panel {
  readonly kind: 'clinical-result' | 'lab' | 'survey';
  readonly report?: readonly [loinc: string, display: string];
  readonly measurements: readonly Measurement[];
  /** Category of HL7's list where it is no laboratory's. */
  readonly category?: 'imaging' | 'procedure';
}

/** What can be ordered. */
export type TestName =
  | ('albumin' | 'auditc' | 'bloodCount' | 'boneDensity' | 'cd4' | 'cea' | 'cognition' | 'ejection' | 'ferritin')
  | ('gad7' | 'hba1c' | 'inr' | 'lipids' | 'liver' | 'metabolic' | 'natriureticPeptide' | 'phq9' | 'psa')
  | ('spirometry' | 'tsh' | 'urate' | 'viralLoad');
