import { createExclusive } from '../../jobs/exclusive.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import type { PasskeyHolder } from '../sign-in/passkey-book.ts';
import { CODES } from './codes.ts';
import { contextNamed, type KeptContext, keepContext } from './launch-context.ts';
import { CONTEXT, type Expiring, isExpired, kindOf, nameOf } from './oauth-documents.ts';
import type { Standing } from './standing.ts';
import { subjectOf } from './subject.ts';

const reject = rejecter(CODES);

/** An app that somebody let act for them, with all its grants together. Times in milliseconds since the epoch. */
export interface AllowedApp {
  readonly client_id: string;
  readonly scopes: readonly string[];
  readonly sinceMs: number;
  /** When it was last given a token, to the hour. */
  readonly usedMs?: number;
}

/** What people allowed, for them and for their administrators to see and to end. */
export interface AllowedApps {
  /** Keeps a grant that was just given. */
  add(holder: PasskeyHolder, grantId: string, kept: KeptContext): Promise<void>;
  /** The grant was used for a token. */
  used(grantId: string): Promise<void>;
  list(holder: PasskeyHolder): Promise<readonly AllowedApp[]>;
  /** Ends all that an app was allowed: its tokens open nothing from the answer on. Throws Reject APP_NOT_ALLOWED. */
  end(holder: PasskeyHolder, clientId: string): Promise<void>;
  /** Ends all that any app was allowed. */
  endAll(holder: PasskeyHolder): Promise<void>;
}

/** The grants of one person, oldest first, by the names of their documents. */
const KIND = 'oauth:Allowed';
interface Book {
  readonly grants: readonly string[];
}

/** Grants of one person; the oldest ends. A launch a working hour, for the ninety days that a grant lives. */
const MOST = 1000;
const USE_MS = 3_600_000;

export function createAllowedApps(deps: {
  readonly stores: readonly DocumentStore[];
  readonly standing: Standing;
  readonly clock: () => number;
}): AllowedApps {
  const { stores, standing, clock } = deps;
  const inTurn = createExclusive();

  function storeOf(custodian: string): DocumentStore {
    const store = stores.find((one) => one.custodian === custodian);
    if (store === undefined) throw reject('APP_NOT_ALLOWED');
    return store;
  }

  /** Those that still hold: not expired, not revoked, and of a sign-in that stands. */
  async function live(holder: PasskeyHolder) {
    const store = storeOf(holder.custodian);
    const { grants = [] } = (await readJson<Book>(store, KIND, nameOf(subjectOf(holder)))) ?? {};
    const found: { readonly id: string; readonly kept: KeptContext }[] = [];
    for (const id of grants) {
      const grant = await readJson<Expiring>(store, kindOf('Grant'), id);
      const kept = await readJson<KeptContext>(store, CONTEXT, id);
      if (grant === undefined || kept === undefined || isExpired(grant, clock())) continue;
      found.push({ id, kept });
    }
    return { store, found };
  }

  async function write(store: DocumentStore, holder: PasskeyHolder, grants: readonly string[]): Promise<void> {
    const book = grants.length === 0 ? undefined : ({ grants } satisfies Book);
    await writeJson(store, KIND, nameOf(subjectOf(holder)), book);
  }

  async function endWhere(holder: PasskeyHolder, isMeant: (kept: KeptContext) => boolean): Promise<number> {
    const { store, found } = await live(holder);
    const ended = found.filter(({ kept }) => isMeant(kept));
    // Every token asks for its grant, so the end of this document is the end of them all.
    for (const { id } of ended) await writeJson(store, kindOf('Grant'), id, undefined);
    const left = found.filter((one) => !ended.includes(one));
    await write(
      store,
      holder,
      left.map(({ id }) => id),
    );
    return ended.length;
  }

  return {
    add: (holder, grantId, kept) =>
      inTurn(async () => {
        const { store, found } = await live(holder);
        await keepContext(store, grantId, kept);
        const ids = [...found.map(({ id }) => id), nameOf(grantId)];
        for (const id of ids.slice(0, -MOST)) await writeJson(store, kindOf('Grant'), id, undefined);
        await write(store, holder, ids.slice(-MOST));
      }),
    async used(grantId) {
      const { store, kept } = (await contextNamed(stores, nameOf(grantId))) ?? {};
      if (store === undefined || kept === undefined || (kept.usedMs ?? 0) + USE_MS > clock()) return;
      await keepContext(store, grantId, { ...kept, usedMs: clock() });
    },
    async list(holder) {
      const { found } = await live(holder);
      const apps = new Map<string, AllowedApp>();
      for (const { kept } of found) {
        const { clientId, scopes, sinceMs, usedMs, by } = kept;
        if ((await standing.personBy(subjectOf(holder), by)) === undefined) continue;
        const known = apps.get(clientId);
        const used = Math.max(known?.usedMs ?? 0, usedMs ?? 0);
        apps.set(clientId, {
          client_id: clientId,
          scopes: [...new Set([...(known?.scopes ?? []), ...scopes])],
          sinceMs: Math.min(known?.sinceMs ?? sinceMs, sinceMs),
          ...(used === 0 ? {} : { usedMs: used }),
        });
      }
      return [...apps.values()];
    },
    end: (holder, clientId) =>
      inTurn(async () => {
        if ((await endWhere(holder, (kept) => kept.clientId === clientId)) === 0) throw reject('APP_NOT_ALLOWED');
      }),
    endAll: (holder) => inTurn(async () => void (await endWhere(holder, () => true))),
  };
}
