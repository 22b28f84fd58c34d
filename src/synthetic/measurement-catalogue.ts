import type { ChronicName } from './condition-catalogue.ts';

/** A LOINC measurement: what it reads in the healthy, how a disease moves it, and how it is written. */
export interface Measurement {
  readonly loinc: string;
  readonly display: string;
  readonly unit: string;
  /** UCUM code where it differs from `unit`. */
  readonly ucum?: string;
  readonly decimals: number;
  readonly mean: number;
  readonly deviation: number;
  readonly low: number;
  readonly high: number;
  /** Added to the mean while the person has the disease. */
  readonly shift?: Partial<Readonly<Record<ChronicName, number>>>;
}

export interface Panel {
  readonly loinc: string;
  readonly display: string;
  readonly tests: readonly Measurement[];
}

const bloodCount: Panel = {
  loinc: '58410-2',
  display: 'CBC panel - Blood by Automated count',
  tests: [
    {
      loinc: '6690-2',
      display: 'Leukocytes [#/volume] in Blood by Automated count',
      unit: '10*3/uL',
      decimals: 1,
      mean: 7,
      deviation: 1.6,
      low: 2.5,
      high: 18,
    },
    {
      loinc: '789-8',
      display: 'Erythrocytes [#/volume] in Blood by Automated count',
      unit: '10*6/uL',
      decimals: 2,
      mean: 4.7,
      deviation: 0.35,
      low: 3,
      high: 6.2,
      shift: { kidney: -0.4 },
    },
    {
      loinc: '718-7',
      display: 'Hemoglobin [Mass/volume] in Blood',
      unit: 'g/dL',
      decimals: 1,
      mean: 14,
      deviation: 1.1,
      low: 8,
      high: 18,
      shift: { kidney: -1.4 },
    },
    {
      loinc: '4544-3',
      display: 'Hematocrit [Volume Fraction] of Blood by Automated count',
      unit: '%',
      decimals: 1,
      mean: 42,
      deviation: 3,
      low: 25,
      high: 54,
      shift: { kidney: -4 },
    },
    {
      loinc: '777-3',
      display: 'Platelets [#/volume] in Blood by Automated count',
      unit: '10*3/uL',
      decimals: 0,
      mean: 250,
      deviation: 50,
      low: 90,
      high: 480,
    },
  ],
};

const lipids: Panel = {
  loinc: '24331-1',
  display: 'Lipid 1996 panel - Serum or Plasma',
  tests: [
    {
      loinc: '2093-3',
      display: 'Cholesterol [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      decimals: 0,
      mean: 185,
      deviation: 22,
      low: 110,
      high: 340,
      shift: { hyperlipidemia: 45 },
    },
    {
      loinc: '2571-8',
      display: 'Triglyceride [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      decimals: 0,
      mean: 115,
      deviation: 30,
      low: 40,
      high: 420,
      shift: { hyperlipidemia: 60, diabetes: 40 },
    },
    {
      loinc: '2085-9',
      display: 'Cholesterol in HDL [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      decimals: 0,
      mean: 55,
      deviation: 10,
      low: 25,
      high: 95,
      shift: { obesity: -7 },
    },
    {
      loinc: '13457-7',
      display: 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation',
      unit: 'mg/dL',
      decimals: 0,
      mean: 108,
      deviation: 18,
      low: 40,
      high: 240,
      shift: { hyperlipidemia: 38 },
    },
  ],
};

const metabolic: Panel = {
  loinc: '24321-2',
  display: 'Basic metabolic 2000 panel - Serum or Plasma',
  tests: [
    {
      loinc: '2345-7',
      display: 'Glucose [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      decimals: 0,
      mean: 92,
      deviation: 8,
      low: 62,
      high: 320,
      shift: { diabetes: 52 },
    },
    {
      loinc: '2160-0',
      display: 'Creatinine [Mass/volume] in Serum or Plasma',
      unit: 'mg/dL',
      decimals: 2,
      mean: 0.9,
      deviation: 0.14,
      low: 0.5,
      high: 3.2,
      shift: { kidney: 0.75 },
    },
    {
      loinc: '2951-2',
      display: 'Sodium [Moles/volume] in Serum or Plasma',
      unit: 'mmol/L',
      decimals: 0,
      mean: 140,
      deviation: 2.2,
      low: 130,
      high: 149,
    },
    {
      loinc: '2823-3',
      display: 'Potassium [Moles/volume] in Serum or Plasma',
      unit: 'mmol/L',
      decimals: 1,
      mean: 4.2,
      deviation: 0.3,
      low: 3.1,
      high: 5.9,
      shift: { kidney: 0.4 },
    },
  ],
};

export const PANELS = { bloodCount, lipids, metabolic } as const;

export const HBA1C: Measurement = {
  loinc: '4548-4',
  display: 'Hemoglobin A1c/Hemoglobin.total in Blood',
  unit: '%',
  decimals: 1,
  mean: 5.3,
  deviation: 0.25,
  low: 4.4,
  high: 12,
  shift: { diabetes: 2 },
};
export const VIRAL_LOAD: Measurement = {
  loinc: '20447-9',
  display: 'HIV 1 RNA [#/volume] (viral load) in Serum or Plasma by NAA with probe detection',
  unit: 'copies/mL',
  ucum: '{copies}/mL',
  decimals: 0,
  mean: 60,
  deviation: 30,
  low: 20,
  high: 400,
};
export const PHQ9: Measurement = {
  loinc: '44261-6',
  display: 'Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]',
  unit: '{score}',
  decimals: 0,
  mean: 3,
  deviation: 1.5,
  low: 0,
  high: 27,
  shift: { depression: 9 },
};

export const VITALS = {
  systolic: {
    loinc: '8480-6',
    display: 'Systolic blood pressure',
    unit: 'mmHg',
    ucum: 'mm[Hg]',
    decimals: 0,
    mean: 116,
    deviation: 8,
    low: 85,
    high: 210,
    shift: { hypertension: 22, obesity: 5 },
  },
  diastolic: {
    loinc: '8462-4',
    display: 'Diastolic blood pressure',
    unit: 'mmHg',
    ucum: 'mm[Hg]',
    decimals: 0,
    mean: 74,
    deviation: 6,
    low: 48,
    high: 120,
    shift: { hypertension: 13 },
  },
  heartRate: {
    loinc: '8867-4',
    display: 'Heart rate',
    unit: 'beats/minute',
    ucum: '/min',
    decimals: 0,
    mean: 72,
    deviation: 8,
    low: 45,
    high: 130,
    shift: { fibrillation: 14 },
  },
} as const satisfies Readonly<Record<string, Measurement>>;
