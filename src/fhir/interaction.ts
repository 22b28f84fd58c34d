import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { askedBy } from './asked.ts';
import type { FhirContext } from './context.ts';

/** Journal entry for what a request did to one account's versions, named by their leaves: a read, or a refusal. */
export function interactionHeader(
  { caller, clock, asked }: FhirContext,
  account: string,
  refused: boolean,
  rules: readonly string[],
  leaves: readonly string[],
): InteractionHeader {
  const { client, interaction, request, query } = askedBy(caller, asked);
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
    client,
    interaction,
    request,
    query,
  };
}
