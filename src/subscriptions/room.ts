import type { Caller } from '../auth/caller.ts';
import { reject } from './codes.ts';
import { LIMITS } from './limits.ts';
import { isOwner } from './owner.ts';

/** A subscription that is not off, and whose it is. */
export interface Held {
  readonly id: string;
  readonly owner: Caller;
}

/** How long one that was let in and is not seen yet is counted all the same: its write may have been refused. */
const AWAITED_MS = 60_000;

/**
 * Counts who has how many subscriptions to a custodian, those that are being written included, so that many requests at
 * once get no more than one after the other. People who are patients are counted by themselves, over all of their apps:
 * none of them takes the room of another, of an app's other users, or of an organisation.
 */
export function createRoom(heldOf: (custodian: string) => readonly Held[]): {
  /** Throws SUBSCRIPTION_TOO_MANY; else the subscription has its place. */
  take(caller: Caller, id: string): void;
  /** It ends: from when it is seen to, its place is free. */
  leave(id: string): void;
} {
  const awaited = new Map<string, Held & { readonly untilMs: number }>();

  function held(custodian: string, but: string): readonly Caller[] {
    const seen = heldOf(custodian);
    const nowMs = performance.now();
    for (const [id, { untilMs }] of awaited) if (untilMs <= nowMs) awaited.delete(id);
    for (const { id } of seen) awaited.delete(id);
    const coming = [...awaited.values()].filter(({ owner }) => owner.custodian === custodian);
    return [...seen, ...coming].filter(({ id }) => id !== but).map(({ owner }) => owner);
  }

  return {
    leave: (id) => void awaited.delete(id),
    take(caller, id) {
      awaited.delete(id);
      const others = held(caller.custodian, id);
      if (caller.kind === 'patient') requirePersonalRoom(caller, others);
      else requireSharedRoom(caller, others);
      awaited.set(id, { id, owner: caller, untilMs: performance.now() + AWAITED_MS });
    },
  };
}

function requirePersonalRoom({ account }: Caller, held: readonly Caller[]): void {
  const patients = held.filter(({ kind }) => kind === 'patient');
  const own = patients.filter((owner) => owner.account === account).length;
  if (own >= LIMITS.perPatient || patients.length >= LIMITS.allPatients)
    throw reject('SUBSCRIPTION_TOO_MANY', { perPatient: LIMITS.perPatient });
}

function requireSharedRoom(caller: Caller, held: readonly Caller[]): void {
  const { perClient, perOrganisation } = LIMITS;
  const others = held.filter(({ kind }) => kind !== 'patient');
  const isSameClient = (owner: Caller) =>
    caller.client === undefined ? isOwner(caller, owner) : owner.client === caller.client;
  const own = others.filter(isSameClient).length;
  const ofOrganisation = others.filter(({ organisation }) => organisation === caller.organisation).length;
  if (own >= perClient || ofOrganisation >= perOrganisation)
    throw reject('SUBSCRIPTION_TOO_MANY', { perClient, perOrganisation });
}
