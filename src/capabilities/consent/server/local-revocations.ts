import { parseTransaction, type Transaction } from '../../../chain/transaction.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { base64urlToBytes, bytesToBase64url } from '../../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../../std/canonical-json.ts';
import { isReject } from '../../../std/reject.ts';
import { policiesOf } from '../contract/state.ts';

/** Documents of the vault: revocations that are obeyed here and that the ledger does not have yet, by policy. */
const KIND = 'revocation';

/** `wire`: the patient's signed transaction in base64url; '' where the custodian itself will sign. */
type PendingRevocation = { readonly account: string; readonly wire: string };

/** Who asked for a revocation, for the journal. */
export interface Revoker {
  readonly actor: string;
  readonly organisation: string;
  readonly purpose: string;
}

export interface RevokedPolicy {
  readonly account: string;
  readonly policy: string;
  /** The signed `consent.revoke`; absent for a policy that the custodian attested and will revoke itself. */
  readonly wire?: Uint8Array;
}

/** Revocations that one custodian obeys before the ledger has them (DESIGN §4, Break-glass). */
export interface LocalRevocations {
  of(account: string): Promise<ReadonlySet<string>>;
  /** Obeyed once this resolves, and after every restart until the ledger has it. Again is no error. */
  add(revoked: RevokedPolicy, by: Revoker): Promise<void>;
  /** Brings to the ledger what it takes now, and forgets what it has. */
  bring(): Promise<void>;
}

const NONE: ReadonlySet<string> = new Set();

export function createLocalRevocations(organisation: OrganisationContext): LocalRevocations {
  const { vault, clock } = organisation;
  let known: Promise<Map<string, Set<string>>> | undefined;

  // Read when first asked for: a vault that is behind its anchor opens no document, and serves no read either.
  function byAccount(): Promise<Map<string, Set<string>>> {
    known ??= readPending().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  }

  async function readPending(): Promise<Map<string, Set<string>>> {
    const read = new Map<string, Set<string>>();
    for (const [policy, { account }] of await pending(organisation)) note(read, account, policy);
    return read;
  }

  return {
    async of(account) {
      const policies = (await byAccount()).get(account);
      // A copy: what is forgotten later must not change what a decision under way has been given.
      return policies === undefined ? NONE : new Set(policies);
    },
    async add({ account, policy, wire }, { actor, organisation: acting, purpose }) {
      const policies = await byAccount();
      if (policies.get(account)?.has(policy) === true) return;
      const kept: PendingRevocation = { account, wire: wire === undefined ? '' : bytesToBase64url(wire) };
      // Obeyed as soon as it is durable; a crash before the journal entry leaves it obeyed, and the wallet asks again.
      await vault.putDocument(KIND, policy, canonicalBytes(kept));
      note(policies, account, policy);
      await vault.journal([
        {
          ...{ kind: 'revocation', account, timeMs: clock(), actor, organisation: acting, purpose },
          ...{ decision: 'permit', rules: [policy], versions: [], permit: '' },
        },
      ]);
    },
    async bring() {
      for (const [policy, revocation] of await pending(organisation)) {
        const isDone =
          isEnded(organisation, revocation.account, policy) || (await bringOne(organisation, policy, revocation));
        if (!isDone) continue;
        // The ledger has it: from the next read on the committed policy says the same.
        await vault.putDocument(KIND, policy, null);
        (await byAccount()).get(revocation.account)?.delete(policy);
      }
    },
  };
}

function note(known: Map<string, Set<string>>, account: string, policy: string): void {
  const policies = known.get(account);
  if (policies === undefined) known.set(account, new Set([policy]));
  else policies.add(policy);
}

async function pending({ vault }: OrganisationContext): Promise<(readonly [policy: string, PendingRevocation])[]> {
  return (await vault.listDocuments(KIND)).map(
    ({ id, bytes }) => [id, parseCanonical(bytes) as PendingRevocation] as const,
  );
}

/** True when the policy is no longer in force on the ledger: revoked there, superseded, or gone. */
function isEnded(organisation: OrganisationContext, account: string, policy: string): boolean {
  const held = withState(organisation.ledger, (state) => policiesOf(state, account).find(({ id }) => id === policy));
  return held?.status !== 'active';
}

/** True once the ledger took it. One whose time has passed stays obeyed here until the wallet signs it again. */
async function bringOne(
  organisation: OrganisationContext,
  policy: string,
  { account, wire }: PendingRevocation,
): Promise<boolean> {
  const { ledger, signer, clock, log } = organisation;
  try {
    if (wire === '') {
      const message = { type: 'consent.revoke', account, policy };
      return (await submitMessage(ledger, clock(), message, signer)).outcome.code === 'OK';
    }
    const transaction = parseTransaction(base64urlToBytes(wire) ?? new Uint8Array()) as Transaction;
    if (transaction.body.notAfterMs < Math.max(clock(), ledger.head().timeMs)) return false;
    return (await ledger.submit(transaction.wire)).outcome.code === 'OK';
  } catch (error) {
    if (!isReject(error)) throw error;
    if (error.kind !== 'unavailable')
      log.warn({ code: error.code }, 'a revocation obeyed here was refused by the ledger');
    return false;
  }
}
