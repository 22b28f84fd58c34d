import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { joinInteractions, refusedWrite } from './read-decision.ts';

/** Journals refusals, each with the account and the rules that denied, and throws WRITE_DENIED. */
export async function refuseWrites(
  context: FhirContext,
  refused: readonly (readonly [account: string, rules: readonly string[]])[],
): Promise<never> {
  await context.vault.journal(
    joinInteractions(refused.map(([account, rules]) => refusedWrite(context, account, rules))),
  );
  throw rejectFhir('WRITE_DENIED');
}

/**
 * Asked before anything is looked up for a write: whoever may write nothing of these types here is refused all the same,
 * so that neither a precondition nor a reference tells what there is. Each account is asked again before the commit.
 * Rejects WRITE_DENIED, journalled.
 */
export async function requireWriter(
  context: FhirContext,
  operations: readonly { readonly type: string }[],
): Promise<void> {
  const { access, caller, vault } = context;
  for (const type of new Set(operations.map((operation) => operation.type))) {
    const { decision, rules } = access.write(caller, vault.custodian, type);
    if (decision !== 'permit') await refuseWrites(context, [[vault.custodian, rules]]);
  }
}
