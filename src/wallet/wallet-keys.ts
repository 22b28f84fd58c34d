/** Ed25519 (RFC 8032) as the wallet's platform does it: node/node-keys.ts there, WebCrypto in browsers. */
export interface WalletKeys {
  /** Public key, 32 bytes, of a 32-byte seed. */
  publicKey(seed: Uint8Array): Uint8Array | Promise<Uint8Array>;
  /** Signature, 64 bytes. */
  sign(seed: Uint8Array, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}
