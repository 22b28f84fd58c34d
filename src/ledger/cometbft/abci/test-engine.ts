import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { BinaryWriter } from 'cosmjs-types/binary';
import type { DeepPartial } from 'cosmjs-types/helpers';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { type AbciServer, type AbciServerOptions, createAbciServer } from './abci-server.ts';
import type { AbciApplication } from './application.ts';
import { createDelimitedReader } from './delimited-reader.ts';

/** Support for the tests of the server: an application, a server on a socket of its own, and an engine's side of it. */

/** An application that says yes to everything, with what a test puts in place of some of it. */
export function testApplication(own: Partial<AbciApplication> = {}): AbciApplication {
  return {
    info: async () => ({}),
    initChain: async () => ({}),
    checkTx: async () => ({}),
    prepareProposal: async ({ txs }) => ({ txs }),
    processProposal: async () => ({ status: 1 }),
    finalizeBlock: async () => ({}),
    commit: async () => ({}),
    query: async () => ({}),
    listSnapshots: async () => ({}),
    offerSnapshot: async () => ({}),
    loadSnapshotChunk: async () => ({}),
    applySnapshotChunk: async () => ({}),
    ...own,
  };
}

export interface TestLog {
  /** `level code-or-message`, in order. */
  readonly lines: string[];
  info(data: object, message: string): void;
  warn(data: object, message: string): void;
  error(data: object, message: string): void;
}

export function testLog(): TestLog {
  const lines: string[] = [];
  const at = (level: string) => (data: object, message: string) => {
    lines.push(`${level} ${(data as { code?: string }).code ?? message}`);
  };
  return { lines, info: at('info'), warn: at('warn'), error: at('error') };
}

/** A folder for sockets that goes with the test. */
export function socketFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'abci-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestServer {
  readonly path: string;
  readonly server: AbciServer;
  readonly log: TestLog;
  /** Codes that `onEngineFault` was called with. */
  readonly faults: string[];
}

export async function testServer(
  t: TestContext,
  own: Partial<AbciApplication> = {},
  options: Partial<AbciServerOptions> = {},
): Promise<TestServer> {
  const path = join(socketFolder(t), 's');
  const log = testLog();
  const faults: string[] = [];
  const onEngineFault = ({ code }: { code: string }): void => void faults.push(code);
  const server = await createAbciServer({ application: testApplication(own), path, log, onEngineFault, ...options });
  t.after(() => server.close());
  return { path, server, log, faults };
}

/** A request with what a test cares about; the rest is zero. */
export type RequestDraft = DeepPartial<Request>;

export function encodedRequest(draft: RequestDraft): Uint8Array {
  // fromPartial's own type forbids what a draft's type cannot tell apart.
  return Request.encode(Request.fromPartial(draft as object)).finish();
}

/** A request as it goes over the socket. */
export function frameOf(draft: RequestDraft): Uint8Array {
  return BinaryWriter.create().bytes(encodedRequest(draft)).finish();
}

export const FLUSH = frameOf({ flush: {} });
export const checkTx = (...tx: readonly number[]): Uint8Array => frameOf({ checkTx: { tx: Uint8Array.from(tx) } });

/** One connection as an engine opens it. */
export interface TestEngine {
  readonly socket: Socket;
  send(...frames: readonly Uint8Array[]): void;
  /** The next answer; undefined when the server has closed instead. */
  answer(): Promise<Response | undefined>;
  /** Answers up to and with the first Flush, or to the end. */
  untilFlush(): Promise<readonly Response[]>;
  /** Pieces that came so far: writes of the server, where it does not write faster than they are read. */
  pieces(): number;
}

export async function testEngine(t: TestContext, path: string): Promise<TestEngine> {
  const reader = createDelimitedReader();
  let pieces = 0;
  let isOver = false;
  let wake = (): void => undefined;
  const socket = connect(path);
  t.after(() => socket.destroy());
  await new Promise<void>((resolve, fail) => socket.once('connect', resolve).once('error', fail));
  socket.on('data', (chunk: Buffer) => {
    pieces++;
    reader.push(chunk);
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isOver = true;
    wake();
  });

  async function answer(): Promise<Response | undefined> {
    for (;;) {
      const frame = reader.next();
      if (frame !== undefined) return Response.decode(frame);
      if (isOver) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    socket,
    send: (...frames) => void socket.write(Buffer.concat(frames)),
    answer,
    async untilFlush() {
      const all: Response[] = [];
      for (let one = await answer(); one !== undefined; one = await answer()) {
        all.push(one);
        if (one.flush !== undefined) break;
      }
      return all;
    },
    pieces: () => pieces,
  };
}

/** The kinds of answers, in their order. */
export function kindsOf(answers: readonly Response[]): readonly string[] {
  return answers.map((one) => Object.entries(one).find(([, value]) => value !== undefined)?.[0] ?? 'nothing');
}

/** Resolves when `isSo`; a test's own time limit is the only one. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
