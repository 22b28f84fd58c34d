import { base64ToBytes, bytesToBase64 } from '../std/bytes.ts';

/** A checkpoint of the outcome log: c2sp.org/tlog-checkpoint. */
export interface Checkpoint {
  /** `aceso/<genesis hash>`; also the name of the key that signs it. */
  readonly origin: string;
  readonly size: number;
  /** RFC 6962 root, 32 bytes. */
  readonly root: Uint8Array;
}

/** Origin of a ledger's checkpoints. `genesisHash` in hexadecimal. */
export function checkpointOrigin(genesisHash: string): string {
  return `aceso/${genesisHash}`;
}

/** Text that the log and its witnesses sign: origin, decimal size, base64 root, a line each. */
export function checkpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${bytesToBase64(checkpoint.root)}\n`;
}

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/;

/** The checkpoint of a note's text; undefined when it is none. We sign no extension lines and accept none. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const lines = text.split('\n');
  if (lines.length !== 4 || lines[3] !== '' || lines[0] === '') return undefined;
  const [origin, sizeText, rootText] = lines as [string, string, string, string];
  const root = base64ToBytes(rootText);
  const size = Number(sizeText);
  if (!SIZE.test(sizeText) || !Number.isSafeInteger(size) || root?.length !== 32) return undefined;
  return { origin, size, root };
}
