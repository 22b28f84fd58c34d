import { hostedMembers, MAX_NODE_PAGE_BYTES } from '../auth/hosted-members.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { FetchText } from './fetch-text.ts';

const reject = rejecter(CODES);

/** How long it is remembered where a member's node is. */
const KEPT_MS = 60_000;

/** Finds the node that hosts a member. */
export interface NodeDirectory {
  /** Address without a trailing slash. Throws Reject EXCHANGE_NODE_UNKNOWN. */
  urlOf(member: string): Promise<string>;
}

/**
 * Own organisations at this node's own address, others at whichever of `peers` names them. A peer that lies gains
 * nothing: calls are sealed to the custodian's key on the ledger, and answers signed with it.
 */
export function createNodeDirectory(options: {
  local: readonly string[];
  ownUrl: string;
  /** Addresses of other members' nodes. */
  peers: readonly string[];
  /** Genesis hash of the ledger. */
  chain: string;
  fetchText: FetchText;
  clock: () => number;
}): NodeDirectory {
  const { local, ownUrl, peers, chain, fetchText, clock } = options;
  let known = new Map<string, string>();
  let askedAtMs = Number.NEGATIVE_INFINITY;

  async function ask(): Promise<void> {
    const found = new Map<string, string>();
    for (const peer of peers) {
      const url = peer.replace(/\/+$/, '');
      const answer = await fetchText(`${url}/`, undefined, MAX_NODE_PAGE_BYTES).catch(() => undefined);
      const accounts = answer?.ok ? hostedMembers(answer.text, chain) : [];
      for (const account of accounts) if (!found.has(account)) found.set(account, url);
    }
    known = found;
    askedAtMs = clock();
  }

  return {
    async urlOf(member) {
      if (local.includes(member)) return ownUrl;
      // An unknown member is asked for again at once: its node may just have come up.
      if (!known.has(member) || askedAtMs + KEPT_MS < clock()) await ask();
      const url = known.get(member);
      if (url === undefined) throw reject('EXCHANGE_NODE_UNKNOWN', { member });
      return url;
    },
  };
}
