import { type StateMap, type StateReader, stateMap } from '../../../state/typed-map.ts';
import { sponsorOf } from '../../membership/contract/queries.ts';
import type { Policy, Sense } from './policy.ts';

/** Policies by account, grantor and scope: granting in a scope again supersedes. */
export const policies: StateMap<readonly [account: string, grantor: string, scope: string], Policy> = stateMap(
  'consent.policies',
  3,
);

/** Powers that a delegation gives: to decide in the patient's place, to see what the patient may see. */
export type DelegatePower = 'consent' | 'access';

/** A person who acts for the account's. It holds from `fromMs` to `endsAtMs`, both included, of block time. */
export type Delegation = {
  readonly role: 'guardian' | 'proxy';
  readonly powers: readonly DelegatePower[];
  readonly fromMs: number;
  readonly endsAtMs: number;
  /** Account that gave it: the patient's own, or the custodian's for an unclaimed account. */
  readonly givenBy: string;
};

/** Delegations by account and delegate. */
export const delegations: StateMap<readonly [account: string, delegate: string], Delegation> = stateMap(
  'consent.delegations',
  2,
);

/** How many policies an account was ever given: the next one's sequence is one more. */
export const sequences: StateMap<readonly [account: string], number> = stateMap('consent.sequences', 1);

/** A rule of the jurisdiction that holds until the patient supersedes it by granting in the scope of its id. */
export type DefaultRule = {
  readonly name: string;
  readonly sense: Sense;
  readonly purposes: readonly string[];
  /** `custodian`: the member who keeps the account. `anybody`: whoever asks. */
  readonly actor: 'custodian' | 'anybody';
};

/** Defaults of the jurisdiction, under the key `defaults`. */
export const jurisdiction: StateMap<readonly [key: string], readonly DefaultRule[]> = stateMap(
  'consent.jurisdiction',
  1,
);

/** What holds where genesis says nothing: the custodian's own staff, and break-glass. */
export const BUILT_IN_DEFAULTS: readonly DefaultRule[] = [
  { name: 'own-staff', sense: 'permit', purposes: ['HOPERAT', 'HPAYMT', 'TREAT'], actor: 'custodian' },
  { name: 'break-glass', sense: 'permit', purposes: ['BTG'], actor: 'anybody' },
];

/** Bounds of rule version 1. A change of one is a new rule version. */
export const LIMITS = {
  policiesPerAccount: 64,
  delegationsPerAccount: 16,
  defaults: 16,
  /** 25 years of 366 days. */
  delegationMs: 25 * 366 * 24 * 60 * 60 * 1000,
} as const;

/** The jurisdiction's defaults in force. */
export function defaultsOf(state: StateReader): readonly DefaultRule[] {
  return state.get(jurisdiction, 'defaults') ?? BUILT_IN_DEFAULTS;
}

/** The jurisdiction's defaults as policies of this account, those that the patient superseded left out. */
export function defaultPolicies(state: StateReader, account: string): readonly Policy[] {
  const custodian = sponsorOf(state, account);
  const out: Policy[] = [];
  for (const { name, sense, purposes, actor } of defaultsOf(state)) {
    const id = `default:${name}`;
    if (state.get(policies, account, account, id) !== undefined) continue;
    if (actor === 'custodian' && custodian === undefined) continue;
    const root = { purposes, ...(actor === 'custodian' && custodian !== undefined ? { members: [custodian] } : {}) };
    out.push({ id, status: 'active', grantor: account, scope: id, sequence: 0, sense, root, exceptions: [] });
  }
  return out;
}

/** Policies of an account in byte order of grantor and scope, revoked ones included, the defaults last. */
export function policiesOf(state: StateReader, account: string): readonly Policy[] {
  const own: Policy[] = [];
  for (const [, policy] of state.entries(policies, [account])) own.push(policy);
  return [...own, ...defaultPolicies(state, account)];
}

/** The delegation that lets `delegate` use `power` for `account` at `atMs`; undefined when there is none. */
export function delegationOf(
  state: StateReader,
  account: string,
  delegate: string,
  power: DelegatePower,
  atMs: number,
): Delegation | undefined {
  const delegation = state.get(delegations, account, delegate);
  if (delegation === undefined || !delegation.powers.includes(power)) return undefined;
  return atMs >= delegation.fromMs && atMs <= delegation.endsAtMs ? delegation : undefined;
}
