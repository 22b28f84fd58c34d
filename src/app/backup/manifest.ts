import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { equalSecret, hmacFrame } from '#crypto/platform';
import { deriveKey } from '../../crypto/node/derive-key.ts';
import { bytesToHex, hexToBytes } from '../../std/bytes.ts';
import { canonicalBytes, canonicalText, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { reject } from './codes.ts';

const strict = { additionalProperties: false } as const;
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Slug = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** The only places that a file of a backup may have: none leads out of the folder. */
const Path = Type.String({
  pattern:
    '^(?:(?:node|genesis)\\.json|(?:secrets|master)\\.sealed|ledger/blocks/[0-9]{8,16}\\.(?:blocks|heads)|vaults/[a-z][a-z0-9-]{0,31}/(?:key-check|(?:vault|keys)\\.(?:db|rows))|packages/[A-Za-z0-9][A-Za-z0-9._#+-]{0,240})$',
});

const File = Type.Object({ path: Path, bytes: Count, sha256: Hex32 }, strict);
export type BackupFile = Static<typeof File>;

const Vault = Type.Object(
  {
    slug: Slug,
    custodian: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    /** Where its journal was. */
    journal: Type.Object({ generation: Count, size: Count, root: Hex32 }, strict),
  },
  strict,
);

const Manifest = Type.Object(
  {
    format: Type.Literal('aceso.backup/1'),
    /** Random; the same for records and keys that were copied together. */
    backup: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    /** `records` lacks the key stores, `keys` is nothing but them. */
    part: Type.Union([Type.Literal('all'), Type.Literal('records'), Type.Literal('keys')]),
    /** The moment that all of it is of. */
    timeMs: Count,
    software: Type.String({ maxLength: 64 }),
    node: Type.String({ pattern: '^node-[0-9a-f]{16}$' }),
    /** Hash of the ledger's genesis. */
    chain: Hex32,
    /** Newest signed head of the ledger's copy; absent where members keep the ledger, and it comes from them. */
    ledgerHeight: Type.Optional(Count),
    vaults: Type.Array(Vault, { maxItems: 64 }),
    files: Type.Array(File, { maxItems: 100_000 }),
    /** For how long writers waited. */
    pauseMs: Count,
    /** HMAC-SHA-256 of the rest under a key of the node's master key. */
    mac: Hex32,
  },
  strict,
);
export type BackupManifest = Static<typeof Manifest>;

export const MANIFEST_FILE = 'manifest.json';
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;

function macOf(master: Uint8Array, rest: Omit<BackupManifest, 'mac'>): Uint8Array {
  const key = deriveKey(master, 'aceso/backup-manifest/1');
  return hmacFrame(key, 'aceso/backup-manifest/1', canonicalText(rest as unknown as JsonObject));
}

/** Exact bytes of a manifest. */
export function manifestToBytes(master: Uint8Array, rest: Omit<BackupManifest, 'mac'>): Uint8Array {
  return canonicalBytes({ ...rest, mac: bytesToHex(macOf(master, rest)) } as unknown as JsonObject);
}

/** Throws Reject BACKUP_MANIFEST_UNREADABLE. What it says is not to be believed before `isManifestOf`. */
export function parseManifest(bytes: Uint8Array): BackupManifest {
  const value = parseCanonical(bytes);
  if (!Value.Check(Manifest, value)) throw reject('BACKUP_MANIFEST_UNREADABLE');
  if (new Set(value.files.map(({ path }) => path)).size !== value.files.length)
    throw reject('BACKUP_MANIFEST_UNREADABLE');
  return value;
}

/** True when the node of that master key wrote it, as it is. */
export function isManifestOf(master: Uint8Array, manifest: BackupManifest): boolean {
  const { mac, ...rest } = manifest;
  return equalSecret(hexToBytes(mac) as Uint8Array, macOf(master, rest));
}

/** How long a key backup may be kept (DESIGN §4, Erasure). */
export const KEYS_KEPT_MS = 30 * 86_400_000;
