import type { Caller } from '../../src/auth/caller.ts';
import type { AccountPolicy, PolicyCache } from '../../src/capabilities/access/server/policy-cache.ts';
import { createTagger } from '../../src/capabilities/access/server/version-facts.ts';
import { type Policy, type Provision, TAGS_PER_LIST } from '../../src/capabilities/consent/contract/policy.ts';
import { type TagKind, tag } from '../../src/capabilities/consent/contract/tags.ts';
import { CUSTODIAN } from '../support/fhir-node.ts';
import { oracleDecides } from './consent-oracle.ts';
import { type Draw, MEMBERS, randomPolicy } from './consent-random.ts';
import { grantLets, grantOf, type PlainGrant, randomGrant } from './policy-parity-grant.ts';
import {
  CATEGORIES,
  DATA,
  DAY_MS,
  FIRST_DAY_MS,
  LABELS,
  type PlainStore,
  type PlainVersion,
  SHARED_TYPES,
} from './policy-parity-store.ts';

/** Somebody who asks, at a time, and what every account has decided about such people. */
export interface User {
  readonly caller: Caller;
  /** What the caller's token is limited to; undefined for one of the organisation's own. */
  readonly grant: PlainGrant | undefined;
  readonly atMs: number;
  readonly policies: ReadonlyMap<string, readonly Policy[]>;
  /** Accounts that let the caller act for them. */
  readonly delegates: ReadonlySet<string>;
  readonly brokenUntilMs: ReadonlyMap<string, number>;
}

const PERSONS = ['d'.repeat(32), 'e'.repeat(32)] as const;
const ROLES = ['urn:roles|nurse', 'urn:roles|surgeon'] as const;
const PURPOSES = ['TREAT', 'TREAT', 'TREAT', 'ETREAT', 'HPAYMT', 'HRESCH', 'BTG', 'PATRQT', 'FAMRQT'] as const;

/** What the invented tags of `randomPolicy` stand for, by the digit that tells their kind. */
const MEANINGS: Readonly<Record<string, readonly (readonly [kind: TagKind, code: string])[]>> = {
  '2': [...PERSONS, ...ROLES].map((code) => ['actor', code] as const),
  '3': CATEGORIES.map((code) => ['category', code] as const),
  '4': LABELS.map((code) => ['label', code] as const),
  '5': DATA,
};
const TAG_LISTS = ['actorTags', 'categoryTags', 'labelTags', 'dataTags'] as const;

export function randomUser(draw: Draw, store: PlainStore, tagKeys: ReadonlyMap<string, Uint8Array>): User {
  const { accounts } = store;
  const isPatient = draw.once(5);
  const caller: Caller = {
    custodian: CUSTODIAN,
    account: isPatient ? draw.pick(accounts) : draw.pick(PERSONS),
    kind: isPatient ? 'patient' : 'practitioner',
    organisation: draw.once(2) ? CUSTODIAN : draw.pick(MEMBERS),
    roles: draw.once(2) ? [draw.pick(ROLES)] : [],
    purpose: draw.pick(PURPOSES),
  };
  const atMs = FIRST_DAY_MS + draw.below(8) * DAY_MS;
  // To some hardly anything is open, so that what they may see is far apart.
  const isStrict = draw.once(4);
  const policies = new Map(
    accounts.map((account) => {
      const tagKey = tagKeys.get(account) as Uint8Array;
      return [account, isStrict ? [ownStaff(permitOfFew(tagKey))] : randomPolicies(draw, tagKey)] as const;
    }),
  );
  const broken = accounts
    .filter(() => draw.once(2))
    .map((account) => [account, atMs + (draw.below(3) - 1) * DAY_MS] as const);
  return {
    ...withGrant(draw, store, caller),
    atMs,
    policies,
    delegates: new Set(accounts.filter(() => draw.once(4))),
    brokenUntilMs: new Map(broken),
  };
}

/** Half of them ask by an app, some of which are services that act for nobody. */
function withGrant(draw: Draw, store: PlainStore, person: Caller): Pick<User, 'caller' | 'grant'> {
  if (draw.once(2)) return { caller: person, grant: undefined };
  const isSystem = person.kind === 'practitioner' && draw.once(4);
  const caller: Caller = isSystem ? { ...person, kind: 'system', account: CUSTODIAN } : person;
  const grant = randomGrant(draw, store, isSystem);
  return { caller: { ...caller, client: 'an-app', grant: grantOf(grant) }, grant };
}

/** Mostly a permit of everything, and a few that take from it or add to it. */
function randomPolicies(draw: Draw, tagKey: Uint8Array): readonly Policy[] {
  const random = Array.from({ length: draw.below(4) }, (_, at) => meaningful(randomPolicy(draw, at + 1), tagKey));
  return draw.once(4) ? random : [ownStaff({}), ...random];
}

function ownStaff(root: Provision): Policy {
  return {
    ...{ id: 'default:own-staff', status: 'active', grantor: '9'.repeat(32), scope: 'default:own-staff' },
    ...{ sequence: 0, sense: 'permit', root, exceptions: [] },
  };
}

function permitOfFew(tagKey: Uint8Array): Provision {
  const named = DATA.filter(([kind]) => kind === 'instance').map(([kind, code]) => tag(tagKey, kind, code));
  const others = Array.from({ length: TAGS_PER_LIST - named.length }, (_, at) => `${at}`.padStart(32, '0'));
  return { dataTags: [...named, ...others].sort() };
}

function meaningful(policy: Policy, tagKey: Uint8Array): Policy {
  const { root, exceptions } = policy;
  return { ...policy, root: withMeaning(root, tagKey), exceptions: exceptions.map((one) => withMeaning(one, tagKey)) };
}

/** The provision with real tags in place of the invented ones, and days in place of 0 … 7. */
function withMeaning(provision: Provision, tagKey: Uint8Array): Provision {
  const changed: { -readonly [Name in keyof Provision]: Provision[Name] } = { ...provision };
  for (const name of TAG_LISTS) {
    const list = provision[name];
    if (list !== undefined) changed[name] = list.map((one) => realTag(one, tagKey)).sort();
  }
  for (const name of ['periodFromMs', 'dataFromMs'] as const)
    if (provision[name] !== undefined) changed[name] = FIRST_DAY_MS + provision[name] * DAY_MS;
  for (const name of ['periodToMs', 'dataToMs'] as const)
    if (provision[name] !== undefined) changed[name] = FIRST_DAY_MS + provision[name] * DAY_MS + DAY_MS - 1;
  return changed;
}

function realTag(invented: string, tagKey: Uint8Array): string {
  const meaning = MEANINGS[invented.charAt(0)]?.[Number.parseInt(invented.slice(1, 4), 16)];
  return meaning === undefined ? invented : tag(tagKey, ...meaning);
}

/** The policies of the user whom `current` gives, in place of the ledger's. */
export function policiesOfUser(current: () => User, tagKeys: ReadonlyMap<string, Uint8Array>): PolicyCache {
  return {
    timeMs: () => current().atMs,
    async of(_vault, account): Promise<AccountPolicy> {
      const { policies, delegates, brokenUntilMs, caller, atMs } = current();
      const until = brokenUntilMs.get(account);
      return {
        policies: policies.get(account) ?? [],
        tagger: createTagger(tagKeys.get(account) as Uint8Array),
        brokenUntilMs: new Map(until === undefined ? [] : [[caller.account, until]]),
        isDelegate: (asker, at) => asker === caller.account && at === atMs && delegates.has(account),
      };
    },
    close() {},
  };
}

/**
 * Whether the user may see a version that is read (`r`) or searched for (`s`): by the second implementation of the
 * decision, and nothing of the server's.
 */
export function maySee(
  user: User,
  version: PlainVersion,
  tagKeys: ReadonlyMap<string, Uint8Array>,
  permission: 'r' | 's',
): boolean {
  if (user.grant !== undefined && !grantLets(user.grant, version, permission)) return false;
  const { caller, atMs } = user;
  const { account } = version;
  const isStaff = caller.kind !== 'patient' && caller.organisation === CUSTODIAN;
  if (account === CUSTODIAN) return isStaff || SHARED_TYPES.includes(version.type);
  if (caller.purpose === 'BTG' && !(atMs <= (user.brokenUntilMs.get(account) ?? 0))) return false;
  const tagKey = tagKeys.get(account) as Uint8Array;
  const relation =
    caller.kind === 'patient' && caller.account === account
      ? 'self'
      : user.delegates.has(account)
        ? 'delegate'
        : 'other';
  const actorTags = [caller.account, ...caller.roles].map((code) => tag(tagKey, 'actor', code));
  const { purpose, organisation } = caller;
  const request = { atMs, purpose, purposeTags: [], organisation, actorTags, relation, versions: [] } as const;
  // As it was labelled, and as its resource is now.
  return [version, version.now ?? version].every(({ categories, labels }) => {
    const facts = {
      categoryTags: categories.map((code) => tag(tagKey, 'category', code)),
      labelTags: labels.map((code) => tag(tagKey, 'label', code)),
      dataTags: [tag(tagKey, 'instance', `${version.type}/${version.id}`), tag(tagKey, 'author', version.author)],
      authoredMs: version.timeMs,
    };
    return oracleDecides(user.policies.get(account) ?? [], request, facts) === 'permit';
  });
}
