import { utf8ToText } from '../../../std/bytes.ts';
import { isReject } from '../../../std/reject.ts';
import type { Vault, VersionRow } from '../../../vault/vault.ts';
import type { EventFacts } from './event-facts.ts';

/** Versions of a Subscription that are looked through for the one that held when something was delivered. */
const MOST_VERSIONS = 200;
const UNKNOWN = 'an endpoint that is not known any more';

/** Where a notification was sent, as `https://host`; undefined for what was not sent to an endpoint. */
export type EndpointOf = (facts: EventFacts) => string | undefined;

/**
 * Where notifications by rest-hook went: their entries name the Subscription, and it names the endpoint. Of that the origin
 * is told and no more, since its path may be a secret of the receiver's. What a websocket carries goes to whoever asks.
 */
export async function deliveryEndpoints(vault: Vault, facts: readonly EventFacts[]): Promise<EndpointOf> {
  const histories = new Map<string, readonly VersionRow[]>();
  const endpoints = new Map<string, string | undefined>();
  const rowAt = ({ path, timeMs }: EventFacts): VersionRow | undefined => {
    const rows = histories.get(path) ?? [];
    // Newest first. An endpoint was sent to no earlier than it was written down.
    return rows.find((row) => !row.deleted && row.timeMs <= timeMs) ?? rows.findLast((row) => !row.deleted);
  };
  for (const one of facts) {
    if (!isDelivery(one)) continue;
    const id = one.path.slice('Subscription/'.length);
    if (!histories.has(one.path))
      histories.set(one.path, (await vault.history('Subscription', id, MOST_VERSIONS)).rows);
    const row = rowAt(one);
    if (row !== undefined && !endpoints.has(row.leaf)) endpoints.set(row.leaf, await endpointIn(vault, row));
  }
  return (one) => {
    if (!isDelivery(one)) return undefined;
    const row = rowAt(one);
    return row === undefined ? UNKNOWN : endpoints.get(row.leaf);
  };
}

/** What a subscription sends is journalled as its events being read, under no request. */
function isDelivery({ kind, interaction, request, path }: EventFacts): boolean {
  return kind === 'read' && interaction === '$events' && request === '' && /^Subscription\/[A-Za-z0-9\-.]+$/.test(path);
}

async function endpointIn(vault: Vault, row: VersionRow): Promise<string | undefined> {
  try {
    const { channel } = JSON.parse(utf8ToText(await vault.open(row))) as {
      channel?: { type?: string; endpoint?: string };
    };
    if (channel?.type !== 'rest-hook') return undefined;
    return URL.canParse(channel.endpoint ?? '') ? new URL(channel.endpoint ?? '').origin : UNKNOWN;
  } catch (thrown) {
    if (isReject(thrown)) return UNKNOWN;
    throw thrown;
  }
}
