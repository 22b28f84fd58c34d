import type { Block } from '../../../chain/block.ts';
import { parseTransaction } from '../../../chain/transaction.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import type { Vault } from '../../../vault/vault.ts';
import type { Policy } from '../../consent/contract/policy.ts';
import { type Delegation, delegations, policiesOf } from '../../consent/contract/state.ts';
import { breakGlassActs } from '../contract/state.ts';
import { createTagger, type Tagger } from './version-facts.ts';

/** What of the ledger's state decides about one account, at one committed height. */
export interface AccountPolicy {
  readonly policies: readonly Policy[];
  readonly tagger: Tagger;
  /** Practitioners with a break-glass act, and the latest time each act holds to. */
  readonly brokenUntilMs: ReadonlyMap<string, number>;
  isDelegate(asker: string, atMs: number): boolean;
}

export interface PolicyCache {
  /** Block time of the state that the policies are of. */
  timeMs(): number;
  of(vault: Vault, account: string): Promise<AccountPolicy>;
  close(): void;
}

/** Most accounts remembered between two blocks. */
const MAX_ACCOUNTS = 4096;

/** Changes an anchor's own row, of which no policy is made. */
const ANCHOR = 'journal.anchor';

/** True when a block leaves all policies as they were; when in doubt, false. */
function leavesPolicies({ transactions, misbehaviour }: Block): boolean {
  const isAnchor = (wire: Uint8Array) => parseTransaction(wire)?.body.message.type === ANCHOR;
  return misbehaviour.length === 0 && transactions.every(isAnchor);
}

/**
 * Policies parsed once per account and committed block: every commit that is more than anchors of journals, of which there
 * is one a second, forgets them all, so that a decision is never made on anything but the latest committed state, and
 * other reads cost no look-up in the tree.
 */
export function createPolicyCache(ledger: Ledger): PolicyCache {
  const known = new Map<string, AccountPolicy>();
  const taggers = new Map<string, Tagger>();
  let timeMs = ledger.head().timeMs;
  const unsubscribe = ledger.subscribe((block) => {
    if (!leavesPolicies(block)) known.clear();
    timeMs = block.timeMs;
  });
  const taggerOf = async (vault: Vault, account: string): Promise<Tagger> => {
    const found = taggers.get(account);
    if (found !== undefined) return found;
    if (taggers.size >= MAX_ACCOUNTS) taggers.clear();
    const tagger = createTagger(await vault.tagKey(account));
    taggers.set(account, tagger);
    return tagger;
  };
  return {
    timeMs: () => timeMs,
    async of(vault, account) {
      const found = known.get(account);
      if (found !== undefined) return found;
      const tagger = await taggerOf(vault, account);
      // Read and remembered in one go: a block that comes in between would leave behind what it has changed.
      const policy = readPolicy(ledger, account, tagger);
      if (known.size >= MAX_ACCOUNTS) known.clear();
      known.set(account, policy);
      return policy;
    },
    close: unsubscribe,
  };
}

function readPolicy(ledger: Ledger, account: string, tagger: Tagger): AccountPolicy {
  const snapshot = ledger.read();
  try {
    const { state } = snapshot;
    const brokenUntilMs = new Map<string, number>();
    for (const [, act] of state.entries(breakGlassActs, [account])) {
      const until = brokenUntilMs.get(act.practitioner) ?? 0;
      if (act.expiresAtMs > until) brokenUntilMs.set(act.practitioner, act.expiresAtMs);
    }
    const held: (readonly [delegate: string, delegation: Delegation])[] = [];
    for (const [[, delegate], delegation] of state.entries(delegations, [account])) held.push([delegate, delegation]);
    return {
      policies: policiesOf(state, account),
      tagger,
      brokenUntilMs,
      isDelegate: (asker, atMs) =>
        held.some(
          ([delegate, one]) =>
            delegate === asker && one.powers.includes('access') && atMs >= one.fromMs && atMs <= one.endsAtMs,
        ),
    };
  } finally {
    snapshot.release();
  }
}
