import type { OpenDraft } from './commit-draft.ts';
import type { IndexWriter } from './index/index-writer.ts';
import type { VersionStore } from './version-table.ts';

/** What rows of resources are marked with: the generation of the custodian's index key, and what makes the entries. */
export interface IndexMarks {
  readonly generation: number;
  readonly format: number;
}

/** What the rows of an index are made with. */
export interface IndexChangeParts {
  readonly versions: VersionStore;
  readonly writer: IndexWriter;
  readonly marks: IndexMarks;
  /** Forgets which accounts have protected resources. */
  readonly forget: () => void;
}

/**
 * Adds the rows of the resources that a commit writes, and those of the index: once for each resource, however often the
 * commit writes it, and only what differs from the version that the commit found.
 */
export function addIndexChanges(draft: OpenDraft, { versions, writer, marks, forget }: IndexChangeParts): void {
  let isProtected = false;
  for (const state of draft.resources.values()) {
    const { rid, type, id, account, version, position, found, packed, linked } = state;
    const ridOf = (of: string, target: string) => {
      const name = `${of}/${target}`;
      return draft.resources.get(name)?.rid ?? linked.get(name);
    };
    const plan =
      found === undefined
        ? writer.planRemoval(rid, packed)
        : writer.plan({ rid, type, scope: found.scope, entries: found.entries, ridOf }, packed);
    draft.add(...plan.changes);
    const isLive = found !== undefined;
    draft.add(
      versions.putResource({
        ...{ rid, type, id, account, version, position, live: isLive, protected: found?.isProtected === true },
        ...{ indexKey: isLive ? marks.generation : 0, indexFormat: isLive ? marks.format : 0, digest: plan.digest },
      }),
    );
    isProtected ||= found?.isProtected === true || state.wasProtected;
  }
  if (isProtected) draft.afterwards(forget);
}
