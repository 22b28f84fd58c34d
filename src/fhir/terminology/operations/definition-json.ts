import type { CompactDesignation } from '../compact-system.ts';
import type { CompactValueSet, ComposePart } from '../compact-value-set.ts';

/** A designation as R4 writes it. */
export function designationJson([language, useSystem, useCode, value]: CompactDesignation): object {
  const use = { ...(useSystem === '' ? {} : { system: useSystem }), ...(useCode === '' ? {} : { code: useCode }) };
  return { ...(language === '' ? {} : { language }), ...(Object.keys(use).length > 0 ? { use } : {}), value };
}

/** `compose` of a value set, as far as it is kept: extensions are not. */
export function composeJson({ compose }: CompactValueSet): object {
  if (compose === undefined || compose.include.length === 0) return {};
  return {
    compose: {
      ...(compose.inactive ? {} : { inactive: false }),
      include: compose.include.map(partJson),
      ...(compose.exclude.length === 0 ? {} : { exclude: compose.exclude.map(partJson) }),
    },
  };
}

function partJson({ system, version, concepts, filters, valueSets }: ComposePart): object {
  return {
    ...(system === undefined ? {} : { system }),
    ...(version === undefined ? {} : { version }),
    ...(concepts === undefined || concepts.length === 0
      ? {}
      : {
          concept: concepts.map(({ code, display, designations }) => ({
            code,
            ...(display === undefined ? {} : { display }),
            ...(designations.length === 0 ? {} : { designation: designations.map(designationJson) }),
          })),
        }),
    ...(filters === undefined || filters.length === 0 ? {} : { filter: filters }),
    ...(valueSets === undefined ? {} : { valueSet: valueSets }),
  };
}
