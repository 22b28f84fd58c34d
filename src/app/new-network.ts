import { GENESIS_FORMAT, type Genesis } from '../chain/genesis.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import type { FounderEntry } from '../wallet/node/organisation-keys.ts';

/** Rule versions that a new ledger starts with. */
const RULES = ['access', 'consent', 'membership', 'records'].map((capability) => ({ capability, version: 1 }));

/** Genesis of a new embedded ledger. `operatorSeed` signs its heads; witnesses are named by their owners' word. */
export function newGenesis(options: {
  name: string;
  createdMs: number;
  operatorSeed: string;
  founders: readonly FounderEntry[];
  witnesses?: readonly { readonly name: string; readonly publicKey: string }[];
}): Genesis {
  const { name, createdMs, founders, witnesses = [] } = options;
  const operatorKey = ed25519PublicKey(hexToBytes(options.operatorSeed) as Uint8Array);
  return {
    format: GENESIS_FORMAT,
    name,
    createdMs,
    operator: { kind: 'embedded', publicKey: bytesToHex(operatorKey) },
    ...(witnesses.length === 0 ? {} : { witnesses: [...witnesses] }),
    sections: { chain: { rules: RULES }, membership: { members: founders }, consent: {} },
  } as Genesis;
}
