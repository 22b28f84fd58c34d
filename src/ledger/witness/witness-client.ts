import { cosignatureSignBytes, parseCosignature } from '../../chain/cosignature.ts';
import { NOTE_COSIGNATURE_V1, noteKeyId, parseSignedNote, signaturesBy } from '../../chain/signed-note.ts';
import { verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { bytesToBase64, bytesToBase64url, hexToBytes } from '../../std/bytes.ts';

/** A witness's statement about a checkpoint, in the form that receipts carry. A type alias: it is canonical JSON. */
export type Cosignature = {
  readonly name: string;
  readonly type: 'cosignature/v1';
  readonly timeS: number;
  /** Ed25519, base64url. */
  readonly signature: string;
};

/** What a witness is asked to cosign. */
export interface CosignRequest {
  readonly size: number;
  /** The checkpoint as a signed note, with the text that it begins with. */
  readonly note: string;
  readonly text: string;
  /** RFC 6962 consistency proof from an earlier size. */
  proofFrom(oldSize: number): readonly Uint8Array[];
}

export interface WitnessClient {
  readonly name: string;
  /** Throws an Error that says what the witness answered. */
  cosign(request: CosignRequest): Promise<Cosignature>;
}

export interface WitnessClientOptions {
  readonly name: string;
  /** Ed25519, hexadecimal. */
  readonly publicKey: string;
  /** Submission prefix: `/add-checkpoint` is put behind it. */
  readonly url: string;
  readonly fetch?: typeof fetch;
  readonly timeoutMs?: number;
}

/** Largest answer that is read, in characters. */
const MAX_ANSWER_LENGTH = 16 * 1024;

/** A client of one witness (c2sp.org/tlog-witness § add-checkpoint). */
export function createWitnessClient(options: WitnessClientOptions): WitnessClient {
  const { name, url, timeoutMs = 5_000 } = options;
  const publicKey = hexToBytes(options.publicKey) ?? new Uint8Array();
  const request = options.fetch ?? fetch;
  const keyId = noteKeyId(name, NOTE_COSIGNATURE_V1, publicKey);
  /** Size that the witness cosigned last, as far as we know; it corrects us with 409. */
  let knownSize = 0;

  async function post(asked: CosignRequest): Promise<{ status: number; text: string }> {
    const proof = knownSize === 0 ? [] : asked.proofFrom(knownSize);
    const body = `old ${knownSize}\n${proof.map((hash) => `${bytesToBase64(hash)}\n`).join('')}\n${asked.note}`;
    const signal = AbortSignal.timeout(timeoutMs);
    const answer = await request(`${url.replace(/\/$/, '')}/add-checkpoint`, { method: 'POST', body, signal });
    const text = await answer.text();
    return { status: answer.status, text: text.slice(0, MAX_ANSWER_LENGTH) };
  }

  function accept(asked: CosignRequest, lines: string): Cosignature {
    const note = parseSignedNote(`${asked.text}\n${lines}`);
    for (const line of note === undefined ? [] : signaturesBy(note, name, keyId)) {
      const parsed = parseCosignature(line.signature);
      if (parsed === undefined) continue;
      if (!verifyEd25519Sync(publicKey, cosignatureSignBytes(asked.text, parsed.timeS), parsed.signature)) continue;
      return { name, type: 'cosignature/v1', timeS: parsed.timeS, signature: bytesToBase64url(parsed.signature) };
    }
    throw new Error(`witness ${name} answered without a cosignature of its key`);
  }

  return {
    name,
    async cosign(asked) {
      let answer = await post(asked);
      const size = /^(0|[1-9][0-9]{0,15})\n$/.exec(answer.text)?.[1];
      if (answer.status === 409 && size !== undefined && Number(size) !== knownSize && Number(size) <= asked.size) {
        knownSize = Number(size);
        answer = await post(asked);
      }
      if (answer.status !== 200) throw new Error(`witness ${name} answered ${answer.status}`);
      const cosignature = accept(asked, answer.text);
      knownSize = asked.size;
      return cosignature;
    },
  };
}
