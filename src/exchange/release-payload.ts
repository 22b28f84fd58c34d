import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { contentHash, type VersionHeader, versionLeaf } from '../chain/journal-leaf.ts';
import { base64urlToBytes, bytesToBase64url, bytesToHex, hexToBytes } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import type { VersionRow } from '../vault/vault.ts';

/** Most versions of one release, and most bytes of them together. */
export const MAX_RELEASE_VERSIONS = 500;
export const MAX_RELEASE_BYTES = 16 * 1024 * 1024;

/** A version as it travels: who holds header, salt and bytes can recompute the leaf that the journal has. */
export interface ReleasedVersion {
  readonly header: VersionHeader;
  readonly salt: Uint8Array;
  /** Exact bytes of the resource. */
  readonly bytes: Uint8Array;
}

const Id = Type.String({ pattern: '^[0-9a-f]{32}$' });
const PayloadForm = Type.Object(
  {
    format: Type.Literal('aceso.release/1'),
    versions: Type.Array(
      Type.Object(
        {
          header: Type.Object(
            {
              account: Id,
              type: Type.String({ pattern: '^[A-Z][A-Za-z]{1,63}$' }),
              id: Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' }),
              version: Type.Integer({ minimum: 1 }),
              action: Type.Union([Type.Literal('create'), Type.Literal('update'), Type.Literal('delete')]),
              timeMs: Type.Integer({ minimum: 0 }),
              author: Type.String({ maxLength: 64 }),
              previous: Type.String({ pattern: '^([0-9a-f]{64})?$' }),
            },
            { additionalProperties: false },
          ),
          salt: Type.String({ pattern: '^[0-9a-f]{64}$' }),
          bytes: Type.String({ pattern: '^[A-Za-z0-9_-]*$' }),
        },
        { additionalProperties: false },
      ),
      { maxItems: MAX_RELEASE_VERSIONS },
    ),
  },
  { additionalProperties: false },
);

/** What the leaf of a row commits to, without the row's other columns. */
export function headerOf(row: VersionRow): VersionHeader {
  const { account, type, id, version, action, timeMs, author, previous } = row;
  return { account, type, id, version, action, timeMs, author, previous };
}

/** Plaintext of a release: canonical JSON. */
export function encodePayload(versions: readonly ReleasedVersion[]): Uint8Array {
  const entries = versions.map(({ header, salt, bytes }) => ({
    header,
    salt: bytesToHex(salt),
    bytes: bytesToBase64url(bytes),
  }));
  return canonicalBytes({ format: 'aceso.release/1', versions: entries } as unknown as JsonObject);
}

/**
 * The versions of a release; undefined unless it holds exactly those that `leaves` commit to, all of `account`, in
 * that order.
 */
export function openPayload(
  plaintext: Uint8Array,
  account: string,
  leaves: readonly string[],
): readonly ReleasedVersion[] | undefined {
  const value = parseCanonical(plaintext);
  if (!Value.Check(PayloadForm, value) || value.versions.length !== leaves.length) return undefined;
  const versions: ReleasedVersion[] = [];
  for (const [at, { header, salt, bytes }] of value.versions.entries()) {
    const [saltBytes, exact] = [hexToBytes(salt), base64urlToBytes(bytes)];
    if (saltBytes === undefined || exact === undefined || header.account !== account) return undefined;
    if (bytesToHex(versionLeaf(saltBytes, header, contentHash(exact))) !== leaves[at]) return undefined;
    versions.push({ header, salt: saltBytes, bytes: exact });
  }
  return versions;
}
