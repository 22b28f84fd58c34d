import type { Caller } from '../auth/caller.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import type { Vault } from '../vault/vault.ts';
import type { SubscriptionPorts } from './ports.ts';

/** Kind of the vault's documents that say whose a subscription is, by its id. */
const OWNER = 'subscription-owner';

/**
 * Keeps who asked for a subscription, as authentication found out then: the actor of every decision about its events.
 * Durable before the subscription is, so that none is ever without an owner.
 */
export async function keepOwner(vault: Vault, id: string, caller: Caller): Promise<void> {
  await vault.putDocument(OWNER, id, utf8(JSON.stringify(caller)));
}

/** Who asks anew by another token of the organisation's own goes on by that: the subscription ends with the token. */
export async function renewOwner(vault: Vault, id: string, { token }: Caller): Promise<void> {
  const owner = await ownerOf(vault, id);
  if (owner !== undefined && token !== undefined && owner.token !== token)
    await keepOwner(vault, id, { ...owner, token });
}

export async function forgetOwner(vault: Vault, id: string): Promise<void> {
  await vault.putDocument(OWNER, id, null);
}

/** Whose the subscription is; undefined for one that is not known here. */
export async function ownerOf(vault: Vault, id: string): Promise<Caller | undefined> {
  const bytes = await vault.getDocument(OWNER, id);
  return bytes === undefined ? undefined : ownerIn(bytes);
}

/** All owners by the ids of their subscriptions. */
export async function allOwners(vault: Vault): Promise<readonly { readonly id: string; readonly owner: Caller }[]> {
  return (await vault.listDocuments(OWNER)).map(({ id, bytes }) => ({ id, owner: ownerIn(bytes) }));
}

/** Documents are sealed by the vault, so what comes back is what `keepOwner` put. */
function ownerIn(bytes: Uint8Array): Caller {
  return JSON.parse(utf8ToText(bytes)) as Caller;
}

/**
 * The owner as things are now: what authentication would make of the same person and app at this moment. Undefined for one
 * who may have no subscriptions any more.
 */
export async function ownerNow(
  ports: Pick<SubscriptionPorts, 'isStillAllowed' | 'rolesNow'>,
  owner: Caller,
): Promise<Caller | undefined> {
  if (!(await ports.isStillAllowed(owner))) return undefined;
  return ports.rolesNow === undefined ? owner : { ...owner, roles: await ports.rolesNow(owner) };
}

/**
 * Whether somebody may be told of records of an account at all, before any decision: patients of people's records, which
 * means their own unless another person lets them, and not of what is the custodian's.
 */
export function isToldOf({ kind, custodian }: Caller, account: string): boolean {
  return kind !== 'patient' || account !== custodian;
}

/** Whether a caller is the owner: the same person or system, for the same organisation, by the same app. */
export function isOwner(caller: Caller, owner: Caller): boolean {
  return (
    caller.account === owner.account && caller.organisation === owner.organisation && caller.client === owner.client
  );
}
