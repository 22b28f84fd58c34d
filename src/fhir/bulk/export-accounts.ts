import type { Caller } from '../../auth/caller.ts';
import { utf8ToText } from '../../std/bytes.ts';
import type { VersionRow } from '../../vault/vault.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import { isObject } from '../operations/operation-input.ts';
import { decideRead } from '../read-decision.ts';
import { localReference } from '../references.ts';
import { dateInterval } from '../search/date-interval.ts';
import type { ExportRequest } from './bulk-job.ts';
import { BULK_LIMITS } from './bulk-limits.ts';
import { rejectBulk } from './codes.ts';
import { invalid } from './export-parameters.ts';

/** What says which patients an export is of. */
export interface PatientChoice {
  readonly level: ExportRequest['level'];
  /** Id of the Group, at its level. */
  readonly group?: string;
  /** Ids that `patient` names; none for everybody. */
  readonly patients?: readonly string[];
  readonly isLenient: boolean;
  note(text: string): void;
}

/**
 * Accounts of the patients that are meant; undefined for everybody's. What of them is given out is decided on later, for
 * each version; here only whether the group, and patients that are named, may be known to the caller, which is journalled
 * as a search is. Throws NOT_FOUND (no such group), EXPORT_PATIENT_UNKNOWN, EXPORT_GROUP_…, EXPORT_NOT_FOR_PATIENTS.
 */
export async function accountsOf(context: FhirContext, choice: PatientChoice): Promise<readonly string[] | undefined> {
  const own = ownAccounts(context.caller);
  // A person gets the own records and not a refusal for everybody else's; a journal full of those helps nobody.
  if (own !== undefined && choice.level === 'system') throw rejectBulk('EXPORT_NOT_FOR_PATIENTS');
  const members = choice.group === undefined ? undefined : await groupAccounts(context, choice.group, choice);
  const named = await patientAccounts(context, choice.patients ?? [], members);
  const asked = named ?? members;
  if (own === undefined) return asked;
  return asked === undefined ? own : asked.filter((account) => own.includes(account));
}

/** The accounts beyond which a caller sees nothing, where that is known without asking; the decision is made all the same. */
function ownAccounts({ kind, account, grant }: Caller): readonly string[] | undefined {
  if (kind === 'patient') return [account];
  if (grant?.scopes.every(({ context }) => context === 'patient') !== true) return undefined;
  return grant.patient === undefined ? [] : [grant.patient.account];
}

async function patientAccounts(
  context: FhirContext,
  patients: readonly string[],
  members: readonly string[] | undefined,
): Promise<readonly string[] | undefined> {
  if (patients.length === 0) return undefined;
  if (patients.length > BULK_LIMITS.patients) throw invalid('patient', `at most ${BULK_LIMITS.patients}`);
  const rows = await Promise.all(patients.map((id) => context.vault.current('Patient', id)));
  const live = rows.filter((row) => row !== undefined && !row.deleted && !row.erased);
  const visible = await shown(context, live as VersionRow[]);
  const known = visible.filter(({ account }) => members?.includes(account) ?? true);
  // One answer for what is not there, not of the group and not to be seen.
  if (known.length < patients.length) throw rejectBulk('EXPORT_PATIENT_UNKNOWN');
  return known.map(({ account }) => account);
}

/** Decides on versions that are asked about, and journals it; those that may be seen. */
async function shown(context: FhirContext, rows: readonly VersionRow[]): Promise<readonly VersionRow[]> {
  const { visible, interactions } = await decideRead(context, rows, 's');
  if (interactions.length > 0) await context.vault.journal(interactions);
  return visible;
}

async function groupAccounts(context: FhirContext, id: string, choice: PatientChoice): Promise<readonly string[]> {
  const { vault } = context;
  const row = /^[A-Za-z0-9\-.]{1,64}$/.test(id) ? await vault.current('Group', id) : undefined;
  const [group] = row === undefined || row.deleted || row.erased ? [] : await shown(context, [row]);
  if (group === undefined) throw rejectFhir('NOT_FOUND');
  const { member = [] } = JSON.parse(utf8ToText(await vault.open(group))) as { member?: unknown[] };
  if (member.length > BULK_LIMITS.groupMembers)
    throw rejectBulk('EXPORT_GROUP_TOO_LARGE', { members: member.length, limit: BULK_LIMITS.groupMembers });
  const patients = new Set<string>();
  for (const one of member) {
    const target = memberOf(one, context);
    if (target?.type === 'Group') {
      if (!choice.isLenient) throw rejectBulk('EXPORT_GROUP_NESTED');
      choice.note('A member that is a group was ignored: groups of groups are not followed.');
    }
    if (target?.type === 'Patient') patients.add(target.id);
  }
  const accounts = new Set<string>();
  for (const patient of patients) {
    const account = await vault.accountOf('Patient', patient);
    if (account !== undefined) accounts.add(account);
  }
  return [...accounts];
}

/** Whom a Group.member is, unless inactive or outside of the period (R4 group.html). */
function memberOf(
  member: unknown,
  { baseUrl, clock }: FhirContext,
): { readonly type: string; readonly id: string } | undefined {
  if (!isObject(member) || member.inactive === true || !isObject(member.entity)) return undefined;
  const { reference } = member.entity;
  const { start, end } = isObject(member.period) ? member.period : {};
  const nowMs = clock();
  const begins = typeof start === 'string' ? dateInterval(start) : undefined;
  const ends = typeof end === 'string' ? dateInterval(end) : undefined;
  if ((begins !== undefined && begins.low > nowMs) || (ends !== undefined && ends.high < nowMs)) return undefined;
  return typeof reference === 'string' ? localReference(reference, baseUrl) : undefined;
}
