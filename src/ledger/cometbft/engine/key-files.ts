import { mkdir, rm } from 'node:fs/promises';
import { sha256 } from '#crypto/platform';
import { ed25519PublicKey } from '../../../crypto/node/ed25519.ts';
import { bytesToBase64, bytesToHex, concatBytes, utf8 } from '../../../std/bytes.ts';
import { replaceFile } from '../../store/replace-file.ts';
import type { EnginePaths } from './engine-paths.ts';

/** CometBFT's id of a node by its seed of 32 bytes (p2p/key.go): first 20 bytes of the key's SHA-256, hexadecimal. */
export function nodeIdOf(seed: Uint8Array): string {
  return bytesToHex(sha256(ed25519PublicKey(seed)).subarray(0, 20));
}

/** The key that signs votes (privval/file.go, FilePVKey). */
function validatorKeyJson(seed: Uint8Array): string {
  const publicKey = ed25519PublicKey(seed);
  return JSON.stringify({
    address: bytesToHex(sha256(publicKey).subarray(0, 20)).toUpperCase(),
    pub_key: { type: 'tendermint/PubKeyEd25519', value: bytesToBase64(publicKey) },
    priv_key: privateKeyJson(seed, publicKey),
  });
}

/** The key by which other nodes know this one (p2p/key.go, NodeKey). */
function nodeKeyJson(seed: Uint8Array): string {
  return JSON.stringify({ priv_key: privateKeyJson(seed, ed25519PublicKey(seed)) });
}

/** Go's form of a private key: seed, then public key (crypto/ed25519/ed25519.go, PrivKey). */
function privateKeyJson(seed: Uint8Array, publicKey: Uint8Array): { readonly type: string; readonly value: string } {
  return { type: 'tendermint/PrivKeyEd25519', value: bytesToBase64(concatBytes(seed, publicKey)) };
}

/**
 * Writes both key files, mode 0600, in a folder of mode 0700. The engine reads each once, at its start; where one were
 * missing then, it would invent a key of its own.
 */
export async function writeKeyFiles(
  { keyFolder, validatorKey, nodeKey }: EnginePaths,
  seeds: { readonly validatorSeed: Uint8Array; readonly nodeSeed: Uint8Array },
): Promise<void> {
  await mkdir(keyFolder, { recursive: true, mode: 0o700 });
  await replaceFile(validatorKey, utf8(validatorKeyJson(seeds.validatorSeed)));
  await replaceFile(nodeKey, utf8(nodeKeyJson(seeds.nodeSeed)));
}

/** Takes the key files away; does nothing where there are none. */
export async function removeKeyFiles({ validatorKey, nodeKey }: EnginePaths): Promise<void> {
  for (const path of [validatorKey, nodeKey]) {
    await rm(path, { force: true });
    await rm(`${path}.new`, { force: true });
  }
}
