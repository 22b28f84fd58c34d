import type { Consent } from '@medplum/fhirtypes';
import { randomBytes } from '#crypto/platform';
import { accountTranslation } from '../capabilities/consent/api/account-translation.ts';
import { consentToPolicy } from '../capabilities/consent/api/consent-to-policy.ts';
import { signTransaction } from '../chain/sign-transaction.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { bytesOf, type WalletAccount, walletSigner } from './wallet.ts';
import type { WalletKeys } from './wallet-keys.ts';

/**
 * The signed `consent.grant` of a FHIR Consent, on the wire: blinded with the account's tag key, padded. `document` is
 * the leaf of the Consent as the custodian keeps it, hexadecimal. A Consent that says more than a policy can is granted
 * as one that denies everything; `inexpressible` then names the reason, to be shown before it is sent.
 * Throws Reject CONSENT_NOT_ACTIVE, CONSENT_PROVISION_MISSING.
 */
export async function grantConsent(
  { keys, nowMs }: { keys: WalletKeys; nowMs: number },
  account: WalletAccount,
  consent: Consent,
  document?: string,
): Promise<{ wire: Uint8Array; inexpressible?: string }> {
  const content = consentToPolicy(consent, accountTranslation(bytesOf(account.tagKey), randomBytes));
  const message = {
    ...(content as unknown as JsonObject),
    ...(document === undefined ? {} : { document }),
    type: 'consent.grant',
    account: account.account,
  };
  const signer = await walletSigner(account, keys);
  const wire = await signTransaction({ chain: account.genesis, message, nowMs }, signer);
  return { wire, ...(content.inexpressible === undefined ? {} : { inexpressible: content.inexpressible }) };
}

/** The signed `consent.revoke` of a policy, on the wire. */
export async function revokeConsent(
  { keys, nowMs }: { keys: WalletKeys; nowMs: number },
  account: WalletAccount,
  policy: string,
): Promise<Uint8Array> {
  const message = { type: 'consent.revoke', account: account.account, policy };
  return signTransaction({ chain: account.genesis, message, nowMs }, await walletSigner(account, keys));
}
