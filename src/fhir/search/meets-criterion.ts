import type { IndexEntries } from '../../vault/index/index-entries.ts';
import type { Criterion } from '../../vault/index/index-query.ts';
import { passes } from './condition.ts';
import { HAS } from './token-forms.ts';

/**
 * Whether a resource with this id and these entries meets a criterion, as the index would say. Throws TypeError for a
 * criterion that is about other resources as well.
 */
export function meetsCriterion(criterion: Criterion, id: string, entries: IndexEntries): boolean {
  switch (criterion.kind) {
    case 'token':
      return criterion.tokens.some((wanted) =>
        entries.tokens.some(({ parameter, value }) => parameter === wanted.parameter && value === wanted.value),
      );
    case 'ordinal':
      return criterion.ranges.some(({ parameter, tests }) =>
        entries.ordinals.some((one) => one.parameter === parameter && passes(one, [tests])),
      );
    case 'link':
      return criterion.targets.some((target) =>
        entries.links.some(
          (link) => link.parameter === criterion.parameter && link.type === target.type && link.id === target.id,
        ),
      );
    case 'text':
      return entries.texts.some(
        (text) =>
          text.parameter === criterion.parameter &&
          criterion.values.some((wanted) => isText(criterion.match, text, wanted)),
      );
    case 'has':
      return hasEntry(criterion, entries);
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

function isText(
  match: 'starts' | 'contains' | 'exact',
  { value, folded }: { readonly value: string; readonly folded: string },
  wanted: string,
): boolean {
  if (match === 'exact') return value === wanted;
  return match === 'contains' ? folded.includes(wanted) : folded.startsWith(wanted);
}

function hasEntry({ of, parameter }: Extract<Criterion, { kind: 'has' }>, entries: IndexEntries): boolean {
  switch (of) {
    case 'token':
      return entries.tokens.some((token) => token.parameter === HAS && token.value === parameter);
    case 'ordinal':
      return entries.ordinals.some((one) => one.parameter === parameter);
    case 'link':
      return entries.links.some((one) => one.parameter === parameter);
    case 'text':
      return entries.texts.some((one) => one.parameter === parameter);
  }
}
