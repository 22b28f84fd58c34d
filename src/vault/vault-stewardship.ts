import { reject } from './codes.ts';
import { MAX_GENERATION, positionOf } from './position.ts';
import { scrub } from './scrub.ts';
import type { CustodianVault, LedgerAnchor } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';

type Stewardship = Pick<
  CustodianVault,
  'status' | 'checkAgainst' | 'startGeneration' | 'versionAt' | 'epochKey' | 'scrub' | 'close'
>;

/** What the node that keeps a vault does with it beside serving it. */
export function stewardOperations(parts: VaultParts): Stewardship {
  const { queue, orphans, output, log, journal, vault, versions, reader, keyStore } = parts;
  let closing: Promise<void> | undefined;

  async function checkAgainst(anchor: LedgerAnchor): Promise<'serving' | 'behind'> {
    if (parts.status() !== 'behind') parts.requireServing();
    return queue.alone(() => {
      if (!parts.compare(anchor) || parts.status() !== 'serving') return 'behind';
      const swept = orphans.sweep();
      if (swept > 0) output.info({ swept }, 'swept keys that no version names');
      return 'serving';
    });
  }

  async function startGeneration(generation: number): Promise<{ closed: number; keptSize: number }> {
    if (parts.status() !== 'behind') parts.requireServing();
    return queue.alone(() => {
      const closed = log.generation;
      const isLater = Number.isInteger(generation) && generation > closed && generation <= MAX_GENERATION;
      if (!isLater) throw reject('GENERATION_INVALID', { open: closed });
      const keptSize = log.size;
      orphans.keep();
      vault.begin();
      journal.setSize(generation, 0, []);
      vault.commit();
      log.startGeneration(generation);
      parts.setStatus('serving');
      output.warn({ closed, keptSize, generation }, 'started a generation of the journal');
      return { closed, keptSize };
    });
  }

  async function close(): Promise<void> {
    closing ??= (async () => {
      // Calls that were taken in are finished; new ones are refused from now on.
      parts.setStatus('closed');
      await queue.drained();
      parts.closeDatabases();
    })();
    return closing;
  }

  return {
    status: parts.status,
    checkAgainst,
    startGeneration,
    async versionAt(generation, index) {
      parts.requireServing();
      const version = versions.versionAt(positionOf(generation, index));
      return version === undefined ? undefined : reader.remember(version);
    },
    async epochKey(account) {
      parts.requireServing();
      const epoch = keyStore.account(account)?.epoch;
      if (epoch === undefined) throw reject('ACCOUNT_UNKNOWN', { account });
      return { epoch: epoch.number, key: epoch.key };
    },
    async scrub() {
      parts.requireServing();
      return scrub(parts);
    },
    close,
  };
}
