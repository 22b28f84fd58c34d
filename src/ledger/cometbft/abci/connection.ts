import type { Socket } from 'node:net';
import type { Response } from 'cosmjs-types/tendermint/abci/types';
import { isReject, type Reject } from '../../../std/reject.ts';
import type { ChainLog } from '../../store/committed-chain.ts';
import { createAnswerQueue } from './answer-queue.ts';
import type { ApplicationCalls, ApplicationRequest } from './application-calls.ts';
import { reject } from './codes.ts';
import { type AbciRequest, decodeRequest } from './decode-request.ts';
import { createDelimitedReader } from './delimited-reader.ts';
import { createReplyBatch } from './reply-batch.ts';

/** Nothing more is read of a connection with so much unanswered. */
const MAX_PENDING = 10_000;
const MAX_PENDING_BYTES = 8 * 1024 * 1024;
/** What waits is written when it is so much, also before the turn ends: only then is it seen that nobody reads it. */
const WRITE_BYTES = 64 * 1024;
/** How long a peer that was sent an exception has to read it and go. */
const LINGER_MS = 2_000;

/** What an engine sends on its consensus connection alone (proxy/app_conn.go, AppConnConsensus). */
const CONSENSUS: ReadonlySet<AbciRequest['kind']> = new Set<AbciRequest['kind']>([
  'initChain',
  'prepareProposal',
  'processProposal',
  'finalizeBlock',
  'commit',
]);

/** One connection of an engine. */
export interface Connection {
  /** Sends what has been answered, then closes. What the application was asked goes on; nobody hears the answer. */
  close(): void;
  /** Sends an exception, on which an engine stops, and closes. What has no answer yet gets none. */
  refuse(reason: Reject): void;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly calls: ApplicationCalls;
  readonly log: ChainLog;
  /** Asked before a request of the consensus connection is taken; false when another connection is that. */
  readonly mayDriveConsensus: () => boolean;
  /** The connection is closed with an exception. */
  readonly onRefused: (reason: Reject) => void;
  /** Nothing more is taken of this connection. Called once. */
  readonly onOver: () => void;
}

/**
 * Serves one connection. A CheckTx is handed to the application as it comes; any other call waits until all before it on
 * this connection is answered, and what comes after it waits for it. Answers leave in the order of the requests, in one
 * write for a turn of the event loop; a Flush is written at once.
 */
export function serveConnection({ socket, calls, log, ...on }: ConnectionOptions): Connection {
  const reader = createDelimitedReader();
  const batch = createReplyBatch();
  const answers = createAnswerQueue((response) => {
    batch.add(response);
    if (response.flush !== undefined || batch.sizeBytes() >= WRITE_BYTES) write();
    else scheduleWrite();
  });
  /** A call whose turn has not come: what was asked before it is not answered yet. */
  let held: ApplicationRequest | undefined;
  let isCalling = false;
  let isWriteScheduled = false;
  let isOver = false;
  let isRefused = false;

  function write(): void {
    const bytes = isOver ? undefined : batch.take();
    if (bytes !== undefined) socket.write(bytes);
  }

  function scheduleWrite(): void {
    if (isWriteScheduled) return;
    isWriteScheduled = true;
    setImmediate(() => {
      isWriteScheduled = false;
      write();
    });
  }

  const isBusy = (): boolean => held !== undefined || isCalling;
  const isFull = (): boolean =>
    answers.pending() >= MAX_PENDING || answers.pendingBytes() >= MAX_PENDING_BYTES || socket.writableNeedDrain;

  /** Takes what may be taken of what was read, and reads on when there is room. */
  function proceed(): void {
    try {
      while (!isOver && !isBusy() && !isFull()) {
        const frame = reader.next();
        if (frame === undefined) break;
        take(decodeRequest(frame), frame.length);
      }
    } catch (error) {
      refuse(isReject(error) ? error : reject('ABCI_REQUEST_MALFORMED'), error);
    }
    if (isOver) return;
    // During a long call the socket is still read, so that an engine that goes away is noticed.
    if (isFull() || (isBusy() && reader.bufferedBytes() >= MAX_PENDING_BYTES)) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }

  function take(request: AbciRequest, sizeBytes: number): void {
    switch (request.kind) {
      case 'echo':
        answers.reserve(sizeBytes)({ echo: request.message });
        return;
      case 'flush':
        answers.reserve(sizeBytes)({ flush: {} });
        return;
      case 'checkTx':
        void ask(request, answers.reserve(sizeBytes));
        return;
      default:
        if (CONSENSUS.has(request.kind) && !on.mayDriveConsensus()) throw reject('ABCI_SECOND_ENGINE');
        held = request;
        callHeld();
    }
  }

  function callHeld(): void {
    if (held === undefined || answers.pending() > 0) return;
    const request = held;
    [held, isCalling] = [undefined, true];
    const answer = answers.reserve(0);
    void ask(request, (response) => {
      isCalling = false;
      answer(response);
    });
  }

  async function ask(request: ApplicationRequest, answer: (response: Response) => void): Promise<void> {
    try {
      const response = await calls.call(request, () => !isOver);
      if (response === undefined || isOver) return;
      answer(response);
    } catch (error) {
      const cause = isReject(error) ? { cause: error.code } : {};
      refuse(reject('ABCI_APPLICATION_FAILED', { request: request.kind, ...cause }), error);
      return;
    }
    callHeld();
    proceed();
  }

  function end(): void {
    isOver = true;
    held = undefined;
    on.onOver();
  }

  function refuse(reason: Reject, error?: unknown): void {
    const why = error === undefined || error === reason ? {} : { err: error };
    const data = { code: reason.code, ...reason.data, ...why };
    // When nobody is there to be told, that the application failed must not get lost all the same; once is enough.
    const isKnown = isRefused || (isOver && error === undefined);
    isRefused = true;
    if (!isKnown) log.error(data, reason.message);
    if (isOver) return;
    batch.add({ exception: { error: reason.message } });
    socket.end(batch.take() ?? '');
    end();
    // What still comes is read and dropped: closing before would take the exception away from a peer that is writing.
    socket.resume();
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
    on.onRefused(reason);
  }

  function peerLeft(): void {
    if (isOver) return;
    if (socket.writable) write();
    end();
    const cut = reject('ABCI_FRAME_CUT');
    if (holdsPartOfFrame()) log.warn({ code: cut.code }, cut.message);
    else log.info({ unanswered: answers.pending() }, 'the engine closed a connection');
    socket.destroySoon();
  }

  function holdsPartOfFrame(): boolean {
    try {
      while (reader.next() !== undefined);
    } catch {
      return true;
    }
    return reader.bufferedBytes() > 0;
  }

  socket.on('data', (chunk) => {
    if (isOver) return;
    // Without an encoding set, a socket gives Buffers.
    reader.push(chunk as Buffer);
    proceed();
  });
  socket.on('drain', proceed);
  socket.on('end', peerLeft);
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // Its supervisor says when it ended and why.
    log.info({ error: error.code ?? error.name }, 'a connection to the engine broke');
    if (!isOver) end();
  });
  socket.on('close', peerLeft);

  return {
    close() {
      write();
      if (!isOver) end();
      socket.destroySoon();
    },
    refuse,
  };
}
