import { hmacSha256 } from '#crypto/platform';
import { utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { columns } from './columns.ts';
import { type Connection, ONE, slot } from './database.ts';
import type { SearchToken } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';

export const TOKEN_BYTES = 16;

/** Every version is found by its account through a token of this name; no FHIR parameter begins with it. */
export const ACCOUNT_PARAMETER = '$account';

/**
 * First 16 bytes of HMAC-SHA-256(index key, frame(tag, type, parameter, value)). The key is the custodian's, or the
 * patient's own for a version with a sensitive label, so that no count over patients shows those.
 */
export function searchToken(indexKey: Uint8Array, type: string, { parameter, value }: SearchToken): Uint8Array {
  return hmacSha256(indexKey, frame('aceso/vault/token/1', utf8(type), utf8(parameter), utf8(value))).subarray(
    0,
    TOKEN_BYTES,
  );
}

/** Tokens of a version, each once, one after the other. */
export function tokensOf(
  indexKey: Uint8Array,
  type: string,
  account: string,
  tokens: readonly SearchToken[],
): Uint8Array {
  const all = new Uint8Array((tokens.length + 1) * TOKEN_BYTES);
  let length = 0;
  for (const token of [{ parameter: ACCOUNT_PARAMETER, value: account }, ...tokens]) {
    const hashed = searchToken(indexKey, type, token);
    if (holdsToken(all.subarray(0, length), hashed)) continue;
    all.set(hashed, length);
    length += TOKEN_BYTES;
  }
  return all.subarray(0, length);
}

/** True when `tokens`, as a resource's row holds them, has this one. */
export function holdsToken(tokens: Uint8Array, token: Uint8Array): boolean {
  for (let offset = 0; offset < tokens.length; offset += TOKEN_BYTES) {
    let same = true;
    for (let i = 0; i < TOKEN_BYTES && same; i++) same = tokens[offset + i] === token[i];
    if (same) return true;
  }
  return false;
}

/** The index from tokens to ids. A row that damage lost is a match missed; a hit is checked against its resource. */
export interface TokenIndex {
  replace(id: string, before: Uint8Array, after: Uint8Array): void;
  /** Ids that carry all of `tokens`, after an id, in order, at most `limit`. */
  idsWithAll(tokens: readonly Uint8Array[], after: string, limit: number): readonly string[];
}

export function createTokenIndex(connection: Connection): TokenIndex {
  const from = vaultQueries;
  const ids = from.selectFrom('token').select(columns('id')).where('token', '=', slot);
  const add = connection.prepare(
    from
      .insertInto('token')
      .values({ token: slot, id: slot })
      .onConflict((conflict) => conflict.doNothing())
      .compile(),
  );
  const remove = connection.prepare(
    from.deleteFrom('token').where('token', '=', slot).where('id', '=', slot).compile(),
  );
  const idsAfter = connection.prepare(ids.where('id', '>', slot).orderBy('token.id').limit(slot).compile());
  const idFrom = connection.prepare(ids.where('id', '>=', slot).orderBy('token.id').limit(ONE).compile());

  function each(tokens: Uint8Array, visit: (token: Uint8Array) => void): void {
    for (let offset = 0; offset < tokens.length; offset += TOKEN_BYTES)
      visit(tokens.subarray(offset, offset + TOKEN_BYTES));
  }

  return {
    replace(id, before, after) {
      each(before, (token) => holdsToken(after, token) || remove.run(token, id));
      each(after, (token) => holdsToken(before, token) || add.run(token, id));
    },
    idsWithAll(tokens, after, limit) {
      const [first, ...others] = tokens;
      if (first === undefined) throw new TypeError('no token');
      if (others.length === 0) return idsAfter.all(first, after, limit).map((row) => row.id);
      // Each list jumps to where the others are, so the cost is that of the shortest list, times their number.
      const found: string[] = [];
      let candidate = idsAfter.get(first, after, 1)?.id;
      while (candidate !== undefined && found.length < limit) {
        const at: string = candidate;
        let next: string | undefined = at;
        for (const token of others) {
          next = idFrom.get(token, at)?.id;
          if (next !== at) break;
        }
        if (next === undefined) break;
        if (next === at) {
          found.push(at);
          candidate = idsAfter.get(first, at, 1)?.id;
        } else candidate = idFrom.get(first, next)?.id;
      }
      return found;
    },
  };
}
