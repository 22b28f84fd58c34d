import type { Adapter, AdapterPayload } from 'oidc-provider';
import { utf8, utf8ToText } from '../../std/bytes.ts';

/** All sign-ins under way together, in bytes: some 19,000 of the usual 1.2 KB. */
const MOST_BYTES = 32 * 1024 * 1024;
/** What one costs beside its text. */
const OVERHEAD_BYTES = 512;

/** Interactions of this process: what stands between an app's request and its answer. */
export interface InteractionMemory {
  find(id: string): AdapterPayload | undefined;
  /** Keeps one, or what became of it. `source` is the network that it was begun from. */
  keep(id: string, payload: AdapterPayload, expiresAtMs: number, source: string): void;
  forget(id: string): void;
}

interface Kept {
  readonly bytes: Uint8Array;
  readonly expiresAtMs: number;
  readonly share: string;
}

/** Who holds memory, how much, and for what, the oldest first. */
interface Share {
  bytes: number;
  readonly ids: Set<string>;
}

/**
 * Anybody can begin one, so none is written to disk and all together are bounded. When there are too many, whoever holds
 * the most loses the oldest: a network, or once somebody signed in, that person. So a flood from one network, or with long
 * parameters, ends its own; to end another's takes as many networks as there is room for. A restart ends all, as it does
 * the challenges that they wait for. `mostBytes` is for tests.
 */
export function createInteractionMemory(
  clock: () => number,
  { mostBytes = MOST_BYTES }: { mostBytes?: number } = {},
): InteractionMemory {
  const kept = new Map<string, Kept>();
  const shares = new Map<string, Share>();
  let bytesInAll = 0;

  function forget(id: string): void {
    const one = kept.get(id);
    if (one === undefined) return;
    kept.delete(id);
    const share = shareOf(one.share);
    share.ids.delete(id);
    if (share.ids.size === 0) shares.delete(one.share);
    share.bytes -= costOf(one);
    bytesInAll -= costOf(one);
  }

  function shareOf(name: string): Share {
    const known = shares.get(name) ?? { bytes: 0, ids: new Set() };
    shares.set(name, known);
    return known;
  }

  function largest(): Share | undefined {
    let most: Share | undefined;
    for (const share of shares.values()) if (most === undefined || share.bytes > most.bytes) most = share;
    return most;
  }

  function forgetExpired(nowMs: number): void {
    // In the order they were kept, which is nearly that of their expiry.
    for (const [id, { expiresAtMs }] of kept) {
      if (expiresAtMs > nowMs) return;
      forget(id);
    }
  }

  return {
    find(id) {
      const one = kept.get(id);
      if (one === undefined || one.expiresAtMs <= clock()) return undefined;
      return JSON.parse(utf8ToText(one.bytes)) as AdapterPayload;
    },
    keep(id, payload, expiresAtMs, source) {
      const known = kept.get(id);
      forget(id);
      forgetExpired(clock());
      const account = payload.session?.accountId ?? payload.result?.login?.accountId;
      const share = account === undefined ? (known?.share ?? `from ${source}`) : `of ${account}`;
      const one: Kept = { bytes: utf8(JSON.stringify(payload)), expiresAtMs, share };
      kept.set(id, one);
      const mine = shareOf(share);
      mine.ids.add(id);
      mine.bytes += costOf(one);
      bytesInAll += costOf(one);
      while (bytesInAll > mostBytes) {
        const [oldest] = largest()?.ids ?? [];
        if (oldest === undefined) return;
        forget(oldest);
      }
    },
    forget,
  };
}

/** The provider's model of them. `source` says where the request under way comes from. */
export function interactionAdapter(memory: InteractionMemory, clock: () => number, source: () => string): Adapter {
  return {
    find: async (id) => memory.find(id),
    upsert: async (id, payload, seconds = 0) => memory.keep(id, payload, clock() + seconds * 1000, source()),
    destroy: async (id) => memory.forget(id),
    // Others have these; no interaction is looked for or ended by them.
    consume: async () => {},
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    revokeByGrantId: async () => {},
  };
}

function costOf({ bytes }: Kept): number {
  return bytes.length + OVERHEAD_BYTES;
}
