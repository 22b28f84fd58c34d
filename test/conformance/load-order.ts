import { type GivenResource, namedTarget, referencesOf } from './loaded-text.ts';

/**
 * Groups of resources, each to be written in one transaction, so that references resolve: a group comes after all that
 * it refers to, and resources that refer to each other in a ring are in one group (Tarjan's components, by a stack of
 * our own since rings may be long). The order within a group is that of `all`.
 */
export function loadGroups(all: readonly GivenResource[]): GivenResource[][] {
  const byAddress = new Map(all.map((one) => [one.address, one]));
  const targets = new Map(
    all.map((one) => [
      one.address,
      referencesOf(one).flatMap((reference) => {
        const target = namedTarget(reference)?.address;
        return target !== undefined && byAddress.has(target) ? [target] : [];
      }),
    ]),
  );
  const number = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const groups: GivenResource[][] = [];
  const place = new Map(all.map(({ address }, at) => [address, at]));

  function close(address: string): void {
    if (low.get(address) !== number.get(address)) return;
    const group: GivenResource[] = [];
    for (;;) {
      const last = open.pop() as string;
      isOpen.delete(last);
      group.push(byAddress.get(last) as GivenResource);
      if (last === address) break;
    }
    groups.push(group.sort((a, b) => (place.get(a.address) ?? 0) - (place.get(b.address) ?? 0)));
  }

  function enter(address: string, path: { address: string; next: number }[]): void {
    number.set(address, number.size);
    low.set(address, number.size - 1);
    open.push(address);
    isOpen.add(address);
    path.push({ address, next: 0 });
  }

  for (const { address: start } of all) {
    if (number.has(start)) continue;
    const path: { address: string; next: number }[] = [];
    enter(start, path);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const { address } = step;
      const target = targets.get(address)?.[step.next++];
      if (target === undefined) {
        close(address);
        path.pop();
        const parent = path.at(-1)?.address;
        if (parent !== undefined) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(address) ?? 0));
      } else if (!number.has(target)) {
        enter(target, path);
      } else if (isOpen.has(target)) {
        low.set(address, Math.min(low.get(address) ?? 0, number.get(target) ?? 0));
      }
    }
  }
  return groups;
}
