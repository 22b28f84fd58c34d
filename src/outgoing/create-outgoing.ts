import { rejecter } from '../std/reject.ts';
import { clearedAddress, type ResolveName, resolveName } from './cleared-address.ts';
import { CODES } from './codes.ts';
import { startDeadline } from './deadline.ts';
import type { Outgoing } from './outgoing.ts';
import { requestHeaders } from './request-headers.ts';
import { type OutgoingRule, type RuleStore, readRules } from './rules.ts';
import { sendPinned } from './send-pinned.ts';
import { parseTarget, type Target } from './target.ts';

const reject = rejecter(CODES);

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1_048_576;

/** What a node is made with; the last two have defaults that tests replace. */
export interface OutgoingOptions {
  /** Rules of an organisation by its member account; throws a Reject for one that is not here. */
  readonly storeOf: (organisation: string) => RuleStore;
  readonly resolve?: ResolveName;
  /** Certificate authorities in place of those that Node trusts, as PEM. */
  readonly authorities?: readonly string[];
}

/**
 * The guard against requests that others forge through this node (CWE-918): of addresses that others name, it asks those
 * alone that the organisation's rules name, and none within a private or special network unless a rule names that too.
 * A connection is made for each request and to the address that was checked; proxies of the environment are not used.
 */
export function createOutgoing({ storeOf, resolve = resolveName, authorities }: OutgoingOptions): Outgoing {
  /** Before the name is resolved: who may not ask for an origin cannot make this node ask name servers either. */
  async function ruleOf(organisation: string, { origin }: Target): Promise<OutgoingRule> {
    const { rules } = await readRules(storeOf(organisation));
    const rule = rules.find((one) => one.origin === origin);
    if (rule === undefined) throw reject('OUTGOING_NOT_ALLOWED', { origin });
    return rule;
  }

  return {
    async requireAllowed(organisation, url) {
      const target = parseTarget(url);
      const rule = await ruleOf(organisation, target);
      const deadline = startDeadline(target.origin, TIMEOUT_MS, undefined);
      await clearedAddress(target, rule, resolve, deadline).finally(deadline.clear);
    },
    async request(organisation, request) {
      const { url, method, body, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, signal } = request;
      const target = parseTarget(url);
      const headers = requestHeaders(target, request);
      const deadline = startDeadline(target.origin, timeoutMs, signal);
      try {
        const rule = await deadline.within(ruleOf(organisation, target));
        const address = await clearedAddress(target, rule, resolve, deadline);
        return await sendPinned({ target, address, method, headers, body, maxBytes, authorities }, deadline);
      } finally {
        deadline.clear();
      }
    },
  };
}
