import { checkpointOrigin, checkpointText } from '../../chain/checkpoint.ts';
import { NOTE_ED25519, noteKeyId, signedNoteToText } from '../../chain/signed-note.ts';
import { ed25519PublicKey, signEd25519 } from '../../crypto/node/ed25519.ts';
import { consistencyProof } from '../../state/log.ts';
import { hexToBytes, utf8 } from '../../std/bytes.ts';
import type { ChainLog, CommittedChain } from '../store/committed-chain.ts';
import type { SignedHead } from '../store/head-log.ts';
import type { Cosignature, CosignRequest, WitnessClient } from './witness-client.ts';

/** A signed head with the cosignatures that witnesses gave its log. */
export interface CosignedHead {
  readonly signed: SignedHead;
  readonly cosignatures: readonly Cosignature[];
}

export interface Cosigner {
  /**
   * The newest head with the cosignatures of all witnesses that answered in time. Whoever asks while a round is under
   * way shares the next one.
   */
  latest(): Promise<CosignedHead>;
  close(): Promise<void>;
}

export interface CosignerOptions {
  readonly chain: CommittedChain;
  readonly witnesses: readonly WitnessClient[];
  /** The operator's, who signs checkpoints under the log's origin. */
  readonly seed: Uint8Array;
  latest(): Promise<SignedHead>;
  readonly log: ChainLog;
  /** How often heads are shown to witnesses though nobody asks, in milliseconds. */
  readonly everyMs?: number;
}

/** Prefix of the outcome log's tiles in the store. */
const LOG_PREFIX = 'l/';
const DEFAULT_EVERY_MS = 10_000;

/** Shows heads to witnesses. Its state is what was cosigned last; nothing here needs to survive a restart. */
export function createCosigner(options: CosignerOptions): Cosigner {
  const { chain, witnesses, seed, log, everyMs = DEFAULT_EVERY_MS } = options;
  let done: CosignedHead | undefined;
  let running: Promise<CosignedHead> | undefined;
  let next: Promise<CosignedHead> | undefined;
  let closed = false;

  async function round(): Promise<CosignedHead> {
    const signed = await options.latest();
    if (done?.signed.head.height === signed.head.height && done.cosignatures.length === witnesses.length) return done;
    const store = chain.snapshot();
    try {
      const request = checkpointRequest(signed, store);
      const answers = await Promise.all(witnesses.map((witness) => ask(witness, request)));
      done = { signed, cosignatures: answers.filter((one) => one !== undefined) };
      return done;
    } finally {
      store.release();
    }
  }

  function checkpointRequest({ head }: SignedHead, store: ReturnType<CommittedChain['snapshot']>): CosignRequest {
    const origin = checkpointOrigin(head.genesis);
    const text = checkpointText({ origin, size: head.logSize, root: hexToBytes(head.logRoot) as Uint8Array });
    const keyId = noteKeyId(origin, NOTE_ED25519, ed25519PublicKey(seed));
    const note = signedNoteToText({
      text,
      signatures: [{ name: origin, keyId, signature: signEd25519(seed, utf8(text)) }],
    });
    return {
      size: head.logSize,
      note,
      text,
      proofFrom: (oldSize) => consistencyProof(store, LOG_PREFIX, oldSize, head.logSize),
    };
  }

  async function ask(witness: WitnessClient, request: CosignRequest): Promise<Cosignature | undefined> {
    try {
      return await witness.cosign(request);
    } catch (error) {
      log.warn({ witness: witness.name, error: String(error) }, 'a witness gave no cosignature');
      return undefined;
    }
  }

  function start(): Promise<CosignedHead> {
    const started = round().finally(() => {
      if (running === started) running = undefined;
    });
    running = started;
    return started;
  }

  async function latest(): Promise<CosignedHead> {
    if (witnesses.length === 0) return { signed: await options.latest(), cosignatures: [] };
    if (running === undefined) return start();
    // The round under way may show an older head than the caller knows of.
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  }

  const timer =
    witnesses.length === 0
      ? undefined
      : setInterval(() => {
          if (!closed && done?.signed.head.height !== chain.head().height) void latest().catch(() => {});
        }, everyMs);
  timer?.unref();

  return {
    latest,
    async close() {
      closed = true;
      clearInterval(timer);
      await next?.catch(() => {});
      await running?.catch(() => {});
    },
  };
}
