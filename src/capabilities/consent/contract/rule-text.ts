/*
 * Rules of decisions in words, for the patient and the privacy officer: what the ledger and the journal hold as
 * `<policy id>#<provision>` or `default:<name>` (decide.ts).
 */

const DEFAULTS: Readonly<Record<string, string>> = {
  'own-access': 'It is the patient’s own record.',
  delegate: 'The patient has delegated access to the one who asked.',
  'no-permit': 'No consent of the patient and no default of the jurisdiction permits it.',
  'purpose-unknown': 'The purpose of use that was declared is not a known one.',
  'nothing-asked': 'Nothing was asked for.',
  'own-staff': 'Staff of the custodian may, unless the patient says otherwise (default of the jurisdiction).',
  'break-glass': 'The glass was broken in an emergency.',
  'glass-not-broken': 'An emergency was claimed, and the glass was not broken for this patient.',
  'own-records': 'It is a record of the custodian’s own, about no patient.',
  'staff-only': 'It is a record of the custodian’s own, for its staff alone.',
  'not-staff': 'Only staff of the custodian write here.',
  'own-policy': 'It is the patient’s own policy.',
  'privacy-oversight': 'It is what the privacy officer oversees.',
  'not-entitled': 'Who asked has no part in it.',
  'consent-document': 'The patient’s consent was taken down.',
  introduction: 'The patient introduced the organisation that asked.',
};

/** Rules of the custodian's decision point that are no defaults (capabilities/access/server/scope-limit.ts). */
const OTHERS: Readonly<Record<string, string>> = {
  'scope:none': 'What the app’s token was issued for does not reach it.',
};

/** Rules that say what somebody's role or token allows, not what a policy of the patient's says. */
const ROLE_RULES: ReadonlySet<string> = new Set([
  ...['own-records', 'staff-only', 'not-staff', 'privacy-oversight', 'not-entitled'].map((name) => `default:${name}`),
  'scope:none',
]);

/** Whether a rule is about the asker's role or token alone; a rule of a policy, or of its absence, is not. */
export function isRoleRule(rule: string): boolean {
  return ROLE_RULES.has(rule);
}

/** One sentence on a rule. A consent is named by the first 12 digits of its policy's id. */
export function ruleText(rule: string): string {
  if (rule.startsWith('default:')) {
    const [name = ''] = rule.slice('default:'.length).split('#');
    return DEFAULTS[name] ?? `A default of the jurisdiction decides: ${name}.`;
  }
  const [, policy, provision] = /^([0-9a-f]{64})#([A-Z_0-9]{1,64})$/.exec(rule) ?? [];
  if (policy === undefined || provision === undefined) return OTHERS[rule] ?? `A rule of the node decides: ${rule}.`;
  const consent = `the patient’s consent ${policy.slice(0, 12)}…`;
  if (provision === '0') return `It is what ${consent} says as a whole.`;
  if (/^\d+$/.test(provision)) return `Exception ${provision} of ${consent} says so.`;
  return `Something that cannot be told apart in ${consent} counts as a denial (${provision}).`;
}
