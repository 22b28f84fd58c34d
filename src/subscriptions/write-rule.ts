import { type Caller, isAdministrator } from '../auth/caller.ts';
import type { RuledWrite, WriteRule } from '../fhir/ports.ts';
import type { SearchRegistry } from '../fhir/search/search-registry.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { Vault } from '../vault/vault.ts';
import { reject } from './codes.ts';
import { compileFilters } from './event-filter.ts';
import { LIMITS } from './limits.ts';
import { isOwner, keepOwner, ownerOf } from './owner.ts';
import { readSubscription, type Terms } from './read-subscription.ts';
import { withoutSecrets } from './secret-headers.ts';

export interface WriteRuleOptions {
  /** Read at each write: packages come and go. */
  readonly registry: () => SearchRegistry;
  readonly baseUrl: string;
  readonly clock: () => number;
  readonly outgoing: Outgoing;
  /** Owners of a custodian's subscriptions that are not off. */
  readonly ownersOf: (custodian: string) => readonly Caller[];
  /** Told that a subscription may be about to be written. */
  readonly touched: (custodian: string, id: string) => void;
}

/**
 * What a Subscription must pass before it is written: a topic, filters and a channel that are served, an endpoint that the
 * organisation lets this node ask, room for one more, and for a change its own owner. The owner is durable before it is.
 * Throws SUBSCRIPTION_…, and what `Outgoing.requireAllowed` does.
 */
export function createWriteRule(options: WriteRuleOptions): WriteRule {
  const { registry, baseUrl, clock, outgoing, ownersOf, touched } = options;

  async function requireOwn(vault: Vault, caller: Caller, { id, action }: RuledWrite): Promise<void> {
    const owner = await ownerOf(vault, id);
    // One of before there were owners, or that nobody knows: nothing is done for it, and an administrator clears it away.
    const mayEnd = action === 'delete' && isAdministrator(caller);
    if (!mayEnd && (owner === undefined || !isOwner(caller, owner))) throw reject('SUBSCRIPTION_NOT_YOURS');
  }

  function requireRoom(caller: Caller): void {
    const owners = ownersOf(caller.custodian);
    const sameClient = (owner: Caller) =>
      caller.client === undefined ? isOwner(caller, owner) : owner.client === caller.client;
    const [own, ofOrganisation] = [
      owners.filter(sameClient).length,
      owners.filter(({ organisation }) => organisation === caller.organisation).length,
    ];
    if (own >= LIMITS.perClient || ofOrganisation >= LIMITS.perOrganisation)
      throw reject('SUBSCRIPTION_TOO_MANY', { perClient: LIMITS.perClient, perOrganisation: LIMITS.perOrganisation });
  }

  async function requireServed(vault: Vault, terms: Terms): Promise<void> {
    const nowMs = clock();
    if (terms.endMs !== undefined && terms.endMs <= nowMs && terms.status !== 'off')
      throw reject('SUBSCRIPTION_TIMING_INVALID', { element: 'end' });
    const accountOf = (patient: string) => vault.accountOf('Patient', patient);
    await compileFilters(terms, { registry: registry(), baseUrl, nowMs, accountOf });
    if (terms.channel === 'rest-hook') await outgoing.requireAllowed(vault.custodian, terms.endpoint);
  }

  return {
    type: 'Subscription',
    async judge({ vault, caller }, write) {
      const { id, text, action } = write;
      const isKnown = write.isNew === undefined && (await vault.current('Subscription', id)) !== undefined;
      if (isKnown) await requireOwn(vault, caller, write);
      if (text === undefined) {
        if (isKnown) touched(caller.custodian, id);
        return undefined;
      }
      const terms = readSubscription(JSON.parse(text) as Readonly<Record<string, unknown>>);
      // An id that clients choose could be chosen by two at once, and one would own what the other wrote.
      if (!isKnown && (action !== 'create' || write.isNew === undefined)) throw reject('SUBSCRIPTION_ID_GIVEN');
      if (!isKnown && terms.status !== 'requested') throw reject('SUBSCRIPTION_STATUS_INVALID');
      if (isKnown && terms.status === 'error') throw reject('SUBSCRIPTION_STATUS_INVALID');
      await requireServed(vault, terms);
      if (!isKnown) {
        requireRoom(caller);
        await keepOwner(vault, id, caller);
      }
      const changed = await withoutSecrets(vault, id, text);
      touched(caller.custodian, id);
      return changed;
    },
  };
}
