import { ed25519PublicKey, signEd25519 } from '../../crypto/node/ed25519.ts';
import type { WalletKeys } from '../wallet-keys.ts';

/** Ed25519 by `node:crypto`. */
export const nodeKeys: WalletKeys = { publicKey: ed25519PublicKey, sign: signEd25519 };
