import { AsyncLocalStorage } from 'node:async_hooks';
import { createScopeRestrictions } from '../../src/app/scope-restrictions.ts';
import type { Caller } from '../../src/auth/caller.ts';
import { createAccessPort } from '../../src/capabilities/access/server/access-port.ts';
import type { InteractionHeader } from '../../src/chain/journal-leaf.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { createFhirOperations } from '../../src/fhir/operations/fhir-operations.ts';
import type { AccessPort } from '../../src/fhir/ports.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import type { CustodianVault } from '../../src/vault/vault.ts';
import { BASE_URL, CUSTODIAN, createFhirNode, type FhirAnswer } from '../support/fhir-node.ts';
import { createSpiedVault } from '../support/spied-vault.ts';
import { createDraw } from './consent-random.ts';
import { limitsMet, type PlainGrant } from './policy-parity-grant.ts';
import { nameOf, visibleWorld, type World } from './policy-parity-search.ts';
import { type PlainStore, type PlainVersion, writeStore } from './policy-parity-store.ts';
import { maySee, policiesOfUser, randomUser, type User } from './policy-parity-user.ts';

/** An answer, and what was journalled before it left. */
export interface Asked {
  readonly answer: FhirAnswer;
  readonly interactions: readonly InteractionHeader[];
}

export interface Sight {
  readonly world: World;
  readonly hidden: ReadonlySet<PlainVersion>;
}

/** The FHIR service over a random store, asked in one user's name; and what that user may see of it, as a plain list. */
export interface UserView {
  readonly user: User;
  /** What reads and versions of one resource show, and what searches and all else show. */
  readonly read: Sight;
  readonly search: Sight;
  readonly store: PlainStore;
  /** By leaf. */
  readonly versionOf: ReadonlyMap<string, PlainVersion>;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Asked>;
}

export interface ParityNode {
  readonly store: PlainStore;
  /** What the tokens of the users so far did to what their consents let them see. */
  readonly limits: ReadonlySet<string>;
  /** The node as the user of this seed meets it, until the next call. */
  as(seed: number): UserView;
  close(): Promise<void>;
}

export async function createParityNode(seed: number): Promise<ParityNode> {
  const vault = withJournalOfRequest(await createSpiedVault(CUSTODIAN));
  const tagKeys = new Map<string, Uint8Array>();
  let caller: Caller | undefined;
  let user: User | undefined;
  const limits = new Set<string>();
  const current = () => user as User;
  const conformance = r4Conformance(await loadDefinitions());
  const clock = () => current().atMs;
  const access: AccessPort = createAccessPort({
    // Of an organisation the decision needs the vault alone.
    organisations: [{ account: CUSTODIAN, vault } as unknown as OrganisationContext],
    policies: policiesOfUser(current, tagKeys),
    revokedLocally: async () => new Set(),
    clock,
    restriction: createScopeRestrictions({ conformance: () => conformance, baseUrl: BASE_URL, clock }),
  });
  const operations = createFhirOperations(conformance);
  const authenticate = async () => caller as Caller;
  const node = await createFhirNode({ vaultOf: () => vault, access, authenticate, operations });
  const store = await writeStore(node, vault, seed, (writer) => {
    caller = writer;
  });
  for (const account of store.accounts) tagKeys.set(account, await vault.tagKey(account));
  const versionOf = new Map(store.versions.map((version) => [version.leaf, version]));
  return {
    ...{ store, limits },
    as(userSeed) {
      user = randomUser(createDraw(userSeed), store, tagKeys);
      const one = user;
      caller = one.caller;
      const sightOf = (permission: 'r' | 's'): Sight => {
        const world = visibleWorld(store.versions, (version) => maySee(one, version, tagKeys, permission));
        const seen = new Set(world.versions);
        const { grant } = one;
        for (const version of grant === undefined ? [] : store.versions)
          if (maySee({ ...one, grant: undefined }, version, tagKeys, permission))
            for (const limit of limitsMet(grant as PlainGrant, version, permission)) limits.add(limit);
        return { world, hidden: new Set(store.versions.filter((version) => !seen.has(version))) };
      };
      return {
        ...{ user: one, store, versionOf, read: sightOf('r'), search: sightOf('s') },
        async ask(method, path, body, headers) {
          const interactions: InteractionHeader[] = [];
          const answer = await journalOfRequest.run(interactions, () => node.send(method, path, body, headers));
          return { answer, interactions };
        },
      };
    },
    async close() {
      await node.app.close();
      await vault.close();
    },
  };
}

/** What the request that is being answered has journalled: several are asked at once, and share their commits. */
const journalOfRequest = new AsyncLocalStorage<InteractionHeader[]>();

function withJournalOfRequest(vault: CustodianVault): CustodianVault {
  return {
    ...vault,
    async write(versions, interactions) {
      const result = await vault.write(versions, interactions);
      journalOfRequest.getStore()?.push(...interactions);
      return result;
    },
    async journal(interactions) {
      const indices = await vault.journal(interactions);
      journalOfRequest.getStore()?.push(...interactions);
      return indices;
    },
  };
}

/** The newest version of each resource, seen or not. */
export function newestOf({ versions }: PlainStore): ReadonlyMap<string, PlainVersion> {
  return new Map(versions.map((version) => [nameOf(version), version]));
}
