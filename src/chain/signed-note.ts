import { sha256 } from '#crypto/platform';
import { base64ToBytes, bytesToBase64, concatBytes, equalBytes, utf8 } from '../std/bytes.ts';

/** Signature types of signed notes that we make or accept (c2sp.org/signed-note § Signature types). */
export const NOTE_ED25519 = 0x01;
export const NOTE_COSIGNATURE_V1 = 0x04;

/** One signature line: `— <name> base64(key id ‖ signature)`. */
export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  readonly signature: Uint8Array;
}

export interface SignedNote {
  /** The signed text, its final newline included. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Largest note that is parsed, in characters, and most signature lines (the specification asks for at least 100). */
export const MAX_NOTE_LENGTH = 64 * 1024;
export const MAX_NOTE_SIGNATURES = 128;

/** First four bytes of SHA-256(name ‖ newline ‖ signature type ‖ public key) (c2sp.org/signed-note § Key IDs). */
export function noteKeyId(name: string, signatureType: number, publicKey: Uint8Array): Uint8Array {
  return sha256(concatBytes(utf8(`${name}\n`), Uint8Array.of(signatureType), publicKey)).subarray(0, 4);
}

/** One line of a note's signatures, its newline included. */
export function noteSignatureLine(signature: NoteSignature): string {
  return `— ${signature.name} ${bytesToBase64(concatBytes(signature.keyId, signature.signature))}\n`;
}

/** Text of a signed note. Throws TypeError when the text does not end in a newline. */
export function signedNoteToText(note: SignedNote): string {
  if (!note.text.endsWith('\n')) throw new TypeError('a note ends in a newline');
  return `${note.text}\n${note.signatures.map(noteSignatureLine).join('')}`;
}

const SIGNATURE_LINE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u;

/** A note's parts, unverified; undefined when it is none. Unknown signatures are kept for the caller to pass over. */
export function parseSignedNote(text: string): SignedNote | undefined {
  if (text.length > MAX_NOTE_LENGTH) return undefined;
  const split = text.lastIndexOf('\n\n');
  if (split < 0 || !text.endsWith('\n')) return undefined;
  const lines = text.slice(split + 2, -1).split('\n');
  if (lines.length > MAX_NOTE_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const match = SIGNATURE_LINE.exec(line);
    const bytes = base64ToBytes(match?.[2] ?? '');
    if (match === null || bytes === undefined || bytes.length < 5) return undefined;
    signatures.push({ name: match[1] as string, keyId: bytes.subarray(0, 4), signature: bytes.subarray(4) });
  }
  return { text: text.slice(0, split + 1), signatures };
}

/** The signatures of a note that claim to be by this name and key. */
export function signaturesBy(note: SignedNote, name: string, keyId: Uint8Array): readonly NoteSignature[] {
  return note.signatures.filter((signature) => signature.name === name && equalBytes(signature.keyId, keyId));
}
