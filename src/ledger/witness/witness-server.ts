import type { FastifyPluginAsync } from 'fastify';
import type { Checkpoint } from '../../chain/checkpoint.ts';
import { cosignatureSignBytes, encodeCosignature } from '../../chain/cosignature.ts';
import {
  NOTE_COSIGNATURE_V1,
  NOTE_ED25519,
  noteKeyId,
  noteSignatureLine,
  signaturesBy,
} from '../../chain/signed-note.ts';
import { ed25519PublicKey, signEd25519, verifyEd25519Sync } from '../../crypto/node/ed25519.ts';
import { verifyConsistency } from '../../state/log-proof.ts';
import { bytesToHex, hexToBytes, utf8 } from '../../std/bytes.ts';
import { type AddCheckpoint, parseAddCheckpoint } from './add-checkpoint.ts';
import { openWitnessState } from './witness-state.ts';

export interface WitnessServerOptions {
  /** Ed25519 seed of 32 bytes. */
  readonly seed: Uint8Array;
  /** Name of the witness's key: a URL without a scheme. */
  readonly name: string;
  readonly stateFile: string;
  /** Logs that it cosigns, each with the Ed25519 key (hexadecimal) that signs its checkpoints. */
  readonly logs: readonly { readonly origin: string; readonly publicKey: string }[];
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly contentType: string;
  readonly body: string;
}

export interface WitnessServer {
  /** Ed25519, hexadecimal. */
  readonly publicKey: string;
  addCheckpoint(body: Uint8Array): Promise<WitnessAnswer>;
  /** `POST /add-checkpoint`. */
  readonly plugin: FastifyPluginAsync;
}

const MAX_BODY_BYTES = 64 * 1024;

/**
 * A witness of append-only logs (c2sp.org/tlog-witness): it cosigns a checkpoint only when that extends the one it
 * cosigned last, so that a log that shows two histories cannot have both cosigned. The new checkpoint is durable
 * before the cosignature leaves: after a crash it may have forgotten a signature, never a checkpoint that it signed.
 */
export async function createWitnessServer(options: WitnessServerOptions): Promise<WitnessServer> {
  const { seed, name, logs, clock } = options;
  const state = await openWitnessState(options.stateFile);
  const publicKey = ed25519PublicKey(seed);
  const keyId = noteKeyId(name, NOTE_COSIGNATURE_V1, publicKey);
  /** Requests run one after the other: looking at the last checkpoint and replacing it must be one step. */
  let last: Promise<unknown> = Promise.resolve();

  function isSignedByLog({ note, checkpoint }: AddCheckpoint, logKey: Uint8Array): boolean {
    const id = noteKeyId(checkpoint.origin, NOTE_ED25519, logKey);
    const bytes = utf8(note.text);
    return signaturesBy(note, checkpoint.origin, id).some(({ signature }) =>
      verifyEd25519Sync(logKey, bytes, signature),
    );
  }

  async function decide(request: AddCheckpoint | undefined): Promise<WitnessAnswer> {
    if (request === undefined) return plain(400, 'malformed request\n');
    const { checkpoint, oldSize, proof, note } = request;
    const log = logs.find(({ origin }) => origin === checkpoint.origin);
    if (log === undefined) return plain(404, 'unknown log\n');
    if (!isSignedByLog(request, hexToBytes(log.publicKey) ?? new Uint8Array()))
      return plain(403, 'no signature by a key of the log\n');
    if (oldSize > checkpoint.size) return plain(400, 'old size is larger than the checkpoint\n');
    const known = state.get(checkpoint.origin);
    if (oldSize !== (known?.size ?? 0)) return conflict(known?.size ?? 0);
    const extension = extensionOf(known, checkpoint, proof);
    if (extension === 'fork') return conflict(oldSize);
    if (extension === 'unproven') return plain(422, 'the consistency proof does not hold\n');
    await state.set(checkpoint.origin, { size: checkpoint.size, root: bytesToHex(checkpoint.root) });
    const timeS = Math.floor(clock() / 1000);
    const signature = encodeCosignature(timeS, signEd25519(seed, cosignatureSignBytes(note.text, timeS)));
    return plain(200, noteSignatureLine({ name, keyId, signature }));
  }

  function addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    const answer = last.then(() => decide(body.length > MAX_BODY_BYTES ? undefined : parseAddCheckpoint(body)));
    last = answer.catch(() => {});
    return answer;
  }

  return {
    publicKey: bytesToHex(publicKey),
    addCheckpoint,
    plugin: async (app) => {
      app.removeAllContentTypeParsers();
      app.addContentTypeParser(
        '*',
        { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES },
        async (_request: unknown, body: Buffer) => body,
      );
      app.post('/add-checkpoint', { bodyLimit: MAX_BODY_BYTES }, async ({ body }, reply) => {
        const answer = await addCheckpoint(body instanceof Uint8Array ? body : new Uint8Array());
        return reply.code(answer.status).type(answer.contentType).send(answer.body);
      });
    },
  };
}

/** How a checkpoint relates to the last one: a proof from size 0 is empty, one of equal sizes too (RFC 6962 §2.1.2). */
function extensionOf(
  known: { readonly size: number; readonly root: string } | undefined,
  checkpoint: Checkpoint,
  proof: readonly Uint8Array[],
): 'extends' | 'fork' | 'unproven' {
  if (known === undefined || known.size === 0) return proof.length === 0 ? 'extends' : 'unproven';
  if (known.size === checkpoint.size) {
    if (bytesToHex(checkpoint.root) !== known.root) return 'fork';
    return proof.length === 0 ? 'extends' : 'unproven';
  }
  const knownRoot = hexToBytes(known.root) as Uint8Array;
  return verifyConsistency(known.size, knownRoot, checkpoint.size, checkpoint.root, proof) ? 'extends' : 'unproven';
}

function conflict(size: number): WitnessAnswer {
  return { status: 409, contentType: 'text/x.tlog.size', body: `${size}\n` };
}

function plain(status: WitnessAnswer['status'], body: string): WitnessAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}
