import { type Checkpoint, parseCheckpoint } from '../../chain/checkpoint.ts';
import { parseSignedNote, type SignedNote } from '../../chain/signed-note.ts';
import { base64ToBytes, utf8ToText } from '../../std/bytes.ts';

/** Body of `add-checkpoint` (c2sp.org/tlog-witness § add-checkpoint), parsed and not verified. */
export interface AddCheckpoint {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  readonly note: SignedNote;
  readonly checkpoint: Checkpoint;
}

/** Most lines of a consistency proof that a client may send. */
const MAX_PROOF_LINES = 63;
const OLD_LINE = /^old (0|[1-9][0-9]{0,15})$/;

/** The request; undefined for a body of any other form. */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint | undefined {
  let text: string;
  try {
    text = utf8ToText(body);
  } catch {
    return undefined;
  }
  const end = text.indexOf('\n\n');
  if (end < 0) return undefined;
  const [oldLine = '', ...proofLines] = text.slice(0, end).split('\n');
  const oldSize = Number(OLD_LINE.exec(oldLine)?.[1] ?? Number.NaN);
  const proof = proofLines.map(base64ToBytes);
  if (!Number.isSafeInteger(oldSize) || proof.length > MAX_PROOF_LINES) return undefined;
  if (!proof.every((hash) => hash?.length === 32)) return undefined;
  const note = parseSignedNote(text.slice(end + 2));
  const checkpoint = note === undefined ? undefined : parseCheckpoint(note.text);
  if (note === undefined || checkpoint === undefined) return undefined;
  return { oldSize, proof: proof as Uint8Array[], note, checkpoint };
}
