import type { StateReader } from '../../../state/typed-map.ts';
import type { Json, JsonObject } from '../../../std/canonical-json.ts';
import { reject } from './codes.ts';
import { type Decision, type DecisionRequest, decide, type Relation } from './decide.ts';
import type { Asker, ScopeFacts, VersionFacts } from './match.ts';
import { delegationOf, delegations, policiesOf } from './state.ts';

/** How `asker` stands to `account`: the patient, one who may see what the patient sees, or anybody else. */
export function relationOf(state: StateReader, account: string, asker: string, atMs: number): Relation {
  if (asker === account) return 'self';
  return delegationOf(state, account, asker, 'access', atMs) === undefined ? 'other' : 'delegate';
}

/** A request without its relation, which the state tells from who asks. */
export type AccountRequest = Asker & { readonly requester: string } & (
    | { readonly versions: readonly VersionFacts[]; readonly scope?: never }
    | { readonly scope: ScopeFacts; readonly versions?: never }
  );

/** Decides a request for the records of `account` at a committed state. */
export function decideFor(state: StateReader, account: string, request: AccountRequest): Decision {
  const relation = relationOf(state, account, request.requester, request.atMs);
  return decide(policiesOf(state, account), { ...request, relation } as DecisionRequest);
}

/** `consent.policiesOf` {account}: policies, the defaults among them, and delegations. */
export function queryPolicies(state: StateReader, argument: JsonObject): Json {
  const { account } = argument;
  if (typeof account !== 'string' || !/^[0-9a-f]{32}$/.test(account)) throw reject('CONSENT_QUERY_INVALID', {});
  const given: JsonObject[] = [];
  for (const [[, delegate], delegation] of state.entries(delegations, [account]))
    given.push({ delegate, ...delegation });
  return { policies: policiesOf(state, account) as readonly JsonObject[], delegations: given };
}
