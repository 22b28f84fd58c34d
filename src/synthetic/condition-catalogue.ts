import type { Disease } from './disease.ts';
import { MIND_AND_BODY } from './mind-body-catalogue.ts';

/*
 * Chronic diseases. Shares are orders of magnitude of the United States, from what the CDC and its surveys publish
 * (NHIS 2018 to 2022, NHANES 2017 to 2020, National Diabetes Statistics Report 2022, SEER for cancers, heart statistics
 * of the AHA 2023), smoothed over age: they make a population plausible and are no source for anything else. What
 * raises the risk of another stands before it.
 */
const METABOLIC = {
  // NHANES 2017–2020: 42 % of adults, 20 % of children.
  obesity: {
    snomed: ['414916001', 'Obesity'],
    icd: ['E66.9', 'Obesity, unspecified'],
    ever: [
      [3, 0],
      [6, 0.12],
      [12, 0.2],
      [19, 0.23],
      [30, 0.37],
      [45, 0.43],
      [90, 0.43],
    ],
    remission: { chance: 0.1, years: 15 },
    planning: {
      plan: ['734163000', 'Care plan'],
      activities: [['229065009', 'Exercise therapy']],
      goal: 'Body mass index below 30 kg/m2',
      target: { measure: ['39156-5', 'Body mass index (BMI) [Ratio]'], below: 30, unit: 'kg/m2' },
    },
  },
  // NHIS 2019, diagnosed: about 13 % at 18–44, 41 % at 45–64, 61 % from 65 on.
  hypertension: {
    snomed: ['59621000', 'Essential hypertension'],
    icd: ['I10', 'Essential (primary) hypertension'],
    ever: [
      [18, 0],
      [30, 0.08],
      [45, 0.24],
      [60, 0.46],
      [75, 0.63],
      [90, 0.7],
    ],
    factors: [{ of: 'obesity', with: 1.3, without: 0.8 }],
    treatments: [
      { medicine: 'lisinopril', afterYears: 0, chance: 0.75 },
      { medicine: 'amlodipine', afterYears: 2, chance: 0.4 },
      { medicine: 'hydrochlorothiazide', afterYears: 5, chance: 0.25 },
    ],
    everyDays: 300,
    tests: ['metabolic'],
    hazard: 1.15,
    planning: {
      plan: ['734163000', 'Care plan'],
      activities: [['183063000', 'Low salt diet education']],
      goal: 'Systolic blood pressure below 140 mmHg',
      target: { measure: ['8480-6', 'Systolic blood pressure'], below: 140, unit: 'mm[Hg]' },
    },
  },
  // NDSR 2022, diagnosed: 3 % at 18–44, 15 % at 45–64, 24 % from 65 on.
  diabetes: {
    snomed: ['44054006', 'Diabetes mellitus type 2'],
    icd: ['E11.9', 'Type 2 diabetes mellitus without complications'],
    ever: [
      [18, 0],
      [35, 0.025],
      [45, 0.075],
      [55, 0.14],
      [65, 0.2],
      [75, 0.24],
      [90, 0.25],
    ],
    factors: [{ of: 'obesity', with: 1.65, without: 0.5 }],
    treatments: [
      { medicine: 'metformin', afterYears: 0, chance: 0.8 },
      { medicine: 'empagliflozin', afterYears: 4, chance: 0.35 },
      { medicine: 'insulin', afterYears: 9, chance: 0.3 },
    ],
    everyDays: 180,
    tests: ['hba1c', 'metabolic', 'albumin'],
    hazard: 1.5,
    planning: {
      plan: ['698360004', 'Diabetes self management plan'],
      activities: [
        ['160670007', 'Diabetic diet'],
        ['229065009', 'Exercise therapy'],
      ],
      goal: 'Hemoglobin A1c below 7 %',
      target: { measure: ['4548-4', 'Hemoglobin A1c/Hemoglobin.total in Blood'], below: 7, unit: '%' },
    },
  },
  type1: {
    snomed: ['46635009', 'Diabetes mellitus type 1'],
    icd: ['E10.9', 'Type 1 diabetes mellitus without complications'],
    ever: [
      [2, 0],
      [14, 0.003],
      [30, 0.005],
    ],
    treatments: [{ medicine: 'insulin', afterYears: 0, chance: 1 }],
    everyDays: 150,
    tests: ['hba1c'],
    hazard: 2,
  },
  // NHIS: about a third of adults were told that their cholesterol is high, half of those from 65 on.
  hyperlipidemia: {
    snomed: ['55822004', 'Hyperlipidemia'],
    icd: ['E78.5', 'Hyperlipidemia, unspecified'],
    ever: [
      [20, 0],
      [35, 0.1],
      [50, 0.3],
      [65, 0.48],
      [90, 0.53],
    ],
    factors: [{ of: 'obesity', with: 1.2, without: 0.86 }],
    treatments: [{ medicine: 'atorvastatin', afterYears: 0, chance: 0.65 }],
    everyDays: 365,
    tests: ['lipids'],
    planning: {
      plan: ['736285004', 'Hyperlipidemia clinical management plan'],
      activities: [['229065009', 'Exercise therapy']],
      goal: 'LDL cholesterol below 100 mg/dL',
      target: {
        measure: ['13457-7', 'Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation'],
        below: 100,
        unit: 'mg/dL',
      },
    },
  },
  hypothyroidism: {
    snomed: ['40930008', 'Hypothyroidism'],
    icd: ['E03.9', 'Hypothyroidism, unspecified'],
    ever: {
      female: [
        [18, 0],
        [40, 0.05],
        [65, 0.11],
        [85, 0.13],
      ],
      male: [
        [25, 0],
        [65, 0.03],
        [85, 0.05],
      ],
    },
    treatments: [{ medicine: 'levothyroxine', afterYears: 0, chance: 0.9 }],
    everyDays: 365,
    tests: ['tsh'],
  },
  gout: {
    snomed: ['90560007', 'Gout'],
    icd: ['M10.9', 'Gout, unspecified'],
    ever: {
      female: [
        [45, 0],
        [80, 0.04],
      ],
      male: [
        [30, 0],
        [60, 0.06],
        [80, 0.11],
      ],
    },
    treatments: [{ medicine: 'allopurinol', afterYears: 1, chance: 0.6 }],
    everyDays: 365,
    tests: ['urate'],
  },
  anemia: {
    snomed: ['87522002', 'Iron deficiency anemia'],
    icd: ['D50.9', 'Iron deficiency anemia, unspecified'],
    ever: {
      female: [
        [12, 0],
        [30, 0.08],
        [50, 0.14],
        [90, 0.2],
      ],
      male: [
        [50, 0],
        [90, 0.09],
      ],
    },
    remission: { chance: 0.8, years: 2 },
    treatments: [{ medicine: 'iron', afterYears: 0, chance: 0.85 }],
    everyDays: 365,
    tests: ['bloodCount', 'ferritin'],
  },
} as const satisfies Readonly<Record<string, Disease>>;

const HEART_KIDNEY_LUNG = {
  // CDC 2021: a third from 65 on; mild stages are not diagnosed.
  kidney: {
    snomed: ['433144002', 'Chronic kidney disease stage 3'],
    icd: ['N18.30', 'Chronic kidney disease, stage 3 unspecified'],
    ever: [
      [40, 0],
      [55, 0.04],
      [65, 0.1],
      [75, 0.2],
      [88, 0.32],
    ],
    factors: [
      { of: 'hypertension', with: 1.3, without: 0.6 },
      { of: 'diabetes', with: 1.7, without: 0.85 },
    ],
    everyDays: 180,
    tests: ['metabolic', 'bloodCount', 'albumin'],
    hazard: 1.4,
    stages: [
      {
        belowEgfr: 30,
        snomed: ['431857002', 'Chronic kidney disease stage 4'],
        icd: ['N18.4', 'Chronic kidney disease, stage 4 (severe)'],
      },
      {
        belowEgfr: 15,
        snomed: ['433146000', 'Chronic kidney disease stage 5'],
        icd: ['N18.5', 'Chronic kidney disease, stage 5'],
      },
    ],
  },
  // AHA 2023: 7 % of adults, twice as many men, about a fifth of those over 75.
  coronary: {
    snomed: ['53741008', 'Coronary arteriosclerosis'],
    icd: ['I25.10', 'Atherosclerotic heart disease of native coronary artery without angina pectoris'],
    ever: {
      female: [
        [45, 0],
        [60, 0.04],
        [75, 0.11],
        [90, 0.2],
      ],
      male: [
        [38, 0],
        [55, 0.07],
        [65, 0.13],
        [75, 0.22],
        [90, 0.3],
      ],
    },
    factors: [
      { of: 'diabetes', with: 1.6, without: 0.88 },
      { of: 'smoking', with: 1.25, without: 0.87 },
    ],
    treatments: [
      { medicine: 'aspirin', afterYears: 0, chance: 0.8 },
      { medicine: 'atorvastatin', afterYears: 0, chance: 0.8 },
      { medicine: 'clopidogrel', afterYears: 0, chance: 0.35 },
    ],
    everyDays: 180,
    tests: ['lipids', 'metabolic'],
    procedure: ['29303009', 'Electrocardiographic procedure'],
    hazard: 1.5,
    attacks: [
      {
        snomed: ['22298006', 'Myocardial infarction'],
        icd: ['I21.9', 'Acute myocardial infarction, unspecified'],
        perYear: 0.025,
        days: 28,
        isEmergency: true,
        admittedDays: 5,
        procedure: ['415070008', 'Percutaneous coronary intervention'],
      },
    ],
  },
  // About 2 % at 65, a tenth at 85.
  fibrillation: {
    snomed: ['49436004', 'Atrial fibrillation'],
    icd: ['I48.91', 'Unspecified atrial fibrillation'],
    ever: [
      [45, 0],
      [65, 0.035],
      [75, 0.08],
      [85, 0.13],
      [95, 0.17],
    ],
    treatments: [{ medicine: 'warfarin', afterYears: 0, chance: 0.7 }],
    everyDays: 90,
    tests: ['inr'],
    procedure: ['29303009', 'Electrocardiographic procedure'],
    hazard: 1.3,
  },
  heartFailure: {
    snomed: ['88805009', 'Chronic congestive heart failure'],
    icd: ['I50.9', 'Heart failure, unspecified'],
    ever: [
      [50, 0],
      [65, 0.025],
      [75, 0.06],
      [85, 0.11],
      [95, 0.15],
    ],
    factors: [{ of: 'coronary', with: 2.6, without: 0.75 }],
    treatments: [
      { medicine: 'carvedilol', afterYears: 0, chance: 0.8 },
      { medicine: 'furosemide', afterYears: 0, chance: 0.8 },
      { medicine: 'spironolactone', afterYears: 1, chance: 0.4 },
    ],
    everyDays: 120,
    tests: ['natriureticPeptide', 'metabolic', 'ejection'],
    procedure: ['433236007', 'Transthoracic echocardiography'],
    hazard: 2.4,
    planning: {
      plan: ['735984001', 'Heart failure self management plan'],
      activities: [['183063000', 'Low salt diet education']],
      goal: 'No admission for heart failure within a year',
    },
    attacks: [
      {
        snomed: ['195111005', 'Decompensated cardiac failure'],
        icd: ['I50.9', 'Heart failure, unspecified'],
        perYear: 0.18,
        days: 21,
        isEmergency: true,
        admittedDays: 6,
      },
    ],
  },
  stroke: {
    snomed: ['230690007', 'Cerebrovascular accident'],
    icd: ['I63.9', 'Cerebral infarction, unspecified'],
    ever: [
      [45, 0],
      [65, 0.04],
      [80, 0.1],
      [92, 0.15],
    ],
    factors: [
      { of: 'hypertension', with: 1.3, without: 0.5 },
      { of: 'fibrillation', with: 2, without: 0.9 },
    ],
    treatments: [{ medicine: 'aspirin', afterYears: 0, chance: 0.7 }],
    admittedDays: 6,
    hazard: 1.6,
  },
  // CDC 2020: 8 % of adults, 6 to 9 % of children; boys first, women later.
  asthma: {
    snomed: ['195967001', 'Asthma'],
    icd: ['J45.909', 'Unspecified asthma, uncomplicated'],
    ever: {
      female: [
        [2, 0],
        [12, 0.09],
        [18, 0.11],
        [50, 0.17],
      ],
      male: [
        [2, 0],
        [10, 0.11],
        [18, 0.12],
        [50, 0.14],
      ],
    },
    remission: { chance: 0.4, years: 12 },
    treatments: [
      { medicine: 'albuterol', afterYears: 0, chance: 0.95 },
      { medicine: 'fluticasone', afterYears: 1, chance: 0.5 },
    ],
    everyDays: 365,
    tests: ['spirometry'],
    procedure: ['127783003', 'Spirometry'],
    planning: {
      plan: ['699728000', 'Asthma self management'],
      activities: [['229298005', 'Breathing control']],
      goal: 'No asthma attack within a year',
    },
    attacks: [
      {
        snomed: ['708038006', 'Acute exacerbation of asthma'],
        icd: ['J45.901', 'Unspecified asthma with (acute) exacerbation'],
        perYear: 0.1,
        days: 10,
        medicine: 'prednisone',
        isEmergency: true,
      },
    ],
  },
  // CDC 2020: 6 % of adults, 12 % from 65 on.
  copd: {
    snomed: ['13645005', 'Chronic obstructive lung disease'],
    icd: ['J44.9', 'Chronic obstructive pulmonary disease, unspecified'],
    ever: [
      [40, 0],
      [55, 0.06],
      [65, 0.1],
      [75, 0.13],
      [90, 0.14],
    ],
    factors: [{ of: 'smoking', with: 2.1, without: 0.4 }],
    treatments: [
      { medicine: 'tiotropium', afterYears: 0, chance: 0.7 },
      { medicine: 'fluticasone', afterYears: 3, chance: 0.4 },
    ],
    everyDays: 180,
    tests: ['spirometry'],
    procedure: ['127783003', 'Spirometry'],
    hazard: 1.8,
    attacks: [
      {
        snomed: ['195951007', 'Acute exacerbation of chronic obstructive airways disease'],
        icd: ['J44.1', 'Chronic obstructive pulmonary disease with (acute) exacerbation'],
        perYear: 0.25,
        days: 14,
        medicine: 'prednisone',
        isEmergency: true,
        admittedDays: 4,
      },
    ],
  },
  apnea: {
    snomed: ['78275009', 'Obstructive sleep apnea syndrome'],
    icd: ['G47.33', 'Obstructive sleep apnea (adult) (pediatric)'],
    ever: [
      [25, 0],
      [50, 0.07],
      [70, 0.1],
    ],
    factors: [{ of: 'obesity', with: 1.8, without: 0.4 }],
  },
} as const satisfies Readonly<Record<string, Disease>>;

/** Chronic diseases by name, causes before what they cause. */
export const CHRONIC = { ...METABOLIC, ...HEART_KIDNEY_LUNG, ...MIND_AND_BODY } as const satisfies Readonly<
  Record<string, Disease>
>;

/** Name of a chronic disease, e.g. for the measurements that it moves. */
export type ChronicName = keyof typeof CHRONIC;
