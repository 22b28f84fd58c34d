import { randomBytes, scrypt } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { openAes256Gcm, sealAes256Gcm } from '../crypto/node/aead.ts';
import { base64urlToBytes, bytesToBase64url, utf8 } from '../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { Wallet } from './wallet.ts';

const reject = rejecter(CODES);
const WALLET_FORMAT = 'aceso.wallet/1';
const MAX_WALLET_BYTES = 4 * 1024 * 1024;

/** scrypt (RFC 7914) with N = 2^17, r = 8, p = 1: about 128 MiB and a third of a second for each guess. */
const SCRYPT = { N: 131072, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
const derive = promisify<string, Uint8Array, number, typeof SCRYPT, Buffer>(scrypt);

const strict = { additionalProperties: false } as const;
const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]*$' });
const WalletFile = Type.Object({ format: Type.Literal(WALLET_FORMAT), salt: Base64url, sealed: Base64url }, strict);

const Hex16 = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Hex32 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const WalletContent = Type.Object(
  {
    accounts: Type.Array(
      Type.Object(
        {
          custodian: Hex16,
          account: Hex16,
          patient: Type.String({ maxLength: 64 }),
          genesis: Hex32,
          signingSeed: Hex32,
          sealingSeed: Hex32,
          tagKey: Type.String({ pattern: '^(?:[0-9a-f]{64})?$' }),
          token: Type.String({ maxLength: 128 }),
        },
        strict,
      ),
      { maxItems: 1000 },
    ),
  },
  strict,
);
/**
 * Writes a wallet sealed under a passphrase, mode 0600. Whoever has both has its keys. The new file takes the place of
 * the old one once it is durable: a crash leaves the one or the other, whole.
 */
export async function writeWalletFile(path: string, wallet: Wallet, passphrase: string): Promise<void> {
  const salt = randomBytes(16);
  const key = await derive(passphrase, salt, 32, SCRYPT);
  const sealed = sealAes256Gcm(key, canonicalBytes({ accounts: [...wallet.accounts] }), utf8(WALLET_FORMAT));
  const file = { format: WALLET_FORMAT, salt: bytesToBase64url(salt), sealed: bytesToBase64url(sealed) };
  const beside = `${path}.new`;
  const handle = await open(beside, 'w', 0o600);
  try {
    await handle.writeFile(canonicalBytes(file));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, path);
}

/** Opens a wallet file. Throws Reject WALLET_UNKNOWN, WALLET_MALFORMED or WALLET_LOCKED. */
export async function readWalletFile(path: string, passphrase: string): Promise<Wallet> {
  const file = parseCanonical(await readBytes(path));
  if (!Value.Check(WalletFile, file)) throw reject('WALLET_MALFORMED');
  const [salt, sealed] = [base64urlToBytes(file.salt), base64urlToBytes(file.sealed)];
  if (salt === undefined || sealed === undefined) throw reject('WALLET_MALFORMED');
  const opened = openAes256Gcm(await derive(passphrase, salt, 32, SCRYPT), sealed, utf8(WALLET_FORMAT));
  const content = opened === undefined ? undefined : parseCanonical(opened);
  if (!Value.Check(WalletContent, content)) throw reject('WALLET_LOCKED');
  return content;
}

async function readBytes(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw reject('WALLET_UNKNOWN');
    throw error;
  }
  if (bytes.length > MAX_WALLET_BYTES) throw reject('WALLET_MALFORMED');
  return bytes;
}
