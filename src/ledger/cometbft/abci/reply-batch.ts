import { BinaryWriter } from 'cosmjs-types/binary';
import { Response } from 'cosmjs-types/tendermint/abci/types';

/** Replies that wait to be written, encoded one after another into one piece. */
export interface ReplyBatch {
  /** Appends a reply, length first. When it cannot be encoded it throws, and the batch is as it was before. */
  add(response: Response): void;
  sizeBytes(): number;
  /** All that was added since the last time, or undefined when that is nothing. */
  take(): Uint8Array | undefined;
}

export function createReplyBatch(): ReplyBatch {
  let writer = new BinaryWriter();
  return {
    add(response) {
      writer.fork();
      try {
        Response.encode(response, writer);
      } catch (error) {
        // Back through every message that was begun, to where this reply began.
        while (writer.states !== null) writer.reset();
        throw error;
      }
      writer.ldelim();
    },
    sizeBytes: () => writer.len,
    take() {
      if (writer.len === 0) return undefined;
      const bytes = writer.finish();
      writer = new BinaryWriter();
      return bytes;
    },
  };
}
