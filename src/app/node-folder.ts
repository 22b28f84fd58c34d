import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { openAes256Gcm, sealAes256Gcm } from '../crypto/node/aead.ts';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { replaceFile } from '../ledger/store/replace-file.ts';
import { utf8 } from '../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { NetworkMember } from './network-file.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Slug = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });

/** What a data folder says of its node, in clear: nothing here is secret. */
const NodeFile = Type.Object(
  {
    format: Type.Literal('aceso.node/1'),
    /** Names the root key's file; random, so that two nodes of one user never share a key. */
    node: Type.String({ pattern: '^node-[0-9a-f]{16}$' }),
    organisations: Type.Array(
      Type.Object(
        { slug: Slug, name: Type.String({ maxLength: 120 }), account: Type.String({ pattern: '^[0-9a-f]{32}$' }) },
        strict,
      ),
      { maxItems: 64 },
    ),
    /** The consortium that it validates with; absent on an embedded ledger. */
    consortium: Type.Optional(
      Type.Object(
        {
          /** `tcp://HOST:PORT` that its engine listens on for the others'. */
          listen: Type.String({ pattern: '^tcp://[^\\s]{1,248}$' }),
          /** `HOST:PORT` under which they reach it. */
          external: Type.String({ maxLength: 255 }),
          peers: Type.Array(NetworkMember, { maxItems: 128 }),
        },
        strict,
      ),
    ),
    /** URL of the node whose ledger this one follows; absent when it keeps the ledger itself. */
    follows: Type.Optional(Type.String({ maxLength: 255 })),
  },
  strict,
);
export type NodeFile = Static<typeof NodeFile>;

/** Ed25519 seeds of a validator, hexadecimal. */
export const ValidatorSeeds = Type.Object({ voteSeed: Hex32, nodeSeed: Hex32 }, strict);

/** The node's secrets, sealed under the root key: signing and sealing seeds, hexadecimal. */
const Secrets = Type.Object(
  {
    format: Type.Literal('aceso.secrets/1'),
    operatorSeed: Type.Optional(Hex32),
    /** Of the key that signs votes, and of the engine's own. */
    validator: Type.Optional(ValidatorSeeds),
    organisations: Type.Array(Type.Object({ slug: Slug, signingSeed: Hex32, sealingSeed: Hex32 }, strict), {
      maxItems: 64,
    }),
  },
  strict,
);
export type Secrets = Static<typeof Secrets>;

const NODE_FILE = 'node.json';
const GENESIS_FILE = 'genesis.json';
const SECRETS_FILE = 'secrets.sealed';
/** Folders that exist from the first full start on. */
const STATE_FOLDERS = ['ledger', 'consortium', 'engine', 'vaults'];
const SECRETS_LABEL = 'aceso/node-secrets/1';

/** The node file of a data folder; undefined when the folder holds no node. Throws NODE_FOLDER_DAMAGED. */
export async function readNodeFile(folder: string): Promise<NodeFile | undefined> {
  const bytes = await readIfThere(join(folder, NODE_FILE));
  if (bytes === undefined) return undefined;
  const value = parseCanonical(bytes);
  if (isNewerFormat(value)) throw reject('NODE_FOLDER_NEWER');
  if (!Value.Check(NodeFile, value)) throw reject('NODE_FOLDER_DAMAGED', { file: NODE_FILE });
  return value;
}

function isNewerFormat(value: Json | undefined): boolean {
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  const { format } = value as JsonObject;
  return typeof format === 'string' && /^aceso\.node\/(?:[2-9]|[1-9]\d+)$/.test(format);
}

/** True for a folder that holds a node's ledger or records. */
export async function hasNodeState(folder: string): Promise<boolean> {
  const found = await Promise.all(STATE_FOLDERS.map((name) => stat(join(folder, name)).catch(() => undefined)));
  return found.some((entry) => entry !== undefined);
}

/** Exact bytes of the folder's genesis document. */
export async function readGenesisFile(folder: string): Promise<Json> {
  const bytes = await readIfThere(join(folder, GENESIS_FILE));
  const value = bytes === undefined ? undefined : parseCanonical(bytes);
  if (value === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: GENESIS_FILE });
  return value;
}

/** Opens the sealed secrets. Throws NODE_SECRETS_UNREADABLE under another root key. */
export async function readSecrets(folder: string, rootKey: Uint8Array): Promise<Secrets> {
  const sealed = await readIfThere(join(folder, SECRETS_FILE));
  if (sealed === undefined) throw reject('NODE_FOLDER_DAMAGED', { file: SECRETS_FILE });
  const bytes = openAes256Gcm(deriveKey(rootKey, SECRETS_LABEL), sealed, utf8(SECRETS_LABEL));
  const value = bytes === undefined ? undefined : parseCanonical(bytes);
  if (!Value.Check(Secrets, value)) throw reject('NODE_SECRETS_UNREADABLE');
  return value;
}

/**
 * Writes a new node's files. The node file is last: a crash before it leaves a folder that counts as empty and is
 * written anew, so no half-made node is ever opened.
 */
export async function writeNodeFolder(
  folder: string,
  parts: { node: NodeFile; genesis: Json; secrets: Secrets; rootKey: Uint8Array },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secrets = sealAes256Gcm(
    deriveKey(parts.rootKey, SECRETS_LABEL),
    canonicalBytes(parts.secrets),
    utf8(SECRETS_LABEL),
  );
  await replaceFile(join(folder, SECRETS_FILE), secrets);
  await replaceFile(join(folder, GENESIS_FILE), canonicalBytes(parts.genesis));
  await replaceFile(join(folder, NODE_FILE), canonicalBytes(parts.node));
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
