import { type Operation, VERSION_WEIGHT } from './commit-queue.ts';
import type { AnchorRow, Vault, VersionRow } from './vault.ts';
import type { VaultParts } from './vault-parts.ts';
import { onceOperation, type WriteParts, writeOperation } from './write-operations.ts';

type Writes = Pick<
  Vault,
  'write' | 'journal' | 'journalOnce' | 'anchored' | 'openAccount' | 'putDocument' | 'erase' | 'whenErasing'
>;

/** What an open vault takes in; each call resolves when it is durable, and shares its commit with others. */
export function writeOperations(parts: VaultParts): Writes {
  const { queue, keyStore, documents, erasure } = parts;
  const writeParts: WriteParts = parts;
  const keepers: ((rows: readonly VersionRow[]) => Promise<void>)[] = [];

  async function submit<R>(weight: number, operation: Operation<R>): Promise<R> {
    parts.requireServing();
    return queue.submit(weight, operation);
  }

  return {
    write: (versions, interactions) =>
      submit(
        versions.length * VERSION_WEIGHT + interactions.length,
        writeOperation(writeParts, versions, interactions),
      ),
    journal: async (interactions) =>
      (await submit(interactions.length, writeOperation(writeParts, [], interactions))).journalIndices,
    journalOnce: async (interaction) => submit(1, onceOperation(writeParts, interaction)),
    anchored: (anchor) => submit(1, anchorOperation(parts, anchor)),
    async openAccount(account) {
      parts.requireServing();
      // Known ones are durable, or will be before anything that is asked for later.
      if ((await keyStore.account(account))?.epoch !== undefined) return;
      await submit(1, async () => {
        const known = await keyStore.account(account);
        return (draft) => () => void draft.keys.ensureAccount(account, known, true);
      });
    },
    putDocument: (kind, id, bytes) =>
      submit(1, async () => (draft) => () => {
        draft.set(`document ${kind}/${id}`, documents.put(kind, id, bytes));
        draft.afterwards(() => documents.forget(kind, id));
      }),
    async erase(rows) {
      parts.requireServing();
      for (const destroyCopies of keepers) await destroyCopies(rows);
      await queue.alone(() => erasure.erase(rows));
      // Those that were made meanwhile.
      for (const destroyCopies of keepers) await destroyCopies(rows);
    },
    whenErasing: (destroyCopies) => void keepers.push(destroyCopies),
  };
}

/** The first anchor of a size stays; the greatest is the last one. */
function anchorOperation({ journal, anchors }: VaultParts, anchor: AnchorRow): Operation<void> {
  return async () => (draft) => {
    const change = journal.addAnchor(anchor);
    return () => {
      draft.add(change);
      draft.afterwards(() => anchors.note(anchor));
    };
  };
}
