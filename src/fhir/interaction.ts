import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { FhirContext } from './context.ts';

/** Journal entry for what a request did to one account's versions, named by their leaves: a read, or a refusal. */
export function interactionHeader(
  { caller, clock }: FhirContext,
  account: string,
  refused: boolean,
  rules: readonly string[],
  leaves: readonly string[],
): InteractionHeader {
  return {
    kind: refused ? 'refusal' : 'read',
    account,
    timeMs: clock(),
    actor: caller.account,
    organisation: caller.organisation,
    purpose: caller.purpose,
    decision: refused ? 'deny' : 'permit',
    rules,
    versions: leaves,
    permit: '',
  };
}
