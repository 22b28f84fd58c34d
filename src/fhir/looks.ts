import type { InteractionHeader } from '../chain/journal-leaf.ts';

/**
 * What was decided about versions in one interaction and is not journalled yet. Whatever is answered then, a refusal too,
 * may tell what the decision found; so the router journals what is left here before a refusal leaves.
 */
export interface Looks {
  /** A decision, as the entries that it comes to when it is asked. */
  add(entries: () => readonly InteractionHeader[]): void;
  /** All that was added has been journalled. */
  settle(): void;
  /** Of each decision its own; none once all is settled. */
  entries(): readonly InteractionHeader[];
}

export function createLooks(): Looks {
  let open: (() => readonly InteractionHeader[])[] = [];
  return {
    add(entries) {
      open.push(entries);
    },
    settle() {
      open = [];
    },
    entries: () => open.flatMap((entries) => entries()),
  };
}
