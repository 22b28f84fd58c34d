import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { joinInteractions, refusedWrite } from './read-decision.ts';

type WriteAction = 'create' | 'update' | 'delete';

/** SMART App Launch 2.2: an update that creates what is not there is an update. */
export const WRITE_PERMISSION: Readonly<Record<WriteAction, 'c' | 'u' | 'd'>> = {
  create: 'c',
  update: 'u',
  delete: 'd',
};

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
  operations: readonly { readonly type: string; readonly action: WriteAction }[],
): Promise<void> {
  const { access, caller, vault } = context;
  const asked = new Set<string>();
  for (const { type, action } of operations) {
    const permission = WRITE_PERMISSION[action];
    const question = `${type} ${permission}`;
    if (asked.has(question)) continue;
    asked.add(question);
    const { decision, rules } = access.write(caller, { account: undefined, type, permission });
    if (decision !== 'permit') await refuseWrites(context, [[vault.custodian, rules]]);
  }
}
