import { issueToken, type TokenRecord, type TokenStore } from '../auth/tokens.ts';
import type { OrganisationContext } from '../server/organisation.ts';

const DAY_MS = 86_400_000;

/** An administrator's token for each organisation, kept in memory: it ends with the process. */
export async function issueAdminTokens(
  organisations: readonly OrganisationContext[],
  sessions: readonly TokenStore[],
  nowMs: number,
): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {};
  for (const [at, { slug, account }] of organisations.entries()) {
    const record: TokenRecord = {
      account,
      kind: 'system',
      organisation: account,
      roles: [],
      purposes: ['HOPERAT', 'TREAT', 'HPAYMT', 'HRESCH'],
      label: 'administrator of this run',
      expiresAtMs: nowMs + 365 * DAY_MS,
    };
    tokens[slug] = await issueToken(sessions[at] as TokenStore, record);
  }
  return tokens;
}
