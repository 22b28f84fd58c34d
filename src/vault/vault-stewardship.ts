import { reject } from './codes.ts';
import { MAX_GENERATION, positionOf } from './position.ts';
import { indexState, reindex } from './reindex.ts';
import { scrub } from './scrub.ts';
import type { CustodianVault, LedgerAnchor } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';

type Stewardship = Pick<
  CustodianVault,
  | ('status' | 'checkAgainst' | 'startGeneration' | 'versionAt' | 'epochKey' | 'scrub' | 'close')
  | ('reindex' | 'indexState' | 'rotateIndexKey' | 'whilePaused')
>;

/** What the node that keeps a vault does with it beside serving it. */
export function stewardOperations(parts: VaultParts): Stewardship {
  const { queue, orphans, output, log, journal, vault, versions, reader, keyStore } = parts;
  let closing: Promise<void> | undefined;

  async function checkAgainst(anchor: LedgerAnchor): Promise<'serving' | 'behind'> {
    if (parts.status() !== 'behind') parts.requireServing();
    return queue.alone(async () => {
      if (!(await parts.compare(anchor)) || parts.status() !== 'serving') return 'behind';
      const swept = await orphans.sweep();
      if (swept > 0) output.info({ swept }, 'swept keys that no version names');
      return 'serving';
    });
  }

  async function startGeneration(generation: number): Promise<{ closed: number; keptSize: number }> {
    if (parts.status() !== 'behind') parts.requireServing();
    return queue.alone(async () => {
      const closed = log.generation;
      const isLater = Number.isInteger(generation) && generation > closed && generation <= MAX_GENERATION;
      if (!isLater) throw reject('GENERATION_INVALID', { open: closed });
      const keptSize = log.size;
      await orphans.keep();
      await vault.write([journal.setSize(generation, 0, [])]);
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
      await parts.closeDatabases();
    })();
    return closing;
  }

  return {
    status: parts.status,
    checkAgainst,
    startGeneration,
    async versionAt(generation, index) {
      parts.requireServing();
      const version = await versions.versionAt(positionOf(generation, index));
      return version === undefined ? undefined : reader.remember(version);
    },
    async epochKey(account) {
      parts.requireServing();
      const epoch = (await keyStore.account(account))?.epoch;
      if (epoch === undefined) throw reject('ACCOUNT_UNKNOWN', { account });
      return { epoch: epoch.number, key: epoch.key };
    },
    async scrub() {
      parts.requireServing();
      return scrub(parts);
    },
    async reindex(extract, options) {
      parts.requireServing();
      return reindex(parts, extract, options);
    },
    indexState: () => indexState(parts),
    async rotateIndexKey() {
      parts.requireServing();
      return { generation: await queue.alone(() => parts.index.ring.rotate()) };
    },
    whilePaused: (task) =>
      queue.alone(() =>
        task(async () => {
          const keys = await parts.keys.freeze();
          try {
            return { keys, vault: await vault.freeze() };
          } catch (error) {
            await keys.release();
            throw error;
          }
        }),
      ),
    close,
  };
}
