import { elementsOf, membersOf } from '../json-spans.ts';
import { rejectPatch } from './codes.ts';
import { ExactValue } from './exact-value.ts';
import { checkName, indexOf, pointerSteps, valueAt } from './json-pointer.ts';
import { patchResult } from './patch-result.ts';
import { PATCH_LIMITS, type PatchLimits, PatchWork } from './patch-work.ts';
import { sameValue } from './same-value.ts';

interface Operation {
  readonly index: number;
  readonly op: string;
  readonly path: readonly string[];
  readonly from?: readonly string[];
  /** Exact text. */
  readonly value?: string;
}

/**
 * Applies a JSON Patch (RFC 6902) to the exact text of a resource; both are texts of `exactJson`. All operations or none.
 * What is not touched keeps its written form, and so do the patch's values. Throws PATCH_INVALID {operation, fault},
 * PATCH_PATH_UNMATCHED {operation}, PATCH_TEST_FAILED {operation}, PATCH_TOO_COSTLY, PATCH_IDENTITY {element},
 * PATCH_RESULT_INVALID {reason}. Operations are counted from 0.
 */
export function applyJsonPatch(text: string, patch: string, limits: PatchLimits = PATCH_LIMITS): string {
  const work = new PatchWork(limits);
  let root = new ExactValue(text, work);
  for (const operation of readOperations(patch, work)) root = apply(root, operation, work);
  return patchResult(text, root.text(), limits);
}

function readOperations(patch: string, work: PatchWork): readonly Operation[] {
  if (!patch.startsWith('[')) throw rejectPatch('PATCH_INVALID', { fault: 'no array of operations' });
  const spans = elementsOf(patch, 0);
  work.count(spans.length);
  return spans.map(({ start }, index) => readOperation(patch, start, index, work.limits));
}

const WITH_VALUE = new Set(['add', 'replace', 'test']);
const WITH_FROM = new Set(['move', 'copy']);

function readOperation(patch: string, start: number, index: number, limits: PatchLimits): Operation {
  if (patch.charAt(start) !== '{') throw invalid(index, 'no object');
  const members = new Map(
    membersOf(patch, start).map(({ name, start: from, end }) => [name, patch.slice(from, end)] as const),
  );
  const text = (name: string): string | undefined => {
    const value = members.get(name);
    return value?.startsWith('"') ? (JSON.parse(value) as string) : undefined;
  };
  const pointer = (name: string): readonly string[] => {
    const value = text(name);
    const steps = value === undefined ? undefined : pointerSteps(value, limits.pointerSteps);
    if (steps === undefined) throw invalid(index, `${name} is no JSON Pointer`);
    return steps;
  };
  const op = text('op') ?? '';
  const path = pointer('path');
  if (op === 'remove') return { index, op, path };
  if (WITH_FROM.has(op)) return { index, op, path, from: pointer('from') };
  if (!WITH_VALUE.has(op)) throw invalid(index, 'op is none of RFC 6902');
  const value = members.get('value');
  if (value === undefined) throw invalid(index, 'value is missing');
  return { index, op, path, value };
}

/** The root afterwards. */
function apply(root: ExactValue, operation: Operation, work: PatchWork): ExactValue {
  const { index, op, path, from = [], value = '' } = operation;
  const given = () => {
    work.spend(value.length);
    return new ExactValue(value, work);
  };
  switch (op) {
    case 'add':
      return add(root, path, given(), index);
    case 'remove':
      remove(root, path, index);
      return root;
    case 'replace':
      return replace(root, path, given(), index);
    case 'copy':
      return add(root, path, new ExactValue(copyOf(existing(root, from, index), work), work), index);
    case 'move': {
      if (from.length < path.length && from.every((step, at) => step === path[at])) {
        throw invalid(index, 'a value cannot be moved into itself');
      }
      // Closed again, so that what is open never gets deeper than a pointer is long.
      const moved = existing(root, from, index).text();
      if (from.length > 0) remove(root, from, index);
      return add(root, path, new ExactValue(moved, work), index);
    }
    default:
      if (!sameValue(existing(root, path, index).text(), value, work)) {
        throw rejectPatch('PATCH_TEST_FAILED', { operation: index });
      }
      return root;
  }
}

function copyOf(value: ExactValue, work: PatchWork): string {
  const text = value.text();
  work.spend(text.length);
  return text;
}

function existing(root: ExactValue, steps: readonly string[], operation: number): ExactValue {
  const value = valueAt(root, steps);
  if (value === undefined) throw unmatched(operation);
  return value;
}

function add(root: ExactValue, path: readonly string[], value: ExactValue, operation: number): ExactValue {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = existing(root, path.slice(0, -1), operation);
  const items = parent.items();
  if (items !== undefined) {
    const at = last === '-' ? items.length : indexOf(last, items.length + 1);
    if (at === undefined) throw unmatched(operation);
    parent.insert(at, value);
    return root;
  }
  const members = parent.members();
  if (members === undefined) throw unmatched(operation);
  members.set(checkName(last, operation), value);
  return root;
}

function remove(root: ExactValue, path: readonly string[], operation: number): void {
  const last = path.at(-1);
  if (last === undefined) throw invalid(operation, 'the whole resource cannot be removed');
  const parent = existing(root, path.slice(0, -1), operation);
  const items = parent.items();
  if (items === undefined) {
    if (parent.members()?.delete(last) !== true) throw unmatched(operation);
    return;
  }
  const at = indexOf(last, items.length);
  if (at === undefined) throw unmatched(operation);
  parent.removeAt(at);
}

function replace(root: ExactValue, path: readonly string[], value: ExactValue, operation: number): ExactValue {
  existing(root, path, operation);
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = existing(root, path.slice(0, -1), operation);
  const items = parent.items();
  if (items !== undefined) items[indexOf(last, items.length) as number] = value;
  else parent.members()?.set(last, value);
  return root;
}

function invalid(operation: number, fault: string): Error {
  return rejectPatch('PATCH_INVALID', { operation, fault });
}

function unmatched(operation: number): Error {
  return rejectPatch('PATCH_PATH_UNMATCHED', { operation });
}
