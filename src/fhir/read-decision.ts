import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import type { FhirContext } from './context.ts';
import { interactionHeader } from './interaction.ts';
import { createVisibility } from './search/visibility.ts';

/** What the caller may see of `rows`, and the entries to journal before any of it leaves. */
export interface ReadDecision {
  /** The rows that may be seen, in their order. */
  readonly visible: readonly VersionRow[];
  /** One for each account: a read of what is shown, or a refusal when nothing is. */
  readonly interactions: readonly InteractionHeader[];
}

/** Decides on `rows`, all of which are to be shown where they may be. Journals nothing. */
export async function decideRead(
  context: FhirContext,
  rows: readonly VersionRow[],
  permission: 'r' | 's' = 'r',
): Promise<ReadDecision> {
  const visibility = createVisibility(context, permission);
  const visible = await visibility.of(rows);
  visibility.show(visible);
  return { visible, interactions: visibility.interactions() };
}

/** Entry for a write that policy refused. */
export function refusedWrite(context: FhirContext, account: string, rules: readonly string[]): InteractionHeader {
  return interactionHeader(context, account, true, rules, []);
}

/** Joins entries of several decisions of one request: one for each account, reads before refusals. */
export function joinInteractions(all: readonly InteractionHeader[]): InteractionHeader[] {
  const joined = new Map<string, InteractionHeader>();
  for (const next of all) {
    const known = joined.get(next.account);
    if (known === undefined || (known.kind === 'refusal' && next.kind === 'read')) {
      joined.set(next.account, next);
    } else if (known.kind === next.kind) {
      const rules = [...new Set([...known.rules, ...next.rules])];
      const versions = [...new Set([...known.versions, ...next.versions])];
      joined.set(next.account, { ...known, rules, versions });
    }
  }
  return [...joined.values()];
}
