import { Type } from 'typebox';
import { Value } from 'typebox/value';

/** What `GET /` of a node says, as far as it is looked at; nothing rests on its being true. */
const NodePageForm = Type.Object({
  genesis: Type.String(),
  organisations: Type.Array(Type.Object({ account: Type.String({ pattern: '^[0-9a-f]{32}$' }) }), { maxItems: 1024 }),
});

/** Largest public page of a node that is read, in bytes. */
export const MAX_NODE_PAGE_BYTES = 256 * 1024;

/** Member accounts that a node's public page names; none when it is no page of a node of the ledger `chain`. */
export function hostedMembers(pageText: string, chain: string): readonly string[] {
  let page: unknown;
  try {
    page = JSON.parse(pageText);
  } catch {
    return [];
  }
  if (!Value.Check(NodePageForm, page) || page.genesis !== chain) return [];
  return page.organisations.map(({ account }) => account);
}
