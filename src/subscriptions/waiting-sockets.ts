import { sourcePrefix } from '../auth/sign-in/source-prefix.ts';

/** Connections that wait for their token at one time: from one network, and from all. */
const FROM_ONE = 200;
const IN_ALL = 1000;

/**
 * Connections of whom nobody knows anything yet. They are never turned away, since strangers could take all places: the
 * one that has waited longest goes, first of the same network. Who has a token sends it at once and does not wait.
 */
export interface WaitingSockets {
  /** Lets one in; `cut` ends it when its place is taken. To be called back when it is bound, or gone. */
  enter(address: string, cut: () => void): () => void;
}

export function createWaitingSockets(mostFromOne = FROM_ONE, mostInAll = IN_ALL): WaitingSockets {
  interface Waiting {
    readonly source: string;
    cut(): void;
  }
  /** In the order of their coming, also within a source. */
  const all = new Set<Waiting>();
  const bySource = new Map<string, Set<Waiting>>();

  function leave(one: Waiting): void {
    if (!all.delete(one)) return;
    const same = bySource.get(one.source);
    same?.delete(one);
    if (same?.size === 0) bySource.delete(one.source);
  }

  function makeRoom(among: ReadonlySet<Waiting>, most: number): void {
    const [oldest] = among;
    if (oldest === undefined || among.size < most) return;
    leave(oldest);
    oldest.cut();
  }

  return {
    enter(address, cut) {
      const one: Waiting = { source: sourcePrefix(address), cut };
      makeRoom(bySource.get(one.source) ?? new Set(), mostFromOne);
      makeRoom(all, mostInAll);
      const same = bySource.get(one.source) ?? new Set();
      bySource.set(one.source, same.add(one));
      all.add(one);
      return () => leave(one);
    },
  };
}
