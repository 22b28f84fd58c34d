import type { SignatureTask } from '../../chain/kernel-api.ts';
import { utf8, utf8ToText } from '../../std/bytes.ts';

/*
 * Signature tasks as one buffer that is handed to a worker without a copy: cloning hundreds of small objects costs
 * about as much as verifying a tenth of them. Per task: algorithm (1), then four parts, each after its u32 length:
 * public key, message, signature, and for WebAuthn `rpIdHash` and `origin` as JSON.
 */
const ALGORITHMS = ['ed25519', 'webauthn-es256'] as const;

/** The tasks without the names of accounts, which a worker has no need of. */
export type BareTask = Omit<SignatureTask, 'account' | 'keyRecordHash'>;

const PARTS = 4;

export function packTasks(tasks: readonly BareTask[]): ArrayBuffer {
  const extras = tasks.map(({ rpIdHash, origin }) =>
    rpIdHash === undefined && origin === undefined ? new Uint8Array() : utf8(JSON.stringify({ rpIdHash, origin })),
  );
  let size = 0;
  for (const [at, { publicKey, message, signature }] of tasks.entries()) {
    size += 1 + PARTS * 4 + publicKey.length + message.length + signature.length + (extras[at] as Uint8Array).length;
  }
  const buffer = new ArrayBuffer(size);
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let offset = 0;
  for (const [at, { algorithm, publicKey, message, signature }] of tasks.entries()) {
    bytes[offset++] = ALGORITHMS.indexOf(algorithm);
    for (const part of [publicKey, message, signature, extras[at] as Uint8Array]) {
      view.setUint32(offset, part.length);
      bytes.set(part, offset + 4);
      offset += 4 + part.length;
    }
  }
  return buffer;
}

export function* unpackTasks(buffer: ArrayBuffer): Generator<BareTask> {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  for (let offset = 0; offset < bytes.length; ) {
    const algorithm = ALGORITHMS[bytes[offset++] as number] as (typeof ALGORITHMS)[number];
    const parts: Uint8Array[] = [];
    for (let i = 0; i < PARTS; i++) {
      const length = view.getUint32(offset);
      parts.push(bytes.subarray(offset + 4, offset + 4 + length));
      offset += 4 + length;
    }
    const [publicKey, message, signature, extra] = parts as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const more = extra.length === 0 ? {} : (JSON.parse(utf8ToText(extra)) as Pick<BareTask, 'rpIdHash' | 'origin'>);
    yield { algorithm, publicKey, message, signature, ...more };
  }
}
