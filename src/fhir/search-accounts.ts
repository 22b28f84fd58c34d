import type { SearchToken } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { localReference } from './references.ts';

/** Most accounts whose protected index one search tries (`Vault.search`). */
const MAX_ACCOUNTS = 1000;

/**
 * Accounts under whose own index a search must look, since versions with a sensitive label are indexed under their
 * account's key alone: the patient's that is asked for; the custodian's for types that are about no patient; else
 * those of all patients here. Throws SEARCH_TOO_COSTLY when these are too many, rather than leave something out.
 * What is found is decided on afterwards like everything else.
 */
export async function searchAccounts(
  context: FhirContext,
  type: string,
  tokens: readonly SearchToken[],
): Promise<readonly string[]> {
  const { vault, definitions, baseUrl } = context;
  if (tokens.length === 0) return [];
  const patient = tokens.find(({ parameter }) => parameter === 'patient');
  const target = patient === undefined ? undefined : localReference(patient.value, baseUrl);
  if (target !== undefined) return [vault.custodian, (await vault.accountOf('Patient', target.id)) ?? vault.custodian];
  const aboutPatients = type === 'Patient' || (definitions.resources[type]?.compartment.length ?? 0) > 0;
  if (!aboutPatients) return [vault.custodian];
  const patients = await vault.search('Patient', [], { limit: MAX_ACCOUNTS - 1 });
  if (patients.next !== undefined) throw rejectFhir('SEARCH_TOO_COSTLY', { maxAccounts: MAX_ACCOUNTS });
  return [vault.custodian, ...patients.rows.map((row) => row.account)];
}
