import { type Caller, isAdministrator } from '../auth/caller.ts';
import { grantCovers } from '../auth/scopes.ts';
import { rejectFhir } from '../fhir/codes.ts';
import type { RuledWrite, WriteRule } from '../fhir/ports.ts';
import { localReference, referencesIn } from '../fhir/references.ts';
import type { SearchRegistry } from '../fhir/search/search-registry.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { Vault } from '../vault/vault.ts';
import { reject } from './codes.ts';
import { compileFilters } from './event-filter.ts';
import { isOwner, keepOwner, ownerOf, renewOwner } from './owner.ts';
import { readSubscription, type Terms } from './read-subscription.ts';
import { createRoom, type Held } from './room.ts';
import { withoutSecrets } from './secret-headers.ts';

export interface WriteRuleOptions {
  /** Read at each write: packages come and go. */
  readonly registry: () => SearchRegistry;
  readonly baseUrl: string;
  readonly clock: () => number;
  readonly outgoing: Outgoing;
  /** A custodian's subscriptions that are not off. */
  readonly heldOf: (custodian: string) => readonly Held[];
  /** Told that a subscription may be about to be written. */
  readonly touched: (custodian: string, id: string) => void;
}

/**
 * What a Subscription must pass before it is written: a topic, filters and a channel that are served, an endpoint that the
 * organisation lets this node ask, room for one more, and for a change its own owner. The owner is durable before it is.
 * Throws SUBSCRIPTION_…, REFERENCE_UNRESOLVED, and what `Outgoing.requireAllowed` does.
 */
export function createWriteRule(options: WriteRuleOptions): WriteRule {
  const { registry, baseUrl, clock, outgoing, heldOf, touched } = options;
  const room = createRoom(heldOf);

  async function requireServed(vault: Vault, terms: Terms): Promise<void> {
    const nowMs = clock();
    if (terms.endMs !== undefined && terms.endMs <= nowMs && terms.status !== 'off')
      throw reject('SUBSCRIPTION_TIMING_INVALID', { element: 'end' });
    const accountOf = (patient: string) => vault.accountOf('Patient', patient);
    await compileFilters(terms, { registry: registry(), baseUrl, nowMs, accountOf });
    if (terms.channel === 'rest-hook') await outgoing.requireAllowed(vault.custodian, terms.endpoint);
  }

  /** What a patient's Subscription names is the patient's: whether anything else is there is not told. */
  async function requireOwnReferences(vault: Vault, { account }: Caller, text: string): Promise<void> {
    for (const { value } of referencesIn(text)) {
      const local = localReference(value, baseUrl);
      if (local === undefined) continue;
      if ((await vault.accountOf(local.type, local.id)) !== account)
        throw rejectFhir('REFERENCE_UNRESOLVED', { resource: 'Subscription' });
    }
  }

  return {
    type: 'Subscription',
    async judge({ vault, caller }, write) {
      const { id, text, action } = write;
      const stands = await standing(vault, caller, write);
      if (text === undefined) {
        if (stands === 'absent' && !isAdministrator(caller)) throw reject('SUBSCRIPTION_NOT_FOUND');
        if (stands === 'own') {
          room.leave(id);
          touched(caller.custodian, id);
        }
        return undefined;
      }
      const isKnown = stands === 'own';
      const terms = readSubscription(JSON.parse(text) as Readonly<Record<string, unknown>>);
      // An id that clients choose could be chosen by two at once, and one would own what the other wrote.
      if (!isKnown && (action !== 'create' || write.isNew === undefined)) throw reject('SUBSCRIPTION_ID_GIVEN');
      if (!isKnown && terms.status !== 'requested') throw reject('SUBSCRIPTION_STATUS_INVALID');
      if (isKnown && terms.status === 'error') throw reject('SUBSCRIPTION_STATUS_INVALID');
      if (caller.kind === 'patient') await requireOwnReferences(vault, caller, text);
      await requireServed(vault, terms);
      // One that was off, or in error, takes its room anew.
      if (terms.status === 'off') room.leave(id);
      else room.take(caller, id);
      if (isKnown) await renewOwner(vault, id, caller);
      else await keepOwner(vault, id, caller);
      const changed = await withoutSecrets(vault, id, text, terms.endpoint);
      touched(caller.custodian, id);
      return changed;
    },
  };
}

/**
 * How a caller stands to what is stored: `own` may be changed, or ended; what is `gone` may be deleted once more. All
 * others' are as absent as what never was. Its owner changes it by a token that may do all that the first one might, since
 * what it is told of is decided by that; any ends it. Throws SUBSCRIPTION_SCOPES_NARROWER.
 */
async function standing(
  vault: Vault,
  caller: Caller,
  { id, isNew, text }: RuledWrite,
): Promise<'own' | 'gone' | 'absent'> {
  const row = isNew === undefined ? await vault.current('Subscription', id) : undefined;
  const owner = await ownerOf(vault, id);
  if (row === undefined) return 'absent';
  const isDelete = text === undefined;
  if (owner !== undefined && isOwner(caller, owner)) {
    if (!isDelete && !grantCovers(caller.grant, owner.grant)) throw reject('SUBSCRIPTION_SCOPES_NARROWER');
    return 'own';
  }
  // One of before there were owners, or that nobody knows: nothing is done for it, and an administrator clears it away.
  if (isDelete && isAdministrator(caller)) return 'own';
  return isDelete && row.deleted && row.account === caller.account ? 'gone' : 'absent';
}
