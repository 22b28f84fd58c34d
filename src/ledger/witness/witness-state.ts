import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { canonicalBytes, parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import { replaceFile } from '../store/replace-file.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

const StateFile = Type.Object(
  {
    format: Type.Literal('aceso.witness/1'),
    logs: Type.Record(
      Type.String({ maxLength: 255 }),
      Type.Object(
        {
          size: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
          root: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        strict,
      ),
    ),
  },
  strict,
);
type StateFile = Static<typeof StateFile>;

/** The latest checkpoint that a witness cosigned of each log, by origin. */
export interface WitnessState {
  get(origin: string): { readonly size: number; readonly root: string } | undefined;
  /** Durable when it resolves. One call at a time. */
  set(origin: string, checkpoint: { readonly size: number; readonly root: string }): Promise<void>;
}

/** Opens the state of a witness; a file that is not there is empty. Throws WITNESS_STATE_DAMAGED. */
export async function openWitnessState(path: string): Promise<WitnessState> {
  let file: StateFile = { format: 'aceso.witness/1', logs: {} };
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (bytes !== undefined) {
    const value = parseCanonical(bytes);
    if (!Value.Check(StateFile, value)) throw reject('WITNESS_STATE_DAMAGED', { path });
    file = value;
  }
  return {
    get: (origin) => (Object.hasOwn(file.logs, origin) ? file.logs[origin] : undefined),
    async set(origin, { size, root }) {
      const next: StateFile = { ...file, logs: { ...file.logs, [origin]: { size, root } } };
      await replaceFile(path, canonicalBytes(next));
      file = next;
    },
  };
}
