import type { Ledger } from '../ledger/ledger.ts';
import type { Reject } from '../std/reject.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { OrganisationContext } from './organisation.ts';

const reject = rejecter(CODES);

/** Whether requests are to be sent to this node, as a load balancer asks. */
export interface Readiness {
  /** The start is over: from now on the parts decide. */
  started(): void;
  /** The node is about to end: not ready from now on, whatever the parts say, though requests are still served. */
  drain(): void;
  /**
   * What stands in the way, coded, without anything of patients; none when the node is ready. `ledger: false` leaves the
   * ledger out: care at the node goes on without it (reads, writes, break-glass), and only what members decide waits.
   */
  obstacles(options?: { readonly ledger?: boolean }): readonly Reject[];
}

/** Readiness of a node: its ledger moves, each vault serves, and what is searched has been indexed. */
export function createReadiness(parts: {
  readonly ledger: Ledger;
  readonly organisations: readonly OrganisationContext[];
}): Readiness {
  const { ledger, organisations } = parts;
  let isStarting = true;
  let isDraining = false;
  return {
    started: () => {
      isStarting = false;
    },
    drain: () => {
      isDraining = true;
    },
    obstacles({ ledger: withLedger = true } = {}) {
      if (isDraining) return [reject('NODE_CLOSING')];
      const found: Reject[] = isStarting ? [reject('NODE_STARTING')] : [];
      const { status, reason } = ledger.health();
      if (withLedger && status !== 'ok' && status !== 'following')
        found.push(reject('LEDGER_STANDS_STILL', { status, ...(reason === undefined ? {} : { reason }) }));
      for (const { slug, vault } of organisations) {
        const state = vault.status();
        // A vault that does not serve says nothing of its index.
        if (state !== 'serving') found.push(reject('VAULT_NOT_SERVING', { organisation: slug, status: state }));
        else if (vault.indexState().building !== undefined)
          found.push(reject('INDEX_NOT_BUILT', { organisation: slug }));
      }
      return found;
    },
  };
}
