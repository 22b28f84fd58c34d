import type { AcuteDisease } from './disease.ts';

/** What comes and goes: one visit, over within weeks. Chances per year by age, of the order of NAMCS visit rates. */
export const ACUTE: readonly AcuteDisease[] = [
  {
    snomed: ['10509002', 'Acute bronchitis'],
    icd: ['J20.9', 'Acute bronchitis, unspecified'],
    perYear: [
      [1, 0.06],
      [40, 0.05],
      [75, 0.09],
    ],
    days: 14,
    hasFever: true,
  },
  {
    snomed: ['444814009', 'Viral sinusitis'],
    icd: ['J01.90', 'Acute sinusitis, unspecified'],
    perYear: [
      [5, 0],
      [6, 0.06],
      [40, 0.08],
    ],
    days: 12,
  },
  {
    snomed: ['43878008', 'Streptococcal sore throat'],
    icd: ['J02.0', 'Streptococcal pharyngitis'],
    perYear: [
      [2, 0],
      [5, 0.14],
      [15, 0.08],
      [30, 0.02],
      [50, 0],
    ],
    days: 10,
    medicine: 'amoxicillin',
    hasFever: true,
  },
  {
    snomed: ['65363002', 'Otitis media'],
    icd: ['H66.90', 'Otitis media, unspecified, unspecified ear'],
    perYear: [
      [0.3, 0.2],
      [1, 0.45],
      [4, 0.25],
      [9, 0.05],
      [15, 0],
    ],
    days: 10,
    medicine: 'amoxicillin',
    hasFever: true,
  },
  {
    snomed: ['6142004', 'Influenza'],
    icd: ['J11.1', 'Influenza due to unidentified influenza virus with other respiratory manifestations'],
    perYear: [
      [0.5, 0.05],
      [8, 0.06],
      [40, 0.03],
      [80, 0.04],
    ],
    days: 10,
    medicine: 'oseltamivir',
    hasFever: true,
  },
  {
    snomed: ['840539006', 'Disease caused by severe acute respiratory syndrome coronavirus 2'],
    icd: ['U07.1', 'COVID-19'],
    perYear: [
      [0.5, 0.03],
      [30, 0.05],
      [80, 0.06],
    ],
    days: 14,
    fromYear: 2021,
    hasFever: true,
  },
  {
    snomed: ['44465007', 'Sprain of ankle'],
    icd: ['S93.409A', 'Sprain of unspecified ligament of unspecified ankle, initial encounter'],
    perYear: [
      [6, 0],
      [14, 0.05],
      [30, 0.03],
      [70, 0.01],
    ],
    days: 28,
    medicine: 'ibuprofen',
    isEmergency: true,
  },
  {
    snomed: ['279039007', 'Low back pain'],
    icd: ['M54.50', 'Low back pain, unspecified'],
    perYear: [
      [16, 0],
      [35, 0.08],
      [60, 0.1],
    ],
    days: 42,
    medicine: 'ibuprofen',
  },
  {
    snomed: ['68566005', 'Urinary tract infectious disease'],
    icd: ['N39.0', 'Urinary tract infection, site not specified'],
    perYear: [
      [14, 0],
      [22, 0.1],
      [60, 0.08],
      [85, 0.14],
    ],
    days: 7,
    sex: 'female',
    medicine: 'nitrofurantoin',
  },
  {
    snomed: ['105629000', 'Chlamydial infection'],
    icd: ['A56.8', 'Sexually transmitted chlamydial infection of other sites'],
    perYear: [
      [15, 0],
      [20, 0.02],
      [30, 0.006],
      [45, 0],
    ],
    days: 14,
    sensitivity: 'STD',
    medicine: 'azithromycin',
  },
];
