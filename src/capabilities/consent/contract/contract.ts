import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import type { Contract } from '../../../chain/contract.ts';
import type { StateWriter } from '../../../state/typed-map.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { CODES, reject } from './codes.ts';
import { delegationMessages } from './delegation-rules.ts';
import { policyMessages } from './policy-rules.ts';
import { isPurpose } from './purposes.ts';
import { queryPolicies } from './queries.ts';
import { GenesisSectionSchema } from './schemas.ts';
import { BUILT_IN_DEFAULTS, delegations, jurisdiction, policies, sequences } from './state.ts';

function genesis(state: StateWriter, section: JsonObject): void {
  if (!Value.Check(GenesisSectionSchema, section)) throw reject('CONSENT_GENESIS_INVALID');
  const { defaults = BUILT_IN_DEFAULTS } = section as Static<typeof GenesisSectionSchema>;
  if (new Set(defaults.map(({ name }) => name)).size !== defaults.length) throw reject('CONSENT_GENESIS_INVALID');
  const sorted = defaults.map((rule) => ({ ...rule, purposes: [...new Set(rule.purposes)].sort() }));
  if (!sorted.every(({ purposes }) => purposes.every(isPurpose))) throw reject('CONSENT_GENESIS_INVALID');
  state.set(jurisdiction, ['defaults'], sorted);
}

/** What patients decide, who may decide for them, and the one function that decides a request. */
export const consentContract: Contract = {
  name: 'consent',
  codes: CODES,
  maps: [policies, delegations, sequences, jurisdiction],
  ruleSets: [{ version: 1, messages: { ...policyMessages, ...delegationMessages } }],
  genesis,
  queries: { 'consent.policiesOf': queryPolicies },
};
