import type { Sensitivity } from './coding.ts';

/** A medicine that treats a condition: RxNorm concept and how it is taken. */
export interface Medicine {
  readonly code: string;
  readonly display: string;
  readonly instruction: string;
}

/** A disease of the generator's people. Shares are of those alive at `peakAge`, roughly as in US adults. */
export interface Disease {
  readonly snomed: readonly [code: string, display: string];
  readonly icd: readonly [code: string, display: string];
  /** Youngest age of onset, and the age from which `share` of the people have it. */
  readonly fromAge: number;
  readonly peakAge: number;
  readonly share: number;
  readonly sex?: 'female' | 'male';
  readonly sensitivity?: Sensitivity;
  readonly medicine?: Medicine;
}

const daily = 'Take one tablet by mouth once daily';
const asNeeded = 'Inhale two puffs as needed for wheezing';

/** Chronic diseases: they stay on the problem list. */
export const CHRONIC = {
  hypertension: {
    snomed: ['59621000', 'Essential hypertension'],
    icd: ['I10', 'Essential (primary) hypertension'],
    fromAge: 30,
    peakAge: 75,
    share: 0.62,
    medicine: { code: '314076', display: 'lisinopril 10 MG Oral Tablet', instruction: daily },
  },
  diabetes: {
    snomed: ['44054006', 'Diabetes mellitus type 2'],
    icd: ['E11.9', 'Type 2 diabetes mellitus without complications'],
    fromAge: 30,
    peakAge: 70,
    share: 0.24,
    medicine: {
      code: '860975',
      display: '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet',
      instruction: 'Take one tablet by mouth with the evening meal',
    },
  },
  hyperlipidemia: {
    snomed: ['55822004', 'Hyperlipidemia'],
    icd: ['E78.5', 'Hyperlipidemia, unspecified'],
    fromAge: 25,
    peakAge: 70,
    share: 0.45,
    medicine: {
      code: '617310',
      display: 'atorvastatin 20 MG Oral Tablet',
      instruction: 'Take one tablet by mouth at bedtime',
    },
  },
  obesity: {
    snomed: ['414916001', 'Obesity'],
    icd: ['E66.9', 'Obesity, unspecified'],
    fromAge: 12,
    peakAge: 45,
    share: 0.36,
  },
  asthma: {
    snomed: ['195967001', 'Asthma'],
    icd: ['J45.909', 'Unspecified asthma, uncomplicated'],
    fromAge: 3,
    peakAge: 15,
    share: 0.09,
    medicine: {
      code: '745679',
      display: '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
      instruction: asNeeded,
    },
  },
  depression: {
    snomed: ['370143000', 'Major depressive disorder'],
    icd: ['F32.9', 'Major depressive disorder, single episode, unspecified'],
    fromAge: 14,
    peakAge: 50,
    share: 0.13,
    sensitivity: 'PSY',
    medicine: { code: '312941', display: 'sertraline 50 MG Oral Tablet', instruction: daily },
  },
  anxiety: {
    snomed: ['21897009', 'Generalized anxiety disorder'],
    icd: ['F41.1', 'Generalized anxiety disorder'],
    fromAge: 14,
    peakAge: 45,
    share: 0.06,
    sensitivity: 'PSY',
  },
  alcohol: {
    snomed: ['66590003', 'Alcohol dependence'],
    icd: ['F10.20', 'Alcohol dependence, uncomplicated'],
    fromAge: 20,
    peakAge: 55,
    share: 0.06,
    sensitivity: 'ETH',
    medicine: { code: '7243', display: 'naltrexone', instruction: daily },
  },
  hiv: {
    snomed: ['86406008', 'Human immunodeficiency virus infection'],
    icd: ['B20', 'Human immunodeficiency virus [HIV] disease'],
    fromAge: 18,
    peakAge: 50,
    share: 0.02,
    sensitivity: 'HIV',
    medicine: { code: '1433868', display: 'dolutegravir', instruction: daily },
  },
  kidney: {
    snomed: ['433144002', 'Chronic kidney disease stage 3'],
    icd: ['N18.30', 'Chronic kidney disease, stage 3 unspecified'],
    fromAge: 45,
    peakAge: 80,
    share: 0.2,
  },
  copd: {
    snomed: ['13645005', 'Chronic obstructive lung disease'],
    icd: ['J44.9', 'Chronic obstructive pulmonary disease, unspecified'],
    fromAge: 45,
    peakAge: 75,
    share: 0.12,
    medicine: {
      code: '895994',
      display: '120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
      instruction: 'Inhale two puffs twice daily',
    },
  },
  coronary: {
    snomed: ['53741008', 'Coronary arteriosclerosis'],
    icd: ['I25.10', 'Atherosclerotic heart disease of native coronary artery without angina pectoris'],
    fromAge: 45,
    peakAge: 80,
    share: 0.18,
    medicine: { code: '309362', display: 'clopidogrel 75 MG Oral Tablet', instruction: daily },
  },
  fibrillation: {
    snomed: ['49436004', 'Atrial fibrillation'],
    icd: ['I48.91', 'Unspecified atrial fibrillation'],
    fromAge: 55,
    peakAge: 85,
    share: 0.1,
    medicine: { code: '855332', display: 'warfarin sodium 5 MG Oral Tablet', instruction: daily },
  },
  hypothyroidism: {
    snomed: ['40930008', 'Hypothyroidism'],
    icd: ['E03.9', 'Hypothyroidism, unspecified'],
    fromAge: 25,
    peakAge: 65,
    share: 0.08,
    sex: 'female',
    medicine: {
      code: '10582',
      display: 'levothyroxine',
      instruction: 'Take one tablet by mouth every morning before breakfast',
    },
  },
  reflux: {
    snomed: ['235595009', 'Gastroesophageal reflux disease'],
    icd: ['K21.9', 'Gastro-esophageal reflux disease without esophagitis'],
    fromAge: 25,
    peakAge: 60,
    share: 0.17,
    medicine: {
      code: '198051',
      display: 'omeprazole 20 MG Delayed Release Oral Capsule',
      instruction: 'Take one capsule by mouth before breakfast',
    },
  },
  knee: {
    snomed: ['239873007', 'Osteoarthritis of knee'],
    icd: ['M17.9', 'Osteoarthritis of knee, unspecified'],
    fromAge: 45,
    peakAge: 75,
    share: 0.25,
    medicine: {
      code: '849574',
      display: 'naproxen sodium 220 MG Oral Tablet',
      instruction: 'Take one tablet by mouth twice daily with food',
    },
  },
  migraine: {
    snomed: ['37796009', 'Migraine'],
    icd: ['G43.909', 'Migraine, unspecified, not intractable, without status migrainosus'],
    fromAge: 12,
    peakAge: 40,
    share: 0.14,
    sex: 'female',
  },
  rhinitis: {
    snomed: ['367498001', 'Seasonal allergic rhinitis'],
    icd: ['J30.2', 'Other seasonal allergic rhinitis'],
    fromAge: 5,
    peakAge: 25,
    share: 0.15,
  },
} as const satisfies Readonly<Record<string, Disease>>;

/** Name of a chronic disease, e.g. for the measurements that it moves. */
export type ChronicName = keyof typeof CHRONIC;

const amoxicillin: Medicine = {
  code: '308192',
  display: 'amoxicillin 500 MG Oral Tablet',
  instruction: 'Take one tablet by mouth three times daily for seven days',
};

/** What comes and goes: one visit, resolved within weeks. `share` is the chance per year between the ages. */
export const ACUTE: readonly (Disease & { readonly days: number })[] = [
  {
    snomed: ['10509002', 'Acute bronchitis'],
    icd: ['J20.9', 'Acute bronchitis, unspecified'],
    fromAge: 3,
    peakAge: 95,
    share: 0.1,
    days: 14,
  },
  {
    snomed: ['444814009', 'Viral sinusitis'],
    icd: ['J01.90', 'Acute sinusitis, unspecified'],
    fromAge: 6,
    peakAge: 95,
    share: 0.12,
    days: 12,
  },
  {
    snomed: ['43878008', 'Streptococcal sore throat'],
    icd: ['J02.0', 'Streptococcal pharyngitis'],
    fromAge: 3,
    peakAge: 30,
    share: 0.1,
    days: 10,
    medicine: amoxicillin,
  },
  {
    snomed: ['65363002', 'Otitis media'],
    icd: ['H66.90', 'Otitis media, unspecified, unspecified ear'],
    fromAge: 0,
    peakAge: 8,
    share: 0.35,
    days: 10,
    medicine: amoxicillin,
  },
  {
    snomed: ['44465007', 'Sprain of ankle'],
    icd: ['S93.409A', 'Sprain of unspecified ligament of unspecified ankle, initial encounter'],
    fromAge: 8,
    peakAge: 60,
    share: 0.06,
    days: 28,
    medicine: {
      code: '310965',
      display: 'ibuprofen 200 MG Oral Tablet',
      instruction: 'Take two tablets by mouth every six hours as needed for pain',
    },
  },
  {
    snomed: ['279039007', 'Low back pain'],
    icd: ['M54.50', 'Low back pain, unspecified'],
    fromAge: 20,
    peakAge: 90,
    share: 0.09,
    days: 42,
  },
  {
    snomed: ['68566005', 'Urinary tract infectious disease'],
    icd: ['N39.0', 'Urinary tract infection, site not specified'],
    fromAge: 16,
    peakAge: 95,
    share: 0.1,
    days: 7,
    sex: 'female',
    medicine: {
      code: '311995',
      display: 'nitrofurantoin, macrocrystals 50 MG Oral Capsule',
      instruction: 'Take one capsule by mouth four times daily for five days',
    },
  },
  {
    snomed: ['105629000', 'Chlamydial infection'],
    icd: ['A56.8', 'Sexually transmitted chlamydial infection of other sites'],
    fromAge: 17,
    peakAge: 35,
    share: 0.015,
    days: 14,
    sensitivity: 'STD',
    medicine: { code: '18631', display: 'azithromycin', instruction: 'Take as a single dose' },
  },
];
