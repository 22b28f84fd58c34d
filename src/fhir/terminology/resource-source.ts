import { compactSystem, objectsOf, textOf } from './compact-system.ts';
import { compactValueSet } from './compact-value-set.ts';
import type { TerminologyEntry, TerminologySource } from './terminology-store.ts';

/** A CodeSystem or ValueSet, or where it is read from when it is asked for. `entry` must be of that resource. */
export interface LateResource {
  readonly entry: TerminologyEntry;
  /** The parsed resource; read each time that its compact form has left the store's memory. */
  load(): object;
}

type Json = Readonly<Record<string, unknown>>;

/** What the store finds a resource by; undefined for what is neither, or has no canonical URL. */
export function terminologyEntry(resource: object): TerminologyEntry | undefined {
  const { resourceType: kind, url, version, id, content } = resource as Json;
  if ((kind !== 'CodeSystem' && kind !== 'ValueSet') || textOf(url) === undefined) return undefined;
  return {
    kind,
    url: url as string,
    ...(textOf(version) === undefined ? {} : { version: version as string }),
    ...(textOf(id) === undefined ? {} : { id: id as string }),
    ...(kind === 'ValueSet' || textOf(content) === undefined ? {} : { content: content as string }),
  };
}

/** Resources of a package, or stored ones: those that are CodeSystem or ValueSet with a canonical URL. */
export function resourceSource(resources: Iterable<object>): TerminologySource {
  const late: LateResource[] = [];
  for (const resource of resources) {
    const entry = terminologyEntry(resource);
    if (entry !== undefined) late.push({ entry, load: () => resource });
  }
  return lateSource(late);
}

/** The same, for resources that are read when they are asked for. Supplements add to others' systems and are no system. */
export function lateSource(resources: readonly LateResource[]): TerminologySource {
  const kept = resources.filter(({ entry }) => entry.content !== 'supplement');
  return {
    entries: kept.map(({ entry }) => entry),
    read(index) {
      const resource = kept[index] as LateResource;
      const [json] = objectsOf([resource.load()]);
      if (json === undefined) throw new TypeError('no resource');
      const compact = resource.entry.kind === 'CodeSystem' ? compactSystem(json) : compactValueSet(json);
      return { compact, chars: JSON.stringify(compact).length };
    },
  };
}
