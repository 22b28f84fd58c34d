import { rejectPatch } from './codes.ts';
import type { ExactValue } from './exact-value.ts';

/** Steps of a JSON Pointer (RFC 6901), escapes undone; undefined when it is none. */
export function pointerSteps(pointer: string, limit: number): readonly string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  const steps = pointer.slice(1).split('/', limit + 1);
  if (steps.length > limit) return undefined;
  return steps.map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Place of an existing element that `step` names (RFC 6901 §4: digits without leading zeros); undefined for none. */
export function indexOf(step: string, length: number): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(step)) return undefined;
  const index = Number(step);
  return index < length ? index : undefined;
}

/** The value that `steps` lead to; undefined when they lead to nothing. */
export function valueAt(root: ExactValue, steps: readonly string[]): ExactValue | undefined {
  let at: ExactValue | undefined = root;
  for (const step of steps) {
    if (at === undefined) return undefined;
    const items = at.items();
    if (items === undefined) at = at.members()?.get(step);
    else {
      const index = indexOf(step, items.length);
      at = index === undefined ? undefined : items[index];
    }
  }
  return at;
}

const NAME = /^[^"\\\p{Cc}]{0,128}$/u;

/** A name that `exactJson` takes without escapes. Throws PATCH_INVALID {operation}. */
export function checkName(name: string, operation: number): string {
  if (!NAME.test(name)) throw rejectPatch('PATCH_INVALID', { operation, fault: 'member name not allowed' });
  return name;
}
