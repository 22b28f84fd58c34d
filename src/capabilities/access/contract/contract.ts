import type { Contract } from '../../../chain/contract.ts';
import type { StateMap, StateReader } from '../../../state/typed-map.ts';
import type { Json, JsonObject } from '../../../std/canonical-json.ts';
import { breakGlassMessages } from './break-glass-rules.ts';
import { CODES, reject } from './codes.ts';
import { requestMessages } from './request-rules.ts';
import { breakGlassActs, breakGlassTimes, permitExpiries, permits } from './state.ts';

/** Most entries that one query answers with. */
const PAGE = 200;

/** `access.permitsOf` and `access.breakGlassOf` {account, after?}: a page in order of id; the whole story is in log and journal. */
function queryOf<V extends JsonObject>(map: StateMap<readonly [account: string, id: string], V>) {
  return (state: StateReader, argument: JsonObject): Json => {
    const { account, after = '' } = argument;
    if (typeof account !== 'string' || !/^[0-9a-f]{32}$/.test(account)) throw reject('ACCESS_QUERY_INVALID', {});
    if (typeof after !== 'string' || !/^(?:[0-9a-f]{64})?$/.test(after)) throw reject('ACCESS_QUERY_INVALID', {});
    const rows: JsonObject[] = [];
    for (const [[, id], value] of state.entries(map, [account], after === '' ? undefined : [account, after])) {
      if (rows.push({ id, ...value }) === PAGE) break;
    }
    return rows;
  };
}

/** Who may see a patient's records: requests decided by every validator, permits, broken glass and its review. */
export const accessContract: Contract = {
  name: 'access',
  codes: CODES,
  maps: [permits, permitExpiries, breakGlassActs, breakGlassTimes],
  ruleSets: [{ version: 1, messages: { ...requestMessages, ...breakGlassMessages } }],
  queries: { 'access.permitsOf': queryOf(permits), 'access.breakGlassOf': queryOf(breakGlassActs) },
};
