import { type Json, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { CliContext } from './command.ts';
import { readNamedFile } from './files.ts';

const reject = rejecter(CODES);

/**
 * The public entry of a member in a file into which `aceso keys organisation` was printed: by itself, or with its
 * validator beside it. Throws Reject FILE_UNREADABLE.
 */
export async function readMemberEntry(context: CliContext, file: string): Promise<JsonObject> {
  const bytes = await readNamedFile(context, file);
  const value = parseCanonical(bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes);
  const entry = isObject(value) && isObject(value.entry) ? value.entry : value;
  if (!isObject(entry) || typeof entry.account !== 'string')
    throw reject('FILE_UNREADABLE', { reason: 'not a member entry' });
  return entry;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && !Array.isArray(value);
}
