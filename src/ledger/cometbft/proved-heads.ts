import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Head } from '../../chain/block.ts';
import { chainIdOf } from '../../chain/chain-id.ts';
import { type LightBlock, lightBlockOf } from '../../chain/cometbft/light-block.ts';
import { verifySignedHeader, withoutOddSignatures } from '../../chain/cometbft/verify-light-block.ts';
import type { Kernel } from '../../chain/kernel-api.ts';
import { type Validator, validatorSets } from '../../chain/validators.ts';
import type { KvReader } from '../../state/store.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Commit } from '../ledger.ts';
import type { ChainLog, CommittedChain } from '../store/committed-chain.ts';
import { replaceFile } from '../store/replace-file.ts';
import type { EngineRpc } from './engine/engine-rpc.ts';

const reject = rejecter(CODES);

/** How long a head that is asked for may take until the votes over it are there. */
const PROOF_WAIT_MS = 10_000;

/** A head and what proves it: the header after its block, the votes for that, and all changes of the set before. */
export interface ProvedHead {
  readonly head: Head;
  readonly commit: Commit;
}

export interface ProvedHeads {
  /** The newest head that is proved, or one of at least `minHeight`. Throws LEDGER_HEAD_UNPROVEN. */
  latest(minHeight?: number): Promise<ProvedHead>;
  /** A block was committed. */
  advance(head: Head): void;
  /** Header and votes at a height where the set of validators changed, for members who joined later. */
  change(height: number): Promise<JsonObject | undefined>;
  close(): void;
}

export interface ProvedHeadsOptions {
  readonly chain: CommittedChain;
  readonly kernel: Kernel;
  readonly rpc: Pick<EngineRpc, 'signedHeader'>;
  /** Folder for headers at which the set changed: they are kept for ever, the engine's blocks are not. */
  readonly folder: string;
  /** Asks other members for such a header; undefined when none of them has it. */
  fetchHeader(height: number): Promise<JsonObject | undefined>;
  readonly log: ChainLog;
}

/** One change of the set, as the receipt has it: what `header` says of the next set, and that set. */
interface Change extends LightBlock {
  readonly validators: readonly Validator[];
}

/**
 * What proves heads of a consortium. The head of block H is in the header of H + 1, so it is proved when H + 1 has its
 * votes: the engine makes an empty block after one that changed anything, and then waits for work. A set that block H
 * voted in is named by the header of H + 1 as the next one, and signs from H + 2 on; that header is kept.
 */
export async function createProvedHeads(options: ProvedHeadsOptions): Promise<ProvedHeads> {
  const { chain, kernel, rpc, folder, fetchHeader, log } = options;
  const chainId = chainIdOf(kernel.genesisHash);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const changes = new Map<number, Change>();
  const waiting = new Set<() => void>();
  /** Heads of the last blocks by height: that of the last block, and the one that its header proves. */
  const heads = new Map<number, Head>();
  let newest: ProvedHead | undefined;
  let closed = false;

  function headNow(): Head {
    const { timeMs: _, ...head } = chain.head();
    return head;
  }

  async function headAt(height: number): Promise<Head | undefined> {
    const known = heads.get(height) ?? (headNow().height === height ? headNow() : undefined);
    if (known !== undefined) return known;
    for await (const { block, head } of chain.stored(height)) return block.height === height ? head : undefined;
    return undefined;
  }

  function setsIn(store: KvReader): { readonly height: number; readonly validators: readonly Validator[] }[] {
    return Array.from(kernel.state(store).entries(validatorSets, []), ([[height], validators]) => ({
      height: Number(height),
      validators,
    }));
  }

  /** The changes that a header of `height` needs before it, and the set that signs it. */
  async function changesBefore(height: number): Promise<{ changes: readonly Change[]; set: readonly Validator[] }> {
    const snapshot = chain.snapshot();
    const [first, ...later] = setsIn(snapshot);
    snapshot.release();
    if (first === undefined) throw new Error('a consortium without validators');
    let set = first.validators;
    const out: Change[] = [];
    for (const one of later) {
      if (one.height + 1 >= height) break;
      out.push(await changeAt(one.height + 1, set, one.validators));
      set = one.validators;
    }
    return { changes: out, set };
  }

  async function changeAt(
    height: number,
    signers: readonly Validator[],
    validators: readonly Validator[],
  ): Promise<Change> {
    const known = changes.get(height);
    if (known !== undefined) return known;
    const path = join(folder, `${height}.json`);
    const kept = await readFile(path).then(parseCanonical, () => undefined);
    const found = (kept as JsonObject | undefined) ?? (await ownHeader(height)) ?? (await fetchHeader(height));
    if (found === undefined) throw reject('LEDGER_HEAD_UNPROVEN', { height });
    const lightBlock = await withoutOddSignatures(lightBlockOf(found as never), signers);
    await verifySignedHeader(lightBlock, signers, chainId);
    if (kept === undefined) await replaceFile(path, canonicalBytes(lightBlock as unknown as JsonObject));
    const change = { ...lightBlock, validators };
    changes.set(height, change);
    return change;
  }

  /** Of this node's engine, which has thrown old ones away. */
  async function ownHeader(height: number): Promise<JsonObject | undefined> {
    return rpc.signedHeader(height).then(
      (signed) => signed as unknown as JsonObject,
      () => undefined,
    );
  }

  /** The head that the newest block's header proves; undefined before the first block after genesis. */
  async function prove(): Promise<ProvedHead | undefined> {
    const height = headNow().height;
    if (newest !== undefined && newest.head.height === height - 1) return newest;
    const head = await headAt(height - 1);
    if (head === undefined || height <= kernel.genesisHeight) return newest;
    const { changes: before, set } = await changesBefore(height);
    const lightBlock = await withoutOddSignatures(lightBlockOf(await rpc.signedHeader(height)), set);
    if (lightBlock.header.app_hash.toLowerCase() !== head.appHash) throw reject('LEDGER_HEAD_UNPROVEN', { height });
    const commit = { kind: 'cometbft', ...lightBlock, changes: before } as unknown as Commit;
    newest = { head, commit };
    return newest;
  }

  function nextBlock(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      waiting.add(done);
    });
  }

  return {
    async latest(minHeight = 0) {
      const untilMs = performance.now() + PROOF_WAIT_MS;
      for (;;) {
        const proved = await prove();
        if (proved !== undefined && proved.head.height >= minHeight) return proved;
        const leftMs = untilMs - performance.now();
        if (leftMs <= 0 || closed) throw reject('LEDGER_HEAD_UNPROVEN', { height: minHeight });
        if (headNow().height <= minHeight || proved === undefined) await nextBlock(leftMs);
      }
    },
    advance(head) {
      heads.set(head.height, head);
      for (const height of heads.keys()) if (height < head.height - 1) heads.delete(height);
      for (const done of [...waiting]) done();
      // While the engine still has it: a header that names another set is kept for ever.
      void changesBefore(head.height + 1).catch((error) =>
        log.warn({ error: String(error), height: head.height }, 'a header at a change of validators is not here yet'),
      );
    },
    async change(height) {
      if (!changes.has(height)) await changesBefore(Number.MAX_SAFE_INTEGER).catch(() => undefined);
      const known = changes.get(height);
      return known === undefined
        ? undefined
        : ({ header: known.header, commit: known.commit } as unknown as JsonObject);
    },
    close() {
      closed = true;
      for (const done of [...waiting]) done();
    },
  };
}
