import type { InteractionHeader } from '../../chain/journal-leaf.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import { interactionHeader } from '../interaction.ts';

/** What one request may see of versions, each decided once, and what is to be journalled of it. */
export interface Visibility {
  /** Those of `rows` that the caller may see, in their order. */
  of(rows: readonly VersionRow[]): Promise<readonly VersionRow[]>;
  /** Says that these versions leave, or that they decide what leaves. */
  show(rows: readonly VersionRow[]): void;
  /** Accounts of which something is shown. */
  shownAccounts(): ReadonlySet<string>;
  /** One entry for each account: a read of what is shown, or a refusal where all that was asked about was denied. */
  interactions(): readonly InteractionHeader[];
}

interface AccountLook {
  readonly rules: Set<string>;
  /** Leaves. */
  readonly denied: Set<string>;
  readonly shown: Set<string>;
}

/** Asks `AccessPort` for all versions of one account at once, as a read or as a search. Journals nothing. */
export function createVisibility(context: FhirContext, permission: 'r' | 's', are?: 'current'): Visibility {
  /** Account of a version that may be seen, '' for one that may not, by its leaf. */
  const decided = new Map<string, string>();
  const looks = new Map<string, AccountLook>();

  function lookOf(account: string): AccountLook {
    let look = looks.get(account);
    if (look === undefined) {
      look = { rules: new Set(), denied: new Set(), shown: new Set() };
      looks.set(account, look);
    }
    return look;
  }

  async function decide(account: string, versions: readonly VersionRow[]): Promise<void> {
    const { decision, rules, visible } = await context.access.read(context.caller, account, versions, permission, are);
    const look = lookOf(account);
    for (const rule of rules) look.rules.add(rule);
    for (const [index, { leaf }] of versions.entries()) {
      const isVisible = decision === 'permit' && visible[index] === true;
      decided.set(leaf, isVisible ? account : '');
      if (!isVisible) look.denied.add(leaf);
    }
  }

  function interactions(): readonly InteractionHeader[] {
    const all: InteractionHeader[] = [];
    for (const [account, { rules, denied, shown }] of looks) {
      const refused = shown.size === 0;
      if (refused && denied.size === 0) continue;
      all.push(interactionHeader(context, account, refused, [...rules], [...(refused ? denied : shown)]));
    }
    return all;
  }

  // Where the request ends in a refusal, all that may be seen was looked at to come to it.
  context.looks?.add(() => {
    for (const [leaf, account] of decided) if (account !== '') lookOf(account).shown.add(leaf);
    return interactions();
  });

  return {
    async of(rows) {
      const unknown = new Map<string, VersionRow[]>();
      for (const row of rows) {
        if (decided.has(row.leaf)) continue;
        const of = unknown.get(row.account);
        if (of === undefined) unknown.set(row.account, [row]);
        else of.push(row);
      }
      await Promise.all([...unknown].map(([account, versions]) => decide(account, versions)));
      return rows.filter((row) => (decided.get(row.leaf) ?? '') !== '');
    },
    show(rows) {
      for (const { account, leaf } of rows) lookOf(account).shown.add(leaf);
    },
    shownAccounts: () => new Set([...looks].flatMap(([account, look]) => (look.shown.size > 0 ? [account] : []))),
    interactions,
  };
}
