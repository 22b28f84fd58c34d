import { compareKeys } from '../state/memory-store.ts';

/**
 * A short list of the accounts that used most, out of any number: the summary of Misra and Gries (1982), in the form
 * that merges (Agarwal et al., "Mergeable Summaries", PODS 2012, §2). It never counts an account too high, and too low
 * by at most total ÷ (HEAVY_ACCOUNTS + 1). So it fits in one value of state whatever the number of accounts, nobody is
 * held back for what others used, and a single account gets past its share by 1/33 of the total at most.
 */
export type HeavyAccounts = readonly (readonly [account: string, used: number])[];

export const HEAVY_ACCOUNTS = 32;

/** What the summary knows that `account` used. */
export function heavyUse(summary: HeavyAccounts, account: string): number {
  for (const [name, used] of summary) if (name === account) return used;
  return 0;
}

/** The summary with a block's exact use added; accounts in byte order. */
export function addUse(summary: HeavyAccounts, use: ReadonlyMap<string, number>): HeavyAccounts {
  const total = new Map(use);
  for (const [account, used] of summary) total.set(account, used + (total.get(account) ?? 0));
  let entries = [...total].sort(([a], [b]) => compareKeys(a, b));
  if (entries.length > HEAVY_ACCOUNTS) {
    // The (n+1)-th largest is taken off all: at least one drops out for every unit that is lost to each of the others.
    const cut = entries.map(([, used]) => used).sort((a, b) => b - a)[HEAVY_ACCOUNTS] as number;
    entries = entries.filter(([, used]) => used > cut).map(([account, used]) => [account, used - cut]);
  }
  return entries;
}
