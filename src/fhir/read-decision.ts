import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import type { FhirContext } from './context.ts';

/** What the caller may see of `rows`, and the entries to journal before any of it leaves. */
export interface ReadDecision {
  /** The rows that may be seen, in their order. */
  readonly visible: readonly VersionRow[];
  /** One for each account: a read of what is shown, or a refusal when nothing is. */
  readonly interactions: readonly InteractionHeader[];
}

/** Decides for each account that `rows` belong to. Journals nothing. */
export async function decideRead(context: FhirContext, rows: readonly VersionRow[]): Promise<ReadDecision> {
  const byAccount = new Map<string, VersionRow[]>();
  for (const row of rows) {
    const of = byAccount.get(row.account);
    if (of === undefined) byAccount.set(row.account, [row]);
    else of.push(row);
  }
  const shown = new Set<VersionRow>();
  const interactions: InteractionHeader[] = [];
  const decided = await Promise.all(
    [...byAccount].map(async ([account, versions]) => {
      const decision = await context.access.read(context.caller, account, versions);
      return { account, versions, ...decision };
    }),
  );
  for (const { account, versions, decision, rules, visible } of decided) {
    const seen = decision === 'permit' ? versions.filter((_, index) => visible[index] === true) : [];
    for (const row of seen) shown.add(row);
    const refused = seen.length === 0;
    interactions.push(interaction(context, account, refused, rules, refused ? versions : seen));
  }
  return { visible: rows.filter((row) => shown.has(row)), interactions };
}

/** Entry for a write that policy refused. */
export function refusedWrite(context: FhirContext, account: string, rules: readonly string[]): InteractionHeader {
  return interaction(context, account, true, rules, []);
}

function interaction(
  { caller, clock }: FhirContext,
  account: string,
  refused: boolean,
  rules: readonly string[],
  versions: readonly VersionRow[],
): InteractionHeader {
  return {
    kind: refused ? 'refusal' : 'read',
    account,
    timeMs: clock(),
    actor: caller.account,
    organisation: caller.organisation,
    purpose: caller.purpose,
    decision: refused ? 'deny' : 'permit',
    rules,
    versions: versions.map((row) => row.leaf),
    permit: '',
  };
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
