import { sealingKeyBytes } from '../../../crypto/sealing.ts';
import type { CustodianPort, MemberPort, PermitFacts, ReleaseDecision } from '../../../exchange/ports.ts';
import { loadDefinitions } from '../../../fhir/definitions/load-definitions.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import { isReject } from '../../../std/reject.ts';
import type { Criterion, FoundPage } from '../../../vault/index/index-query.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { decide } from '../../consent/contract/decide.ts';
import type { ScopeFacts, VersionFacts } from '../../consent/contract/match.ts';
import { relationOf } from '../../consent/contract/queries.ts';
import { policiesOf } from '../../consent/contract/state.ts';
import { tag } from '../../consent/contract/tags.ts';
import {
  accountOf,
  isActiveMember,
  practitionerRoles,
  sealingKeyOf,
  sponsorOf,
} from '../../membership/contract/queries.ts';
import { type Permit, permitOf } from '../contract/state.ts';
import type { LocalRevocations } from './access-port.ts';
import { createTagger, type Tagger, versionFacts } from './version-facts.ts';

/** Most tags of one practitioner: its account and its roles. */
const MAX_ACTOR_TAGS = 32;
/** Versions read from the index at once. */
const PAGE_ROWS = 200;
/** Most kinds of records are not in a chart, so many are asked for at once. */
const TYPES_AT_ONCE = 32;

/** What the exchange asks of the ledger about members. */
export function createMemberPort(ledger: Ledger): MemberPort {
  return {
    keysOf: (member) =>
      withState(ledger, (state) =>
        isActiveMember(state, member) && accountOf(state, member)?.status === 'active'
          ? (accountOf(state, member)?.keys ?? []).filter(({ algorithm }) => algorithm === 'ed25519')
          : [],
      ),
    sealingKeyOf(member) {
      const key = withState(ledger, (state) => sealingKeyOf(state, member));
      if (key === undefined) return undefined;
      try {
        return sealingKeyBytes(key);
      } catch (error) {
        if (isReject(error)) return undefined;
        throw error;
      }
    },
  };
}

/** What a custodian of this node decides when another organisation asks: by the contract's functions, with its tag keys. */
export function createCustodianPort(deps: { ledger: Ledger; revokedLocally: LocalRevocations }): CustodianPort {
  const { ledger, revokedLocally } = deps;

  /** The permit as it stands on the ledger, by the later of block time and the custodian's clock. */
  function heldPermit(state: StateReader, custodian: OrganisationContext, account: string, id: string) {
    return permitOf(state, account, id, Math.max(ledger.head().timeMs, custodian.clock()));
  }

  return {
    async introduce(custodian, member, { identifier, practitioner, categories }) {
      const account = await patientWith(custodian, identifier);
      const actors = withState(ledger, (state) => actorsOf(state, member, practitioner));
      if (account === undefined || actors === undefined) return undefined;
      const key = await custodian.vault.tagKey(account);
      return {
        account,
        actorTags: actors.map((actor) => tag(key, 'actor', actor)),
        categoryTags: categories.map((code) => tag(key, 'category', code)),
      };
    },

    permitOf(custodian, member, account, id) {
      const permit = withState(ledger, (state) => heldPermit(state, custodian, account, id));
      if (permit?.custodian !== custodian.account || permit.organisation !== member) return undefined;
      const actor = permit.practitioner === '' ? permit.requester : permit.practitioner;
      return { id, account, actor, purpose: permit.purpose };
    },

    async decide(custodian, facts, limit) {
      const { resources } = await loadDefinitions();
      // Before the state: a revocation is forgotten here only once the ledger has it, so one of the two always does.
      const revoked = await revokedLocally(custodian.account, facts.account);
      const tagger = createTagger(await custodian.vault.tagKey(facts.account));
      const snapshot = ledger.read();
      try {
        const { state } = snapshot;
        const permit = heldPermit(state, custodian, facts.account, facts.id);
        if (permit === undefined) return { rows: [], rules: [] };
        // Whom the patient has told of the record is no part of what others get of it.
        const types = Object.keys(resources).filter((type) => type !== 'Subscription');
        return await decideVersions({ state, custodian, revoked, tagger, permit, facts, limit, types });
      } finally {
        snapshot.release();
      }
    },
  };
}

async function decideVersions(options: {
  state: StateReader;
  custodian: OrganisationContext;
  revoked: ReadonlySet<string>;
  tagger: Tagger;
  permit: Permit;
  facts: PermitFacts;
  limit: number;
  types: readonly string[];
}): Promise<ReleaseDecision> {
  const { state, custodian, revoked, tagger, permit, facts, limit, types } = options;
  const { account } = facts;
  const policies = policiesOf(state, account).map((policy) =>
    revoked.has(policy.id) ? { ...policy, status: 'revoked' as const } : policy,
  );
  const atMs = Math.max(permit.grantedAtMs, custodian.clock());
  // Derived again from what the ledger attests now: the tags in the permit are what its requester wrote there.
  const actors = actorsOf(state, permit.organisation, permit.practitioner) ?? [];
  const actorTags = actors.map((actor) => tagger.tag('actor', actor));
  const relation = relationOf(state, account, permit.requester, atMs);
  const { purpose, purposeTags, organisation } = permit;
  const rows: VersionRow[] = [];
  const [permitRules, denyRules] = [new Set<string>(), new Set<string>()];
  for await (const row of currentVersions(custodian, account, types)) {
    const version = versionFacts(row, tagger);
    if (!isInScope(permit.scope, version)) continue;
    const one = decide(policies, {
      ...{ atMs, purpose, purposeTags, organisation, actorTags, relation },
      versions: [version],
    });
    for (const rule of one.rules) (one.decision === 'permit' ? permitRules : denyRules).add(rule);
    if (one.decision === 'permit') rows.push(row);
    if (rows.length > limit) break;
  }
  return { rows, rules: [...(rows.length > 0 ? permitRules : denyRules)] };
}

/** Current versions of an account, type by type: those that were deleted or erased are nobody's to release. */
async function* currentVersions(
  { vault }: OrganisationContext,
  account: string,
  types: readonly string[],
): AsyncGenerator<VersionRow> {
  for (let at = 0; at < types.length; at += TYPES_AT_ONCE) {
    const some = types.slice(at, at + TYPES_AT_ONCE);
    const criteria: Criterion[] = [{ kind: 'account', accounts: [account] }];
    const query = (type: string) => ({ type, criteria, sort: [], limit: PAGE_ROWS });
    const first = await Promise.all(some.map((type) => vault.find(query(type))));
    for (const [index, type] of some.entries()) {
      let page = first[index] as FoundPage;
      for (;;) {
        for (const { row } of page.hits) yield row;
        const last = page.hits.at(-1);
        if (!page.more || last === undefined) break;
        page = await vault.find({ ...query(type), after: last.cursor() });
      }
    }
  }
}

/** See `ScopeFacts`: at least one tag of each list, of labels no other, authored within the bounds. */
export function isInScope(scope: ScopeFacts, version: VersionFacts): boolean {
  const meets = (asked: readonly string[] | undefined, given: readonly string[]) =>
    asked === undefined || given.some((one) => asked.includes(one));
  const { categoryTags, labelTags, dataTags, authoredFromMs, authoredToMs } = scope;
  if (!meets(categoryTags, version.categoryTags) || !meets(dataTags, version.dataTags)) return false;
  if (!meets(labelTags, version.labelTags)) return false;
  if (labelTags !== undefined && version.labelTags.some((label) => !labelTags.includes(label))) return false;
  if (authoredFromMs === undefined && authoredToMs === undefined) return true;
  const { authoredMs } = version;
  return (
    authoredMs !== undefined &&
    authoredMs >= (authoredFromMs ?? authoredMs) &&
    authoredMs <= (authoredToMs ?? authoredMs)
  );
}

/** Account of the one patient with exactly that identifier; none when there is no such, or more than one. */
async function patientWith({ vault }: OrganisationContext, identifier: string): Promise<string | undefined> {
  const criteria: Criterion[] = [{ kind: 'token', tokens: [{ parameter: 'identifier', value: identifier }] }];
  const { hits } = await vault.find({ type: 'Patient', criteria, sort: [], limit: 2 });
  const [row, other] = hits.map((hit) => hit.row);
  return row === undefined || other !== undefined || row.account === vault.custodian ? undefined : row.account;
}

/** A practitioner's account and attested roles; none for a member alone; undefined for one who works elsewhere. */
function actorsOf(state: StateReader, member: string, practitioner: string): readonly string[] | undefined {
  if (practitioner === '') return [];
  const record = accountOf(state, practitioner);
  if (record?.kind !== 'practitioner' || record.status !== 'active' || sponsorOf(state, practitioner) !== member)
    return undefined;
  return [practitioner, ...practitionerRoles(state, practitioner)].slice(0, MAX_ACTOR_TAGS);
}
