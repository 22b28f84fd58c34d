/** HL7 v3 Confidentiality: restricted and very restricted. */
const CONFIDENTIALITY = ['R', 'V'];

/** HL7 v3 ActCode, InformationSensitivityPolicy: the codes that tell of a condition by themselves. */
const ACT_CODES = [
  ...['BH', 'COGN', 'DVD', 'EMOTDIS', 'ETH', 'ETHUD', 'GDIS', 'HIV', 'IDS', 'MH', 'MST', 'OPIOIDUD', 'PREGNANT', 'PSY'],
  ...['PSYTHPN', 'SCA', 'SDV', 'SEX', 'SICKLE', 'SPI', 'STD', 'SUD', 'TABOO', 'VIO'],
];

const CODE_SYSTEM = 'http://terminology.hl7.org/CodeSystem';

/** Labels `system|code` whose versions are indexed under a key of their patient alone (DESIGN §4, Search index). */
export const SENSITIVE_LABELS: ReadonlySet<string> = new Set([
  ...CONFIDENTIALITY.map((code) => `${CODE_SYSTEM}/v3-Confidentiality|${code}`),
  ...ACT_CODES.map((code) => `${CODE_SYSTEM}/v3-ActCode|${code}`),
]);

/** True when any of a version's labels is one of `sensitive`. */
export function isSensitive(labels: readonly string[], sensitive: ReadonlySet<string>): boolean {
  return labels.some((label) => sensitive.has(label));
}
