import type { Outcome } from '../../../chain/block.ts';
import { CODES as CHAIN_CODES } from '../../../chain/codes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { type CodeCatalogue, Reject } from '../../../std/reject.ts';
import { CODES as CONTRACT_CODES } from '../contract/codes.ts';
import { reject } from './codes.ts';

const KNOWN: CodeCatalogue = { ...CHAIN_CODES, ...CONTRACT_CODES };

/** What a committed grant or revocation came to. */
export interface PolicyOutcome {
  /** Policy that was granted or revoked. */
  readonly policy: string;
  readonly transaction: string;
  readonly code: string;
  readonly data: JsonObject;
}

/** The outcome of a committed transaction; throws the refusal that it was, by the contract's own code. */
export function policyOutcome(outcome: Outcome): PolicyOutcome {
  const { id, code, data } = outcome;
  if (code === 'OK') return { policy: String(data.policy), transaction: id, code, data };
  const entry = KNOWN[code];
  throw entry === undefined ? reject('CONSENT_REFUSED', { outcome: code }) : new Reject(code, entry, data);
}
