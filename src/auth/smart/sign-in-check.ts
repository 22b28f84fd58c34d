import { interactionPolicy } from 'oidc-provider';
import { isFresh } from './browser-session.ts';
import type { ClientRegistry } from './client-registry.ts';
import type { Standing } from './standing.ts';

/**
 * Who comes with a session is asked to prove again who they are when it ended (standing.ts), when it is of another
 * organisation than the app, and when the last proof was some time ago: each request of an app leads to a consent, and at a
 * workstation that several people use the next one must not give it in the name of the last.
 */
export function signInCheck(deps: {
  readonly standing: Standing;
  readonly clients: ClientRegistry;
  readonly clock: () => number;
}): interactionPolicy.Check {
  const { standing, clients, clock } = deps;
  const because = 'the sign-in ended, or was too long ago';
  return new interactionPolicy.Check('sign_in_ended', because, 'login_required', async ({ oidc }) => {
    const { session, client } = oidc;
    if (session?.accountId === undefined) return interactionPolicy.Check.NO_NEED_TO_PROMPT;
    const person = await standing.personBy(session.accountId, session.acr);
    const isOfClient = person?.custodian === clients.client(client?.clientId ?? '')?.custodian;
    return person === undefined || !isOfClient || !isFresh(session, clock());
  });
}
