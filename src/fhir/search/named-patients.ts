import type { Criterion } from '../../vault/index/index-query.ts';
import type { FhirContext } from '../context.ts';

/** Parameters that may find a resource by the patient whose account it belongs to. */
const CODES = ['patient', 'subject'] as const;

/**
 * What follows from criteria that name patients: a resource belongs to the account of the patient whom the first reference
 * of its compartment names (patient-account.ts), so what refers to a patient by just that reference is in that account.
 * With this the vault tries the protected index of these patients alone, and not of all who have one.
 */
export async function accountCriteria(
  { registry, definitions, vault }: FhirContext,
  type: string,
  criteria: readonly Criterion[],
): Promise<readonly Criterion[]> {
  const names = tellingNames({ registry, definitions }, type);
  const found = criteria.map(async (criterion): Promise<readonly Criterion[]> => {
    if (criterion.kind !== 'link' || !names.has(criterion.parameter)) return [];
    if (criterion.targets.some((target) => target.type !== 'Patient')) return [];
    const accounts = await Promise.all(criterion.targets.map(({ id }) => vault.accountOf('Patient', id)));
    // Whom nobody wrote nothing refers to.
    return [{ kind: 'account', accounts: [...new Set(accounts.flatMap((account) => account ?? []))] }];
  });
  return (await Promise.all(found)).flat();
}

/** Names in the index of the parameters that look at the first reference of a type's compartment, and at no other. */
function tellingNames(
  { registry, definitions }: Pick<FhirContext, 'registry' | 'definitions'>,
  type: string,
): ReadonlySet<string> {
  const facts = definitions.resources[type];
  const names = new Set<string>();
  for (const code of CODES) {
    const paths = facts?.search[code] ?? [];
    const name = registry.ofType(type)?.get(code)?.indexed.names[0];
    if (name !== undefined && paths.length === 1 && paths[0] === facts?.compartment[0]) names.add(name);
  }
  return names;
}
