import { utf8ToText } from '../../std/bytes.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import { type ParsedResource, valuesAt } from '../patient-account.ts';
import { localReference } from '../references.ts';
import type { ExportRequest } from './bulk-job.ts';

/**
 * Which resources an export is of. A resource belongs to the account of one patient (patient-account.ts), and is exported
 * with that patient: what only names another one, as the performer of an observation does, does not come along with both.
 * Of what belongs to no patient there come, at the level of all patients, Groups and Persons with members, and at that of
 * patients and groups Provenance of what is exported: of records of several patients, or from before it went to theirs.
 */
export interface ExportScope {
  readonly level: ExportRequest['level'];
  has(account: string): boolean;
  /** Accounts to look through, some at a time; undefined stands for all of them at once. */
  slices(type: string): readonly (readonly string[] | undefined)[];
}

const PROVENANCE = 'Provenance';

export function createExportScope(
  { level, accounts }: Pick<ExportRequest, 'level' | 'accounts'>,
  custodian: string,
  accountsAtOnce: number,
): ExportScope {
  const known = accounts === undefined ? undefined : new Set(accounts);
  const parts: (readonly string[])[] = [];
  for (let at = 0; at < (accounts?.length ?? 0); at += accountsAtOnce)
    parts.push(accounts?.slice(at, at + accountsAtOnce) ?? []);
  return {
    level,
    has: (account) => (known === undefined ? level === 'system' || account !== custodian : known.has(account)),
    slices(type) {
      if (known === undefined) return [undefined];
      // An export of nobody looks through nothing, but still in one step.
      if (parts.length === 0) return [[]];
      return type === PROVENANCE ? [...parts, [custodian]] : parts;
    },
  };
}

/** Types of a patient's compartment whose resources are the custodian's own, whomever they name. */
export function ownTypes({ definitions }: Pick<FhirContext, 'definitions'>): ReadonlySet<string> {
  return new Set(['Group', 'Person'].filter((type) => (definitions.resources[type]?.compartment.length ?? 0) === 0));
}

/** Whether a version is of what is exported, also where its account alone does not say so. */
export async function isInScope(context: FhirContext, scope: ExportScope, row: VersionRow): Promise<boolean> {
  if (scope.has(row.account)) return true;
  if (scope.level === 'system' || row.account !== context.vault.custodian) return false;
  if (row.type === PROVENANCE) return isProvenanceWithin(context, scope, row);
  // Of named patients these are not looked through: a group of others would tell of them.
  return ownTypes(context).has(row.type);
}

/** Bulk Data 2.0.0: Provenance whose target is in a patient's compartment is part of the patient's export. */
async function isProvenanceWithin(context: FhirContext, scope: ExportScope, row: VersionRow): Promise<boolean> {
  if (row.deleted) return false;
  const { vault, baseUrl } = context;
  const resource = JSON.parse(utf8ToText(await vault.open(row))) as ParsedResource;
  for (const value of valuesAt(resource, 'target.reference')) {
    const target = typeof value === 'string' ? localReference(value, baseUrl) : undefined;
    const account = target === undefined ? undefined : await vault.accountOf(target.type, target.id);
    if (account !== undefined && account !== vault.custodian && scope.has(account)) return true;
  }
  return false;
}
