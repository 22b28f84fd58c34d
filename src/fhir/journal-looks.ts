import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { FhirContext } from './context.ts';
import { joinInteractions } from './read-decision.ts';

/** Journals what an interaction came to, before it is answered. */
export async function journalLooks(
  { vault, looks }: Pick<FhirContext, 'vault' | 'looks'>,
  interactions: readonly InteractionHeader[],
): Promise<void> {
  if (interactions.length > 0) await vault.journal(interactions);
  looks?.settle();
}

/** Answers with what `work` does; a refusal leaves when all that it may tell of is journalled. */
export async function withLooks<T>(context: FhirContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    await journalLooks(context, joinInteractions(context.looks?.entries() ?? []));
    throw thrown;
  }
}
