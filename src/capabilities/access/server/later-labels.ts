import type { AccessDecision } from '../../../fhir/ports.ts';
import type { Vault, VersionRow } from '../../../vault/vault.ts';
import type { Decision, VersionDecision } from '../../consent/contract/decide.ts';

/*
 * A decision is taken per version (DESIGN §4), and a label that comes later is on the later version alone. What it protects
 * is in the older ones too, so these are also decided on as the resource is labelled and classified now: both must permit.
 */

/** A version with the labels and categories of its resource now; undefined where these are its own. */
export type Relabelled = VersionRow | undefined;

/** In the order of `versions`. Current rows are kept in memory by the vault. */
export function asLabelledNow(
  vault: Pick<Vault, 'current'>,
  versions: readonly VersionRow[],
): Promise<readonly Relabelled[]> {
  return Promise.all(
    versions.map(async (row) => {
      const now = await vault.current(row.type, row.id);
      // Of what is erased no label is left.
      if (now === undefined || now.leaf === row.leaf || now.erased) return undefined;
      const { labels, categories } = now;
      const isSame = sameCodes(labels, row.labels) && sameCodes(categories, row.categories);
      return isSame ? undefined : { ...row, labels, categories };
    }),
  );
}

/** Codes come sorted, each once. */
function sameCodes(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((code, at) => code === others[at]);
}

/** Joins decisions on versions with those behind them, on the relabelled ones. */
export function toAccessDecision(
  { decision, rules, versions }: Decision,
  relabelled: readonly Relabelled[],
): AccessDecision {
  if (relabelled.every((one) => one === undefined))
    return { decision, rules, visible: versions.map((one) => one.decision === 'permit') };
  let next = relabelled.length;
  const joined = relabelled.map((one, at): VersionDecision => {
    const own = versions[at] as VersionDecision;
    const now = one === undefined ? own : (versions[next++] as VersionDecision);
    return own.decision === 'deny' ? own : now;
  });
  const whole = joined.some((one) => one.decision === 'permit') ? 'permit' : 'deny';
  const deciding = joined.filter((one) => one.decision === whole);
  return {
    decision: whole,
    rules: [...new Set(deciding.flatMap((one) => one.rules))],
    visible: joined.map((one) => one.decision === 'permit'),
  };
}
