import { type ChartRecord, codingsIn, groupedByCode, hasCode, newestFirst } from './chart-record.ts';

/** A section of the International Patient Summary (IPS 2.0, StructureDefinition Composition-uv-ips). */
export interface SummarySection {
  readonly title: string;
  /** LOINC code of the section. */
  readonly code: string;
  /** Required sections are there also when nothing is known. */
  readonly isRequired: boolean;
  /** What nothing is known about, for the text of an empty required section. */
  readonly subject: string;
  /** Shows of each code the newest alone: a summary is no flow sheet. */
  readonly newestOfCode?: true;
  readonly holds: (record: ChartRecord) => boolean;
}

/** Entries of a section at most, the newest; the section's text says how many there are. */
export const SECTION_ENTRIES = 100;

const LOINC = 'http://loinc.org|';
const loinc = (...codes: readonly string[]): ReadonlySet<string> => new Set(codes.map((code) => LOINC + code));
/** Value sets of IPS 2.0: pregnancy status, expected date of delivery, pregnancies-summary. */
const PREGNANCY = loinc(
  ...['82810-3', '11778-8', '11779-6', '11780-4'],
  ...['11636-8', '11637-6', '11638-4', '11639-2', '11640-0', '11612-9', '11613-7', '11614-5', '33065-4'],
);
/** Tobacco use and alcohol use of IPS 2.0. */
const HABITS = loinc('72166-2', '74013-4');

/** Statuses of what was never so. */
const NEVER = ['entered-in-error', 'refuted'];
const FINDING_STATUSES = ['preliminary', 'final', 'amended', 'corrected', 'appended', 'partial'];
const CURRENT_MEDICATION = ['active', 'on-hold', 'intended', 'unknown'];

function hasStatus({ json }: ChartRecord, statuses: readonly string[]): boolean {
  return typeof json.status === 'string' && statuses.includes(json.status);
}

function isFinding(record: ChartRecord): boolean {
  return record.type === 'Observation' && hasStatus(record, FINDING_STATUSES);
}

function isOfCodes({ json }: ChartRecord, codes: ReadonlySet<string>): boolean {
  return codingsIn(json.code).some((coding) => codes.has(coding));
}

function isCondition({ type, json }: ChartRecord): boolean {
  return type === 'Condition' && !hasCode(json.verificationStatus, NEVER);
}

function isPast({ json }: ChartRecord): boolean {
  return hasCode(json.clinicalStatus, ['inactive', 'remission', 'resolved']);
}

const isPregnancy = (record: ChartRecord) => isFinding(record) && isOfCodes(record, PREGNANCY);
const isSocial = (record: ChartRecord) =>
  isFinding(record) &&
  !isPregnancy(record) &&
  (isOfCodes(record, HABITS) || hasCode(record.json.category, ['social-history']));
const isVital = (record: ChartRecord) =>
  isFinding(record) && !isPregnancy(record) && !isSocial(record) && hasCode(record.json.category, ['vital-signs']);
const isResult = (record: ChartRecord) =>
  record.type === 'DiagnosticReport'
    ? hasStatus(record, FINDING_STATUSES)
    : isFinding(record) && !isPregnancy(record) && hasCode(record.json.category, ['laboratory', 'imaging']);

/** Sections in the order in which they stand: required, recommended, optional. */
export const SUMMARY_SECTIONS: readonly SummarySection[] = [
  {
    ...{ title: 'Problem List', code: '11450-4', isRequired: true, subject: 'health problems' },
    holds: (record) => isCondition(record) && !isPast(record),
  },
  {
    ...{ title: 'Allergies and Intolerances', code: '48765-2', isRequired: true, subject: 'allergies' },
    holds: ({ type, json }) => type === 'AllergyIntolerance' && !hasCode(json.verificationStatus, NEVER),
  },
  {
    ...{ title: 'Medication Summary', code: '10160-0', isRequired: true, subject: 'medicines' },
    holds: (record) =>
      (record.type === 'MedicationStatement' && hasStatus(record, CURRENT_MEDICATION)) ||
      (record.type === 'MedicationRequest' &&
        hasStatus(record, CURRENT_MEDICATION) &&
        record.json.intent !== 'proposal' &&
        record.json.doNotPerform !== true),
  },
  {
    ...{ title: 'Immunizations', code: '11369-6', isRequired: false, subject: 'immunizations' },
    holds: (record) => record.type === 'Immunization' && hasStatus(record, ['completed']),
  },
  {
    ...{ title: 'Results', code: '30954-2', isRequired: false, subject: 'results', newestOfCode: true },
    holds: isResult,
  },
  {
    ...{
      title: 'History of Procedures',
      code: '47519-4',
      isRequired: false,
      subject: 'procedures',
      newestOfCode: true,
    },
    holds: (record) => record.type === 'Procedure' && hasStatus(record, ['completed', 'in-progress', 'stopped']),
  },
  {
    ...{ title: 'Medical Devices', code: '46264-8', isRequired: false, subject: 'devices' },
    holds: (record) => record.type === 'DeviceUseStatement' && hasStatus(record, ['active', 'completed', 'on-hold']),
  },
  {
    ...{ title: 'Advance Directives', code: '42348-3', isRequired: false, subject: 'advance directives' },
    // Other Consents tell who may see what, and are no matter of a summary.
    holds: (record) =>
      record.type === 'Consent' && hasStatus(record, ['active']) && hasCode(record.json.scope, ['adr']),
  },
  {
    ...{ title: 'Alerts', code: '104605-1', isRequired: false, subject: 'alerts' },
    holds: (record) => record.type === 'Flag' && hasStatus(record, ['active']),
  },
  {
    ...{ title: 'History of Past Problems', code: '11348-0', isRequired: false, subject: 'past problems' },
    holds: (record) => isCondition(record) && isPast(record),
  },
  {
    ...{ title: 'History of Pregnancy', code: '10162-6', isRequired: false, subject: 'pregnancies' },
    holds: isPregnancy,
  },
  {
    ...{ title: 'Plan of Care', code: '18776-5', isRequired: false, subject: 'plans' },
    holds: (record) =>
      (record.type === 'CarePlan' && hasStatus(record, ['active'])) || record.type === 'ImmunizationRecommendation',
  },
  {
    ...{ title: 'Social History', code: '29762-2', isRequired: false, subject: 'social history', newestOfCode: true },
    holds: isSocial,
  },
  {
    ...{ title: 'Vital Signs', code: '8716-3', isRequired: false, subject: 'vital signs', newestOfCode: true },
    holds: isVital,
  },
];

/** Types that a section may hold. */
export const SUMMARY_TYPES: readonly string[] = [
  ...['Condition', 'AllergyIntolerance', 'MedicationStatement', 'MedicationRequest', 'Immunization', 'Observation'],
  ...[
    'DiagnosticReport',
    'Procedure',
    'DeviceUseStatement',
    'Consent',
    'Flag',
    'CarePlan',
    'ImmunizationRecommendation',
  ],
];

/** What a section shows of a chart. */
export interface ChosenSection {
  readonly section: SummarySection;
  readonly entries: readonly ChartRecord[];
  /** How many there are; more than `entries` when the section is full. */
  readonly total: number;
}

/** Sections with what they show, newest first; without those that are empty and not required. */
export function chooseSections(records: readonly ChartRecord[]): ChosenSection[] {
  return SUMMARY_SECTIONS.flatMap((section) => {
    const held = records.filter(section.holds);
    const shown = section.newestOfCode
      ? groupedByCode(held).map((group) => newestFirst(group)[0] as ChartRecord)
      : held;
    if (shown.length === 0 && !section.isRequired) return [];
    return [{ section, entries: newestFirst(shown).slice(0, SECTION_ENTRIES), total: shown.length }];
  });
}
