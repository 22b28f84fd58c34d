import { Value } from 'typebox/value';
import type { Contract } from '../../../chain/contract.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import type { Json, JsonObject } from '../../../std/canonical-json.ts';
import { reject as rejectMembership } from '../../membership/contract/codes.ts';
import { AccountId } from '../../membership/contract/schemas.ts';
import { CODES } from './codes.ts';
import { journalMessages } from './journal-rules.ts';
import { closedGenerations, erasures, journals, lastAnchor } from './state.ts';

/** `{ custodian }` → the last anchor of its journal. */
function queryJournal(state: StateReader, argument: JsonObject): Json {
  const { custodian } = argument;
  if (!Value.Check(AccountId, custodian)) throw rejectMembership('MEMBER_UNKNOWN');
  return lastAnchor(state, custodian);
}

/** What custodians state of their journals: anchors that only extend, restarts by vote, marks of erasure. */
export const recordsContract: Contract = {
  name: 'records',
  codes: CODES,
  maps: [journals, closedGenerations, erasures],
  ruleSets: [{ version: 1, messages: journalMessages }],
  queries: { 'records.journal': queryJournal },
};
