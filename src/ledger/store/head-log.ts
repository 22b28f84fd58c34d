import { sha256 } from '#crypto/platform';
import type { Head } from '../../chain/block.ts';
import { compareBytes, concatBytes } from '../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../std/canonical-json.ts';
import { frame, u32, unframe } from '../../std/frame.ts';
import type { AppendFile, AppendFolder } from './append-folder.ts';

/** A head with the signature of the ledger's operator, hexadecimal. */
export type SignedHead = { readonly head: Head; readonly signature: string };

/** The newest signed head, durable before anybody is shown it. */
export interface HeadLog {
  latest(): SignedHead | undefined;
  /** Durable when it resolves. One call at a time. */
  write(signed: SignedHead): Promise<void>;
  close(): Promise<void>;
}

const TAG = 'aceso/head-record/1';
const NAME = /^([0-9]{8})\.heads$/;
const CHECKSUM_BYTES = 32;
const MAX_RECORD_BYTES = 4096;
/** Only the newest record counts: at this size a new file is begun and the old one removed. */
const ROTATE_BYTES = 1024 * 1024;

/**
 * Opens the file of signed heads. The order that makes "no signed head names a lost block" true:
 * 1. the block is appended and synced;
 * 2. its head is signed;
 * 3. the signed head is written here and synced;
 * 4. only then is it shown to a reader, follower or witness.
 * A crash before 3 loses a signature that nobody has seen, over a block that is durable. A crash after 3 leaves a head
 * that names a durable block; if that block cannot be read at the next start, it rotted, and the node stops instead of
 * putting another block in its place under a second signature. The tail of this file may be torn: the record before it
 * then counts, and what it lacks was shown to nobody.
 */
export async function openHeadLog(folder: AppendFolder): Promise<HeadLog> {
  const names = (await folder.list()).filter((name) => NAME.test(name));
  let latest: SignedHead | undefined;
  for (const name of names) {
    const file = await folder.open(name);
    const bytes = await file.read(0, await file.sizeBytes());
    await file.close();
    for (const signed of recordsOf(bytes))
      if (latest === undefined || signed.head.height >= latest.head.height) latest = signed;
  }
  let number = names.length === 0 ? 0 : Number.parseInt(names.at(-1) as string, 10);
  let file: AppendFile | undefined;
  let sizeBytes = 0;

  /** Begins a new file; the old ones go once the new one and what it holds are durable. */
  async function rotate(first: SignedHead): Promise<void> {
    const old = (await folder.list()).filter((name) => NAME.test(name));
    number++;
    const next = await folder.open(`${String(number).padStart(8, '0')}.heads`);
    const bytes = encode(first);
    await next.append(bytes);
    await next.sync();
    await folder.sync();
    for (const name of old) await folder.remove(name);
    await file?.close();
    file = next;
    sizeBytes = bytes.length;
  }

  return {
    latest: () => latest,
    async write(signed) {
      if (file === undefined || sizeBytes > ROTATE_BYTES) await rotate(signed);
      else {
        const bytes = encode(signed);
        await file.append(bytes);
        await file.sync();
        sizeBytes += bytes.length;
      }
      latest = signed;
    },
    close: async () => void (await file?.close()),
  };
}

function encode(signed: SignedHead): Uint8Array {
  const body = canonicalBytes(signed);
  const record = frame(TAG, body, sha256(body));
  return concatBytes(u32(record.length), record);
}

/** Sound records of a file, up to its torn end: each start begins a new file, so nothing comes after that. */
function* recordsOf(bytes: Uint8Array): Generator<SignedHead> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint32(at);
    if (length > MAX_RECORD_BYTES) return;
    const [body, checksum] = unframe(TAG, bytes.subarray(at + 4, at + 4 + length)) ?? [];
    if (body === undefined || checksum?.length !== CHECKSUM_BYTES || compareBytes(sha256(body), checksum) !== 0) return;
    const signed = parseCanonical(body);
    if (signed === undefined) return;
    yield signed as unknown as SignedHead;
    at += 4 + length;
  }
}
