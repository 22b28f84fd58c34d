import { utf8 } from '../../std/bytes.ts';
import { isReject, type Reject } from '../../std/reject.ts';
import { rejectFhir } from '../codes.ts';
import { exactJson } from '../exact-json.ts';
import { type ImportCount, type ImportOptions, importBundle } from '../import-bundle.ts';
import { idIn, typeIn } from '../write.ts';
import type { BulkLimits } from './bulk-limits.ts';

/** A line of the input, by its number from 1 on. */
export interface Line {
  readonly number: number;
  readonly bytes: Uint8Array;
}

export interface LinesImported extends ImportCount {
  readonly failures: readonly { readonly line: number; readonly refusal: Reject }[];
}

/** A line that is a resource. */
interface ReadLine {
  readonly number: number;
  readonly text: string;
  /** `Type/id`. */
  readonly name: string;
}

/**
 * Imports lines as the operator's own import does, some in one commit: each is a resource with an id, new or another
 * content of it. One that is refused is told of by number, and the others are written. Throws what is no fault of a line
 * (the vault cannot write), after which all of them may be sent again.
 */
export async function importLines(
  lines: readonly Line[],
  options: ImportOptions,
  limits: Pick<BulkLimits, 'importBatch' | 'importBatchBytes'>,
): Promise<LinesImported> {
  const failures: { line: number; refusal: Reject }[] = [];
  const total = { created: 0, updated: 0, unchanged: 0 };
  const read = lines.flatMap((line) => {
    try {
      return isBlank(line.bytes) ? [] : [readLine(line, options)];
    } catch (thrown) {
      if (!isReject(thrown)) throw thrown;
      failures.push({ line: line.number, refusal: thrown });
      return [];
    }
  });
  for (const batch of batches(read, limits)) {
    const done = await importBatch(batch, options);
    total.created += done.created;
    total.updated += done.updated;
    total.unchanged += done.unchanged;
    failures.push(...done.failures);
  }
  return { ...total, failures: failures.sort((a, b) => a.line - b.line) };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function readLine({ number, bytes }: Line, { conformance }: ImportOptions): ReadLine {
  const text = exactJson(bytes);
  const type = typeIn(text);
  if (type === undefined || !Object.hasOwn(conformance.definitions.resources, type)) throw rejectFhir('TYPE_UNKNOWN');
  const id = idIn(text);
  if (id === undefined || !/^[A-Za-z0-9\-.]{1,64}$/.test(id)) throw rejectFhir('ID_INVALID');
  return { number, text, name: `${type}/${id}` };
}

/** Lines that go together: none of a resource that is among them already, which must come after it. */
function* batches(
  lines: readonly ReadLine[],
  { importBatch: most, importBatchBytes }: Pick<BulkLimits, 'importBatch' | 'importBatchBytes'>,
): Generator<readonly ReadLine[]> {
  let batch: ReadLine[] = [];
  let names = new Set<string>();
  let chars = 0;
  for (const line of lines) {
    const isFull = batch.length >= most || chars + line.text.length > importBatchBytes;
    if (batch.length > 0 && (isFull || names.has(line.name))) {
      yield batch;
      [batch, names, chars] = [[], new Set(), 0];
    }
    batch.push(line);
    names.add(line.name);
    chars += line.text.length;
  }
  if (batch.length > 0) yield batch;
}

/** All of them or, where one is refused, all but that one. */
async function importBatch(batch: readonly ReadLine[], options: ImportOptions): Promise<LinesImported> {
  const failures: { line: number; refusal: Reject }[] = [];
  let left = [...batch];
  while (left.length > 0) {
    try {
      return { ...(await importBundle(bundleOf(left), options)), failures };
    } catch (thrown) {
      if (!isReject(thrown) || thrown.kind === 'unavailable') throw thrown;
      const { entry } = thrown.data;
      const at = typeof entry === 'number' ? entry : left.length === 1 ? 0 : undefined;
      if (at === undefined) return joined([{ ...NOTHING, failures }, ...(await oneByOne(left, options))]);
      failures.push({ line: left[at]?.number ?? 0, refusal: thrown });
      left = left.filter((_, index) => index !== at);
    }
  }
  return { ...NOTHING, failures };
}

const NOTHING = { created: 0, updated: 0, unchanged: 0 };

/** A refusal that names none of them: each by itself, so that it meets the one it is for. */
async function oneByOne(lines: readonly ReadLine[], options: ImportOptions): Promise<LinesImported[]> {
  const all: LinesImported[] = [];
  for (const line of lines) all.push(await importBatch([line], options));
  return all;
}

function joined(all: readonly LinesImported[]): LinesImported {
  const sum = (name: keyof ImportCount) => all.reduce((total, one) => total + one[name], 0);
  return {
    ...{ created: sum('created'), updated: sum('updated'), unchanged: sum('unchanged') },
    failures: all.flatMap(({ failures }) => failures),
  };
}

function bundleOf(lines: readonly ReadLine[]): Uint8Array {
  const entries = lines.map(({ text, name }) => `{"resource":${text},"request":{"method":"PUT","url":"${name}"}}`);
  return utf8(`{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`);
}
