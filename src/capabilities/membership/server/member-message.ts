import { Value } from 'typebox/value';
import { CODES as CHAIN_CODES } from '../../../chain/codes.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { jsonFault } from '../../../std/canonical-json.ts';
import { type CodeCatalogue, Reject, rejecter } from '../../../std/reject.ts';
import { MemberMessage, type MemberMessageAnswer, type ProposalList } from '../api.ts';
import { CODES as CONTRACT_CODES } from '../contract/codes.ts';
import { proposals } from '../contract/state.ts';
import { tallyOf } from '../contract/votes.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Sentences of what the ledger may answer to a vote; another capability's code is named without one. */
const OUTCOME_CODES: CodeCatalogue = { ...CHAIN_CODES, ...CONTRACT_CODES };

/**
 * Signs and submits a vote of the organisation's. Throws Reject MEMBER_MESSAGE_INVALID for anything else that it could
 * sign, the code with which the ledger refused it, and what `Ledger.submit` throws.
 */
export async function submitMemberMessage(
  organisation: OrganisationContext,
  body: unknown,
): Promise<MemberMessageAnswer> {
  if (jsonFault(body) !== undefined || !Value.Check(MemberMessage, body)) throw reject('MEMBER_MESSAGE_INVALID');
  const { outcome } = await submitMessage(organisation.ledger, organisation.clock(), body.message, organisation.signer);
  const { id, code, data } = outcome;
  if (code === 'OK') return { transaction: id, data };
  const entry = Object.hasOwn(OUTCOME_CODES, code) ? OUTCOME_CODES[code] : undefined;
  throw entry === undefined ? reject('MEMBER_MESSAGE_REFUSED', { code, ...data }) : new Reject(code, entry, data);
}

/** Proposals that are open, the oldest first to expire, and how each vote stands. */
export function openProposals({ ledger, account }: OrganisationContext): ProposalList {
  const { state, timeMs, release } = ledger.read();
  try {
    const open: ProposalList['proposals'] = [];
    for (const [[id], { kind, body, proposer, expiresAtMs, votes }] of state.entries(proposals, [])) {
      if (expiresAtMs <= timeMs) continue;
      open.push({ id, kind, body, proposer, expiresAtMs, approved: votes.includes(account), ...tallyOf(state, votes) });
    }
    return { proposals: open.sort((a, b) => a.expiresAtMs - b.expiresAtMs) };
  } finally {
    release();
  }
}
