import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { BinaryWriter } from 'cosmjs-types/binary';
import { Request, Response } from 'cosmjs-types/tendermint/abci/types';
import { sha256 } from '#crypto/platform';
import { concatBytes } from '../../../std/bytes.ts';

/**
 * The least application that an engine runs with: takes everything, does nothing, and forgets all when its process
 * ends. Transactions that begin with the byte 0x21 are refused with code 7; at a block with one that begins with 0x3f
 * it answers what no application may.
 */
export function idleApplication(): { listen(path: string): Promise<void>; close(): Promise<void> } {
  let height = 0n;
  let appHash: Uint8Array = new Uint8Array(32);

  const answer = (request: Request): Partial<Response> => {
    if (request.flush) return { flush: {} };
    if (request.info) {
      return {
        info: {
          data: '',
          version: '',
          appVersion: 1n,
          lastBlockHeight: height,
          lastBlockAppHash: height ? appHash : new Uint8Array(0),
        },
      };
    }
    if (request.initChain) return Response.fromPartial({ initChain: { appHash } });
    if (request.query) return Response.fromPartial({ query: {} });
    if (request.checkTx) return Response.fromPartial({ checkTx: { code: request.checkTx.tx[0] === 0x21 ? 7 : 0 } });
    if (request.prepareProposal) return { prepareProposal: { txs: request.prepareProposal.txs } };
    if (request.processProposal) return Response.fromPartial({ processProposal: { status: 1 } });
    if (request.commit) return Response.fromPartial({ commit: {} });
    if (request.finalizeBlock) {
      const { txs } = request.finalizeBlock;
      height = request.finalizeBlock.height;
      if (txs.some((tx) => tx[0] === 0x3f)) return Response.fromPartial({ finalizeBlock: { txResults: [], appHash } });
      if (txs.length > 0) appHash = sha256(concatBytes(appHash, ...txs));
      return Response.fromPartial({ finalizeBlock: { txResults: txs.map(() => ({})), appHash } });
    }
    return Response.fromPartial({ exception: { error: 'not known to the idle application' } });
  };

  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let held: Uint8Array = new Uint8Array(0);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data: Buffer) => {
      held = held.length === 0 ? data : concatBytes(held, data);
      const parts: Uint8Array[] = [];
      for (let message = readMessage(held); message !== undefined; message = readMessage(held)) {
        held = message.rest;
        const bytes = Response.encode(Response.fromPartial(answer(Request.decode(message.bytes)))).finish();
        parts.push(BinaryWriter.create().bytes(bytes).finish());
      }
      if (parts.length > 0) socket.write(concatBytes(...parts));
    });
  });

  return {
    listen: async (path) => {
      await rm(path, { force: true });
      await new Promise<void>((resolve) => server.listen(path, resolve));
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** First message of a stream: its length as a varint, then its bytes (libs/protoio). Undefined until it is whole. */
function readMessage(held: Uint8Array): { readonly bytes: Uint8Array; readonly rest: Uint8Array } | undefined {
  let length = 0;
  for (let at = 0; at < held.length; at++) {
    const byte = held[at] as number;
    length += (byte & 127) * 2 ** (7 * at);
    if (byte > 127) continue;
    const end = at + 1 + length;
    return end > held.length ? undefined : { bytes: held.subarray(at + 1, end), rest: held.subarray(end) };
  }
  return undefined;
}
