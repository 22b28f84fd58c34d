/** A medicine: RxNorm concept, how it is taken, and what a pharmacy hands over for `supplyDays`. */
export interface Medicine {
  readonly code: string;
  readonly display: string;
  readonly instruction: string;
  /** Units a day, for what is counted in tablets or capsules. */
  readonly perDay?: number;
  readonly supplyDays: number;
}

const daily = 'Take one tablet by mouth once daily';
const twice = 'Take one tablet by mouth twice daily';

function tablets(code: string, display: string, instruction = daily, perDay = 1, supplyDays = 90): Medicine {
  return { code, display, instruction, perDay, supplyDays };
}

function other(code: string, display: string, instruction: string, supplyDays = 90): Medicine {
  return { code, display, instruction, supplyDays };
}

/** Products where their concept is certain, else the ingredient. */
export const MEDICINES = {
  lisinopril: tablets('314076', 'lisinopril 10 MG Oral Tablet'),
  amlodipine: tablets('197361', 'amlodipine 5 MG Oral Tablet'),
  hydrochlorothiazide: tablets('310798', 'hydrochlorothiazide 25 MG Oral Tablet'),
  carvedilol: tablets('20352', 'carvedilol', twice, 2),
  furosemide: tablets('4603', 'furosemide'),
  spironolactone: tablets('9997', 'spironolactone'),
  atorvastatin: tablets('617310', 'atorvastatin 20 MG Oral Tablet', 'Take one tablet by mouth at bedtime'),
  metformin: tablets(
    '860975',
    '24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet',
    'Take one tablet by mouth with the evening meal',
  ),
  empagliflozin: tablets('1545653', 'empagliflozin', 'Take one tablet by mouth every morning'),
  insulin: other('274783', 'insulin glargine', 'Inject under the skin once daily at bedtime'),
  clopidogrel: tablets('309362', 'clopidogrel 75 MG Oral Tablet'),
  aspirin: tablets('243670', 'aspirin 81 MG Oral Tablet'),
  warfarin: tablets('855332', 'warfarin sodium 5 MG Oral Tablet', 'Take one tablet by mouth daily, as directed by INR'),
  albuterol: other(
    '745679',
    '200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler',
    'Inhale two puffs as needed for wheezing',
  ),
  fluticasone: other(
    '895994',
    '120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler',
    'Inhale two puffs twice daily',
  ),
  tiotropium: other('69120', 'tiotropium', 'Inhale once daily'),
  prednisone: tablets('8640', 'prednisone', 'Take by mouth once daily for five days', 1, 5),
  sertraline: tablets('312941', 'sertraline 50 MG Oral Tablet'),
  escitalopram: tablets('321988', 'escitalopram'),
  lithium: tablets('6448', 'lithium', twice, 2),
  methylphenidate: tablets('6901', 'methylphenidate', 'Take one tablet by mouth every morning', 1, 30),
  naltrexone: tablets('7243', 'naltrexone'),
  dolutegravir: tablets('1433868', 'dolutegravir'),
  levothyroxine: tablets('10582', 'levothyroxine', 'Take one tablet by mouth every morning before breakfast'),
  omeprazole: tablets(
    '198051',
    'omeprazole 20 MG Delayed Release Oral Capsule',
    'Take one capsule by mouth before breakfast',
  ),
  naproxen: tablets(
    '849574',
    'naproxen sodium 220 MG Oral Tablet',
    'Take one tablet by mouth twice daily with food',
    2,
  ),
  alendronate: tablets('46041', 'alendronate', 'Take one tablet by mouth once a week on an empty stomach', 1 / 7, 84),
  allopurinol: tablets('519', 'allopurinol'),
  iron: tablets('310325', 'ferrous sulfate 325 MG Oral Tablet'),
  donepezil: tablets('135447', 'donepezil', 'Take one tablet by mouth at bedtime'),
  tamoxifen: tablets('10324', 'tamoxifen'),
  leuprolide: other('42375', 'leuprolide', 'Injection every three months'),
  tamsulosin: tablets('77492', 'tamsulosin', 'Take one capsule by mouth once daily'),
  sumatriptan: tablets('37418', 'sumatriptan', 'Take one tablet at the onset of migraine', 0.1),
  loratadine: tablets('28889', 'loratadine'),
  levetiracetam: tablets('114477', 'levetiracetam', twice, 2),
  methotrexate: tablets('6851', 'methotrexate', 'Take once a week', 1 / 7, 84),
  gabapentin: tablets('25480', 'gabapentin', 'Take one capsule by mouth three times daily', 3),
  amoxicillin: tablets(
    '308192',
    'amoxicillin 500 MG Oral Tablet',
    'Take one tablet by mouth three times daily for seven days',
    3,
    7,
  ),
  azithromycin: tablets('18631', 'azithromycin', 'Take as a single dose', 1, 1),
  nitrofurantoin: tablets(
    '311995',
    'nitrofurantoin, macrocrystals 50 MG Oral Capsule',
    'Take one capsule by mouth four times daily for five days',
    4,
    5,
  ),
  ibuprofen: tablets(
    '310965',
    'ibuprofen 200 MG Oral Tablet',
    'Take two tablets by mouth every six hours as needed for pain',
    4,
    10,
  ),
  oseltamivir: tablets('260101', 'oseltamivir', 'Take one capsule by mouth twice daily for five days', 2, 5),
} as const satisfies Readonly<Record<string, Medicine>>;

/** Name of a medicine, e.g. for the measurements that it moves. */
export type MedicineName = keyof typeof MEDICINES;
