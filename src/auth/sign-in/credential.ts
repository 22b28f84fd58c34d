/**
 * By what somebody signed in: a wallet's key by its id on the ledger, a passkey by its credential id, or an external
 * provider's word by its link (external/links.ts). What comes of a sign-in remembers it, and ends with it.
 */
export type Credential = `${'wallet' | 'passkey' | 'external'}:${string}`;

/** The two parts of a credential; undefined for any other text. */
export function parseCredential(
  text: string,
): { readonly kind: 'wallet' | 'passkey' | 'external'; readonly name: string } | undefined {
  const [, kind, name] = /^(wallet|passkey|external):([A-Za-z0-9_-]{1,1364})$/.exec(text) ?? [];
  return kind === undefined || name === undefined ? undefined : { kind: kind as 'wallet', name };
}
