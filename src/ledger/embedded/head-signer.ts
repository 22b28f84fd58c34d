import type { Head } from '../../chain/block.ts';
import { headSignBytes } from '../../chain/head.ts';
import { signEd25519 } from '../../crypto/node/ed25519.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { ChainLog, CommittedChain } from '../store/committed-chain.ts';
import type { SignedHead } from '../store/head-log.ts';

const reject = rejecter(CODES);

/** Signs heads with the operator's key; what it shows is durable (see head-log.ts for the order and why). */
export interface HeadSigner {
  /** Signature over the newest head, for the next block's record: it becomes known to others only after that is durable. */
  signatureOf(head: Head): string;
  /** The newest head, signed, its signature durable. Throws LEDGER_STORAGE_FULL when the disk does not take it. */
  latest(): Promise<SignedHead>;
  /** A block was committed: makes its head's signature durable in the background, one write for many blocks. */
  advance(): void;
  close(): Promise<void>;
}

export function createHeadSigner(chain: CommittedChain, seed: Uint8Array, log: ChainLog): HeadSigner {
  let last: SignedHead | undefined;
  let writing: Promise<void> | undefined;

  function signed(): SignedHead {
    const { timeMs: _, ...head } = chain.head();
    if (last?.head.height !== head.height)
      last = { head, signature: bytesToHex(signEd25519(seed, headSignBytes(head))) };
    return last;
  }

  function isWritten(height: number): boolean {
    return (chain.heads.latest()?.head.height ?? -1) >= height;
  }

  async function writeAll(): Promise<void> {
    while (!isWritten(chain.head().height)) await chain.heads.write(signed());
  }

  function advance(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  return {
    signatureOf(head) {
      const { head: newest, signature } = signed();
      if (newest.height !== head.height) throw new Error(`head ${head.height} is not the newest`);
      return signature;
    },
    async latest() {
      const { height } = chain.head();
      try {
        while (!isWritten(height)) await advance();
      } catch (error) {
        log.error({ error: String(error) }, 'a signed head could not be written');
        throw reject('LEDGER_STORAGE_FULL');
      }
      return chain.heads.latest() as SignedHead;
    },
    advance: () =>
      void advance().catch((error) => log.error({ error: String(error) }, 'a signed head could not be written')),
    close: async () => {
      await writing?.catch(() => {});
    },
  };
}
