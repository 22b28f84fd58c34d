import { utf8 } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import { exactJson } from '../exact-json.ts';
import { membersOf } from '../json-spans.ts';
import { rejectPatch } from './codes.ts';
import type { PatchLimits } from './patch-work.ts';

/**
 * Judges what a patch made: strict JSON within the limits of any body, of the same type and id as `before`. Whether it
 * is valid FHIR is judged when it is written, as with every resource. Throws PATCH_RESULT_INVALID {reason},
 * PATCH_IDENTITY {element}, PATCH_TOO_COSTLY.
 */
export function patchResult(before: string, after: string, limits: PatchLimits): string {
  if (after.length > limits.resultChars) throw rejectPatch('PATCH_TOO_COSTLY', { limitChars: limits.resultChars });
  let text: string;
  try {
    text = exactJson(utf8(after));
  } catch (thrown) {
    if (!isReject(thrown)) throw thrown;
    throw rejectPatch('PATCH_RESULT_INVALID', { reason: String(thrown.data.reason) });
  }
  if (!text.startsWith('{')) throw rejectPatch('PATCH_RESULT_INVALID', { reason: 'no object' });
  for (const element of ['resourceType', 'id']) {
    if (memberValue(before, element) !== memberValue(text, element)) throw rejectPatch('PATCH_IDENTITY', { element });
  }
  return text;
}

/** The member's value, escapes undone, so that another way to write the same id is no change. */
function memberValue(text: string, name: string): unknown {
  const member = membersOf(text).find((candidate) => candidate.name === name);
  return member === undefined ? undefined : JSON.parse(text.slice(member.start, member.end));
}
