/**
 * `#crypto/platform` as code behind the fence sees it: what gives the same answer everywhere. `randomBytes` is left out
 * on purpose. `crypto-platform.test.ts` holds both platforms to these types.
 */

export function sha256(bytes: Uint8Array): Uint8Array;
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
export function hmacFrame(key: Uint8Array, tag: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array;
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean;
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
export function verifyEs256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
