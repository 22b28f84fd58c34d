import type { AttestationPort, Attested } from './attestation.ts';
import { parseCredential } from './credential.ts';
import type { Passkey, PasskeyBook, PasskeyHolder } from './passkey-book.ts';

/**
 * Whether a wallet's key or a passkey is still that of an account, and so is what it was made by: a passkey that was made
 * beside a wallet ends with the wallet's key, or else whoever stole the one would stay by the other. False for others.
 */
export type Holds = (holder: PasskeyHolder, credential: string) => Promise<boolean>;

export function createHolds(deps: { readonly attestation: AttestationPort; readonly passkeys: PasskeyBook }): Holds {
  const { attestation, passkeys } = deps;

  function rests(credential: string, on: Attested, known: readonly Passkey[]): boolean {
    const { kind, name } = parseCredential(credential) ?? {};
    if (kind === 'wallet') return on.kind === 'patient' && on.keys.some(({ id }) => id === name);
    const passkey = kind === 'passkey' ? known.find(({ id }) => id === name) : undefined;
    if (passkey === undefined) return false;
    // By an administrator's link it rests on nothing else. Patients get none, so theirs always name a key.
    if (passkey.by === undefined) return on.kind === 'practitioner';
    const others = known.filter((one) => one !== passkey);
    return rests(passkey.by, on, others);
  }

  return async ({ custodian, account }, credential) => {
    const attested = attestation.attested(custodian, account);
    if (attested === undefined) return false;
    const known = credential.startsWith('passkey:') ? await passkeys.passkeysOf(custodian, account) : [];
    return rests(credential, attested, known);
  };
}
