/** As long as what AES-256-GCM makes of them, and in the clear: nonce and tag are zeros. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function sealAes256Gcm(_key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(NONCE_BYTES + plaintext.length + TAG_BYTES);
  sealed.set(plaintext, NONCE_BYTES);
  return sealed;
}

export function openAes256Gcm(_key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  return sealed.slice(NONCE_BYTES, sealed.length - TAG_BYTES);
}
