import type { IndexEntries } from '../../src/vault/index/index-entries.ts';
import type { Criterion } from '../../src/vault/index/index-query.ts';

/** Whether a resource with these entries meets the criterion, told one entry at a time. Chains are the index's own. */
export function meetsCriterion(criterion: Criterion, id: string, entries: IndexEntries): boolean {
  switch (criterion.kind) {
    case 'token':
      return criterion.tokens.some((wanted) =>
        entries.tokens.some(({ parameter, value }) => parameter === wanted.parameter && value === wanted.value),
      );
    case 'ordinal':
      return criterion.ranges.some(({ parameter, tests }) =>
        entries.ordinals.some(
          (one) =>
            one.parameter === parameter &&
            tests.every(({ end, is, value }) => {
              const difference = one[end] === value ? 0 : one[end] < value ? -1 : 1;
              return { '<': difference < 0, '<=': difference <= 0, '>': difference > 0, '>=': difference >= 0 }[is];
            }),
        ),
      );
    case 'link':
      return criterion.targets.some((target) =>
        entries.links.some(
          (link) => link.parameter === criterion.parameter && link.type === target.type && link.id === target.id,
        ),
      );
    case 'text':
      return entries.texts.some(
        ({ parameter, value, folded }) =>
          parameter === criterion.parameter &&
          criterion.values.some((wanted) => {
            if (criterion.match === 'exact') return value === wanted;
            return criterion.match === 'contains' ? folded.includes(wanted) : folded.startsWith(wanted);
          }),
      );
    case 'has': {
      if (criterion.of === 'token')
        return entries.tokens.some(({ parameter, value }) => parameter === ':has' && value === criterion.parameter);
      const { ordinal, link, text } = { ordinal: entries.ordinals, link: entries.links, text: entries.texts };
      return { ordinal, link, text }[criterion.of].some(({ parameter }) => parameter === criterion.parameter);
    }
    case 'id':
      return criterion.ids.includes(id);
    case 'not':
      return !meetsCriterion(criterion.of, id, entries);
    case 'any':
      return criterion.of.some((one) => meetsCriterion(one, id, entries));
    default:
      throw new TypeError(`not of one resource: ${criterion.kind}`);
  }
}
