import type { Caller } from '../../../auth/caller.ts';
import { askedBy } from '../../../fhir/asked.ts';
import type { AskedInteraction } from '../../../fhir/context.ts';
import type { AccessPort } from '../../../fhir/ports.ts';
import type { OpenedEntry, Vault, VersionRow } from '../../../vault/vault.ts';

/**
 * The journal entry of a version, for a receipt; undefined for who may not read the version, and then the caller is not
 * to be told that there is one. Giving one out is journalled, and so is that it was refused. `clock` in milliseconds.
 */
export async function versionEntry(
  { vault, access, clock, asked }: { vault: Vault; access: AccessPort; clock: () => number; asked?: AskedInteraction },
  caller: Caller,
  row: VersionRow,
): Promise<OpenedEntry | undefined> {
  const { decision, rules, visible } = await access.read(caller, row.account, [row], 'r');
  const isPermitted = decision === 'permit' && visible[0] === true;
  const { account: actor, organisation, purpose } = caller;
  const about = { account: row.account, timeMs: clock(), actor, organisation, purpose, rules, permit: '' };
  const entry = { ...about, versions: [row.leaf], ...askedBy(caller, asked) };
  await vault.journal([
    isPermitted ? { ...entry, kind: 'receipt', decision: 'permit' } : { ...entry, kind: 'refusal', decision: 'deny' },
  ]);
  return isPermitted ? vault.entry(row.generation, row.journalIndex) : undefined;
}
