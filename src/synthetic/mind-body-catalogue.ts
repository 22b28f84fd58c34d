import type { Disease } from './disease.ts';

/*
 * Chronic diseases of mind, nerves, bones, skin and blood, cancers, and complications; sources as in
 * `condition-catalogue.ts`.
 */
const MIND_NERVES = {
  // NHIS 2019 and NCS-R: a fifth of women and a tenth of men once in their lives, half of it passes.
  depression: {
    snomed: ['370143000', 'Major depressive disorder'],
    icd: ['F32.9', 'Major depressive disorder, single episode, unspecified'],
    ever: {
      female: [
        [12, 0],
        [18, 0.08],
        [30, 0.15],
        [60, 0.23],
      ],
      male: [
        [12, 0],
        [18, 0.04],
        [30, 0.08],
        [60, 0.13],
      ],
    },
    remission: { chance: 0.5, years: 8 },
    sensitivity: 'PSY',
    treatments: [{ medicine: 'sertraline', afterYears: 0, chance: 0.65 }],
    everyDays: 200,
    tests: ['phq9'],
    hazard: 1.2,
  },
  anxiety: {
    snomed: ['21897009', 'Generalized anxiety disorder'],
    icd: ['F41.1', 'Generalized anxiety disorder'],
    ever: {
      female: [
        [12, 0],
        [20, 0.05],
        [50, 0.09],
      ],
      male: [
        [12, 0],
        [20, 0.02],
        [50, 0.05],
      ],
    },
    remission: { chance: 0.4, years: 10 },
    sensitivity: 'PSY',
    treatments: [{ medicine: 'escitalopram', afterYears: 0, chance: 0.5 }],
    everyDays: 240,
    tests: ['gad7'],
  },
  bipolar: {
    snomed: ['13746004', 'Bipolar disorder'],
    icd: ['F31.9', 'Bipolar disorder, unspecified'],
    ever: [
      [16, 0],
      [40, 0.02],
    ],
    sensitivity: 'PSY',
    treatments: [{ medicine: 'lithium', afterYears: 0, chance: 0.6 }],
    everyDays: 180,
    tests: ['phq9'],
  },
  // CDC 2016–2019: a tenth of children, twice as many boys.
  attention: {
    snomed: ['406506008', 'Attention deficit hyperactivity disorder'],
    icd: ['F90.9', 'Attention-deficit hyperactivity disorder, unspecified type'],
    ever: {
      female: [
        [4, 0],
        [12, 0.065],
      ],
      male: [
        [4, 0],
        [12, 0.13],
      ],
    },
    remission: { chance: 0.75, years: 14 },
    sensitivity: 'PSY',
    treatments: [{ medicine: 'methylphenidate', afterYears: 0, chance: 0.6 }],
    everyDays: 240,
  },
  alcohol: {
    snomed: ['66590003', 'Alcohol dependence'],
    icd: ['F10.20', 'Alcohol dependence, uncomplicated'],
    ever: {
      female: [
        [18, 0],
        [50, 0.04],
      ],
      male: [
        [18, 0],
        [50, 0.085],
      ],
    },
    remission: { chance: 0.35, years: 15 },
    sensitivity: 'ETH',
    treatments: [{ medicine: 'naltrexone', afterYears: 1, chance: 0.3 }],
    everyDays: 240,
    tests: ['auditc'],
    hazard: 1.8,
  },
  // CDC 2021: 0.4 % of those over 13; the label's share is a little higher here.
  hiv: {
    snomed: ['86406008', 'Human immunodeficiency virus infection'],
    icd: ['B20', 'Human immunodeficiency virus [HIV] disease'],
    ever: {
      female: [
        [18, 0],
        [55, 0.003],
      ],
      male: [
        [18, 0],
        [35, 0.007],
        [55, 0.012],
      ],
    },
    sensitivity: 'HIV',
    treatments: [{ medicine: 'dolutegravir', afterYears: 0.2, chance: 0.95 }],
    everyDays: 180,
    tests: ['viralLoad', 'cd4'],
    hazard: 1.5,
  },
  migraine: {
    snomed: ['37796009', 'Migraine'],
    icd: ['G43.909', 'Migraine, unspecified, not intractable, without status migrainosus'],
    ever: {
      female: [
        [10, 0],
        [18, 0.08],
        [40, 0.19],
      ],
      male: [
        [10, 0],
        [18, 0.04],
        [40, 0.08],
      ],
    },
    remission: { chance: 0.35, years: 30 },
    treatments: [{ medicine: 'sumatriptan', afterYears: 0, chance: 0.6 }],
  },
  epilepsy: {
    snomed: ['84757009', 'Epilepsy'],
    icd: ['G40.909', 'Epilepsy, unspecified, not intractable, without status epilepticus'],
    ever: [
      [0.5, 0],
      [10, 0.006],
      [60, 0.011],
      [80, 0.016],
    ],
    treatments: [{ medicine: 'levetiracetam', afterYears: 0, chance: 0.9 }],
    everyDays: 240,
  },
  // Alzheimer’s Association 2023: 5 % at 65–74, 13 % at 75–84, 33 % from 85 on.
  dementia: {
    snomed: ['26929004', "Alzheimer's disease"],
    icd: ['G30.9', "Alzheimer's disease, unspecified"],
    ever: [
      [63, 0],
      [70, 0.03],
      [80, 0.13],
      [88, 0.3],
      [96, 0.4],
    ],
    treatments: [{ medicine: 'donepezil', afterYears: 0, chance: 0.5 }],
    everyDays: 180,
    tests: ['cognition'],
    hazard: 2,
  },
} as const satisfies Readonly<Record<string, Disease>>;

const BONES_SKIN_GUT = {
  reflux: {
    snomed: ['235595009', 'Gastroesophageal reflux disease'],
    icd: ['K21.9', 'Gastro-esophageal reflux disease without esophagitis'],
    ever: [
      [20, 0],
      [40, 0.1],
      [60, 0.19],
    ],
    treatments: [{ medicine: 'omeprazole', afterYears: 0, chance: 0.7 }],
  },
  knee: {
    snomed: ['239873007', 'Osteoarthritis of knee'],
    icd: ['M17.9', 'Osteoarthritis of knee, unspecified'],
    ever: [
      [40, 0],
      [60, 0.13],
      [75, 0.24],
      [90, 0.3],
    ],
    factors: [{ of: 'obesity', with: 1.3, without: 0.8 }],
    treatments: [{ medicine: 'naproxen', afterYears: 0, chance: 0.5 }],
  },
  // NHANES 2017–2018, from 65 on: 27 % of women, 6 % of men.
  osteoporosis: {
    snomed: ['64859006', 'Osteoporosis'],
    icd: ['M81.0', 'Age-related osteoporosis without current pathological fracture'],
    ever: {
      female: [
        [50, 0],
        [65, 0.17],
        [80, 0.34],
      ],
      male: [
        [60, 0],
        [80, 0.09],
      ],
    },
    treatments: [{ medicine: 'alendronate', afterYears: 0, chance: 0.6 }],
    everyDays: 700,
    tests: ['boneDensity'],
    procedure: ['312681000', 'Bone density scan'],
    attacks: [
      {
        snomed: ['359817006', 'Closed fracture of hip'],
        icd: ['S72.009A', 'Fracture of unspecified part of neck of unspecified femur, initial encounter'],
        perYear: 0.015,
        days: 90,
        isEmergency: true,
        admittedDays: 7,
      },
    ],
  },
  rheumatoid: {
    snomed: ['69896004', 'Rheumatoid arthritis'],
    icd: ['M06.9', 'Rheumatoid arthritis, unspecified'],
    ever: {
      female: [
        [25, 0],
        [65, 0.014],
      ],
      male: [
        [30, 0],
        [65, 0.006],
      ],
    },
    treatments: [{ medicine: 'methotrexate', afterYears: 0, chance: 0.75 }],
    everyDays: 180,
    tests: ['bloodCount', 'liver'],
  },
  rhinitis: {
    snomed: ['367498001', 'Seasonal allergic rhinitis'],
    icd: ['J30.2', 'Other seasonal allergic rhinitis'],
    ever: [
      [3, 0],
      [15, 0.13],
      [30, 0.18],
    ],
    treatments: [{ medicine: 'loratadine', afterYears: 0, chance: 0.6 }],
  },
  eczema: {
    snomed: ['24079001', 'Atopic dermatitis'],
    icd: ['L20.9', 'Atopic dermatitis, unspecified'],
    ever: [
      [0.2, 0],
      [2, 0.1],
      [12, 0.13],
      [40, 0.16],
    ],
    remission: { chance: 0.6, years: 10 },
  },
  prostate: {
    snomed: ['266569009', 'Benign prostatic hyperplasia'],
    icd: ['N40.0', 'Benign prostatic hyperplasia without lower urinary tract symptoms'],
    ever: {
      male: [
        [45, 0],
        [65, 0.2],
        [85, 0.35],
      ],
    },
    treatments: [{ medicine: 'tamsulosin', afterYears: 0, chance: 0.6 }],
  },
} as const satisfies Readonly<Record<string, Disease>>;

/** Shares of those alive who were ever diagnosed; most are past it (SEER prevalence, rounded). */
const CANCERS = {
  breastCancer: {
    snomed: ['254837009', 'Malignant neoplasm of breast'],
    icd: ['C50.919', 'Malignant neoplasm of unspecified site of unspecified female breast'],
    ever: {
      female: [
        [30, 0],
        [50, 0.02],
        [65, 0.05],
        [80, 0.09],
      ],
    },
    remission: { chance: 0.85, years: 3 },
    treatments: [{ medicine: 'tamoxifen', afterYears: 0, chance: 0.7 }],
    everyDays: 180,
    tests: ['bloodCount'],
    procedure: ['392021009', 'Lumpectomy of breast'],
    hazard: 4,
  },
  prostateCancer: {
    snomed: ['399068003', 'Malignant tumor of prostate'],
    icd: ['C61', 'Malignant neoplasm of prostate'],
    ever: {
      male: [
        [50, 0],
        [65, 0.05],
        [80, 0.12],
      ],
    },
    remission: { chance: 0.5, years: 5 },
    treatments: [{ medicine: 'leuprolide', afterYears: 0.3, chance: 0.6 }],
    everyDays: 180,
    tests: ['psa'],
    hazard: 2,
  },
  colonCancer: {
    snomed: ['363406005', 'Malignant tumor of colon'],
    icd: ['C18.9', 'Malignant neoplasm of colon, unspecified'],
    ever: [
      [40, 0],
      [65, 0.012],
      [85, 0.035],
    ],
    remission: { chance: 0.65, years: 3 },
    everyDays: 180,
    tests: ['cea', 'bloodCount'],
    procedure: ['73761001', 'Colonoscopy'],
    hazard: 6,
  },
  lungCancer: {
    snomed: ['363358000', 'Malignant tumor of lung'],
    icd: ['C34.90', 'Malignant neoplasm of unspecified part of unspecified bronchus or lung'],
    ever: [
      [45, 0],
      [65, 0.008],
      [80, 0.02],
    ],
    factors: [{ of: 'smoking', with: 2.3, without: 0.3 }],
    remission: { chance: 0.3, years: 3 },
    everyDays: 120,
    tests: ['bloodCount'],
    hazard: 15,
  },
} as const satisfies Readonly<Record<string, Disease>>;

/** What comes of other diseases: shares by years since they were found. */
const COMPLICATIONS = {
  neuropathy: {
    snomed: ['368581000119106', 'Neuropathy due to type 2 diabetes mellitus'],
    icd: ['E11.40', 'Type 2 diabetes mellitus with diabetic neuropathy, unspecified'],
    after: 'diabetes',
    ever: [
      [1, 0.02],
      [10, 0.25],
      [25, 0.45],
    ],
    treatments: [{ medicine: 'gabapentin', afterYears: 0, chance: 0.5 }],
  },
  retinopathy: {
    snomed: ['4855003', 'Retinopathy due to diabetes mellitus'],
    icd: ['E11.319', 'Type 2 diabetes mellitus with unspecified diabetic retinopathy without macular edema'],
    after: 'diabetes',
    ever: [
      [3, 0.02],
      [10, 0.2],
      [25, 0.4],
    ],
  },
} as const satisfies Readonly<Record<string, Disease>>;

/** In an order in which causes come first, after those of `condition-catalogue.ts`. */
export const MIND_AND_BODY = { ...MIND_NERVES, ...BONES_SKIN_GUT, ...CANCERS, ...COMPLICATIONS } as const;
