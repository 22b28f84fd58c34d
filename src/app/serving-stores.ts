import type { DocumentStore } from '../auth/documents.ts';
import type { CustodianVault } from '../vault/vault.ts';

/** A vault, as far as the way in needs it. */
export type EntranceVault = DocumentStore & Pick<CustodianVault, 'status'>;

/** The vaults that let people and apps in: each from the moment on that it serves. */
export interface ServingStores {
  /** Grows; whoever looks something up goes through it anew. What belongs to none of them lies in the first. */
  readonly stores: readonly [DocumentStore, ...DocumentStore[]];
  /** Takes in those that serve by now, after `load` was done with each. Costs nothing once all are. */
  admit(load: (vault: DocumentStore) => Promise<void>): Promise<void>;
  /** Whether one was taken in yet. */
  isOpen(): boolean;
}

/** A vault that was taken in stays: where it falls behind later it refuses itself, and says why. */
export function createServingStores(vaults: readonly [EntranceVault, ...EntranceVault[]]): ServingStores {
  const waiting = new Set(vaults);
  // Until one serves, the first stands there and refuses.
  const stores: [DocumentStore, ...DocumentStore[]] = [vaults[0]];
  let isOpen = false;
  let admitting: Promise<void> | undefined;

  async function takeIn(load: (vault: DocumentStore) => Promise<void>): Promise<void> {
    for (const vault of waiting) {
      if (vault.status() !== 'serving') continue;
      try {
        await load(vault);
      } catch (error) {
        // It fell behind meanwhile, and waits on.
        if (vault.status() !== 'serving') continue;
        throw error;
      }
      waiting.delete(vault);
      if (isOpen) stores.push(vault);
      else stores[0] = vault;
      isOpen = true;
    }
  }

  return {
    stores,
    isOpen: () => isOpen,
    async admit(load) {
      if (waiting.size === 0) return;
      // Whoever comes while one is taken in waits for that, since its clients are not known before.
      admitting ??= takeIn(load).finally(() => {
        admitting = undefined;
      });
      await admitting;
    },
  };
}
