import { sha256 } from '#crypto/platform';
import { createExclusive } from '../../jobs/exclusive.ts';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, listJson, readJson, writeJson } from '../documents.ts';
import { CODES } from './codes.ts';
import type { ProviderSettings } from './provider-settings.ts';

const reject = rejecter(CODES);

const KIND = 'external-link';
/** Subjects that one account may be linked with. */
const MOST = 8;

/** Somebody at a provider who is somebody here. Only an administrator makes one: claims alone open no account. */
export interface Link {
  readonly account: string;
  /** Id of the provider, and what the link holds for there: another issuer or claim under the id ends it. */
  readonly provider: string;
  readonly issuer: string;
  readonly claim: string;
  readonly subject: string;
  readonly linkedMs: number;
  /** Values of roles that the provider's last ID token told; none before. */
  readonly claimed: readonly string[];
  readonly usedMs?: number;
}

/** A link as administrators see it. */
export interface ListedLink {
  readonly id: string;
  readonly provider: string;
  readonly subject: string;
  readonly linkedMs: number;
  readonly usedMs?: number;
}

/** Whom a provider's subject stands for. */
export interface Links {
  find(custodian: string, id: string): Promise<Link | undefined>;
  list(custodian: string, account: string): Promise<readonly ListedLink[]>;
  /** Throws Reject EXTERNAL_LINK_TAKEN, EXTERNAL_LINKS_TOO_MANY. */
  add(custodian: string, account: string, provider: ProviderSettings, subject: string): Promise<ListedLink>;
  /** From the answer on nobody signs in by it, nor acts by a token that came of it. Throws Reject EXTERNAL_LINK_UNKNOWN. */
  remove(custodian: string, account: string, id: string): Promise<void>;
  /** Keeps what the provider says now; undefined when there is no such link (any more). */
  use(custodian: string, id: string, claimed: readonly string[]): Promise<Link | undefined>;
}

export function createLinks(stores: readonly DocumentStore[], clock: () => number): Links {
  // A sign-in that ends while its link is removed must not bring it back.
  const inTurn = createExclusive();

  const storeOf = (custodian: string) => stores.find((one) => one.custodian === custodian);

  async function find(custodian: string, id: string): Promise<Link | undefined> {
    const store = storeOf(custodian);
    return store && readJson<Link>(store, KIND, id);
  }

  async function list(custodian: string, account: string): Promise<readonly ListedLink[]> {
    const store = storeOf(custodian);
    const all = store === undefined ? [] : await listJson<Link>(store, KIND);
    return all.filter(({ value }) => value.account === account).map(({ id, value }) => listed(id, value));
  }

  return {
    find,
    list,
    add: (custodian, account, provider, subject) =>
      inTurn(async () => {
        const store = storeOf(custodian);
        if (store === undefined) throw reject('EXTERNAL_LINK_INVALID');
        const id = linkId(provider, subject);
        if ((await find(custodian, id)) !== undefined) throw reject('EXTERNAL_LINK_TAKEN');
        if ((await list(custodian, account)).length >= MOST) throw reject('EXTERNAL_LINKS_TOO_MANY');
        const { issuer } = provider;
        const link: Link = {
          ...{ account, provider: provider.id, issuer, claim: subjectClaim(provider), subject },
          ...{ linkedMs: clock(), claimed: [] },
        };
        await writeJson(store, KIND, id, link);
        return listed(id, link);
      }),
    remove: (custodian, account, id) =>
      inTurn(async () => {
        const store = storeOf(custodian);
        const link = await find(custodian, id);
        if (store === undefined || link?.account !== account) throw reject('EXTERNAL_LINK_UNKNOWN');
        await writeJson(store, KIND, id, undefined);
      }),
    use: (custodian, id, claimed) =>
      inTurn(async () => {
        const store = storeOf(custodian);
        const link = await find(custodian, id);
        if (store === undefined || link === undefined) return undefined;
        const used = { ...link, claimed, usedMs: clock() };
        await writeJson(store, KIND, id, used);
        return used;
      }),
  };
}

/** Name of a link's document: subjects are unique within an issuer and claim, and no further (OpenID Connect Core §2). */
export function linkId(provider: ProviderSettings, subject: string): string {
  const { id, issuer } = provider;
  const parts = [id, issuer, subjectClaim(provider), subject].map(utf8);
  return bytesToHex(sha256(frame('aceso/external-link/1', ...parts)));
}

export function subjectClaim({ subject_claim: claim = 'sub' }: ProviderSettings): string {
  return claim;
}

function listed(id: string, { provider, subject, linkedMs, usedMs }: Link): ListedLink {
  return { id, provider, subject, linkedMs, ...(usedMs === undefined ? {} : { usedMs }) };
}
