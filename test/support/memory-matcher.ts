import type { Criterion, SortKey } from '../../src/vault/index/index-query.ts';
import type { TestResource } from './test-index.ts';

/** The obvious matcher that the index is compared with: all resources, one by one, in the order of first writing. */
export function matching(
  resources: readonly TestResource[],
  type: string,
  criteria: readonly Criterion[],
  sort: readonly SortKey[],
): TestResource[] {
  const found = resources.filter((one) => one.type === type && criteria.every((each) => meets(each, one, resources)));
  const place = new Map(found.map((one, at) => [one, at]));
  return found.sort((a, b) => compare(a, b, sort) || (place.get(a) as number) - (place.get(b) as number));
}

function meets(criterion: Criterion, one: TestResource, all: readonly TestResource[]): boolean {
  const { tokens, ordinals, links, texts } = one.entries;
  switch (criterion.kind) {
    case 'token':
      return criterion.tokens.some((wanted) =>
        tokens.some((token) => token.parameter === wanted.parameter && token.value === wanted.value),
      );
    case 'ordinal':
      return criterion.ranges.some((range) =>
        ordinals.some(
          (ordinal) =>
            ordinal.parameter === range.parameter &&
            range.tests.every(({ end, is, value }) => {
              const held = ordinal[end];
              if (is === '<') return held < value;
              if (is === '<=') return held <= value;
              return is === '>' ? held > value : held >= value;
            }),
        ),
      );
    case 'link':
      return criterion.targets.some((target) =>
        links.some((l) => l.parameter === criterion.parameter && l.type === target.type && l.id === target.id),
      );
    case 'linked-by':
      return criterion.sources.some((source) =>
        all.some(
          (other) =>
            other.type === source.type &&
            other.id === source.id &&
            other.entries.links.some(
              (l) => criterion.parameters.includes(l.parameter) && l.type === one.type && l.id === one.id,
            ),
        ),
      );
    case 'text':
      return texts.some(
        ({ parameter, value, folded }) =>
          parameter === criterion.parameter &&
          criterion.values.some((wanted) => {
            if (criterion.match === 'exact') return value === wanted;
            return criterion.match === 'starts' ? folded.startsWith(wanted) : folded.includes(wanted);
          }),
      );
    case 'has': {
      const { of, parameter } = criterion;
      if (of === 'token') return tokens.some((t) => t.parameter === ':has' && t.value === parameter);
      const entries = { ordinal: ordinals, link: links, text: texts }[of];
      return entries.some((entry) => entry.parameter === parameter);
    }
    case 'id':
      return criterion.ids.includes(one.id);
    case 'account':
      return criterion.accounts.includes(one.account);
    case 'chain':
      return links.some(
        (l) =>
          l.parameter === criterion.parameter &&
          all.some(
            (other) =>
              other.type === criterion.type &&
              other.type === l.type &&
              other.id === l.id &&
              criterion.criteria.every((each) => meets(each, other, all)),
          ),
      );
    case 'reverse':
      return all.some(
        (other) =>
          other.type === criterion.type &&
          other.entries.links.some(
            (l) => l.parameter === criterion.parameter && l.type === one.type && l.id === one.id,
          ) &&
          criterion.criteria.every((each) => meets(each, other, all)),
      );
    case 'not':
      return !meets(criterion.of, one, all);
    case 'any':
      return criterion.of.some((each) => meets(each, one, all));
  }
}

function compare(a: TestResource, b: TestResource, sort: readonly SortKey[]): number {
  for (const key of sort) {
    const [x, y] = [sortedBy(a, key), sortedBy(b, key)];
    if (x === y) continue;
    if (x === undefined) return 1;
    if (y === undefined) return -1;
    return x < y === key.descending ? 1 : -1;
  }
  return 0;
}

function sortedBy(one: TestResource, { by, parameter, descending }: SortKey): number | string | undefined {
  if (by === 'id') return one.id;
  const values =
    by === 'text'
      ? one.entries.texts.filter((text) => text.parameter === parameter).map(({ folded }) => folded)
      : one.entries.ordinals.filter((o) => o.parameter === parameter).map(({ low, high }) => (descending ? high : low));
  return values.sort((x, y) => (x < y === descending ? 1 : x === y ? 0 : -1))[0];
}
