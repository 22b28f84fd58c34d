import { type Caller, isAdministrator } from '../auth/caller.ts';
import type { AccessDecision, AccessPort, AskedWrite } from '../fhir/ports.ts';
import type { Vault, VersionRow } from '../vault/vault.ts';
import { isOwner, ownerOf } from './owner.ts';

/** Rule of what is seen by its owner and by the custodian's administration alone. */
const OWN = 'default:own-subscription';

/**
 * The decision point with one rule more. A subscription is no chart, and yet tells of patients and of who watches whom:
 * its filters name them. So of others it looks absent. A patient's is decided on as what it is stored as: a part of that
 * patient's record (filed-subscriptions.ts).
 */
export function withOwnSubscriptions(access: AccessPort, vaultOf: (custodian: string) => Vault): AccessPort {
  async function isOwn(caller: Caller, { id }: VersionRow): Promise<boolean> {
    if (isAdministrator(caller)) return true;
    const owner = await ownerOf(vaultOf(caller.custodian), id);
    return owner !== undefined && isOwner(caller, owner);
  }

  return {
    async read(caller, account, versions, permission, are): Promise<AccessDecision> {
      const decided = await access.read(caller, account, versions, permission, are);
      if (decided.decision !== 'permit' || !versions.some(({ type }) => type === 'Subscription')) return decided;
      const visible = await Promise.all(
        versions.map(
          async (row, at) =>
            decided.visible[at] === true && (row.type !== 'Subscription' || (await isOwn(caller, row))),
        ),
      );
      if (visible.includes(true)) return { ...decided, visible };
      return { decision: 'deny', rules: [OWN], visible };
    },
    write: (caller, write) => access.write(caller, asFiled(caller, write)),
  };
}

/**
 * The FHIR service knows of no patient whom a Subscription is about, and takes what is to be written for the custodian's
 * own. Of what is to be deleted it knows where it is filed.
 */
function asFiled({ kind, account, custodian }: Caller, write: AskedWrite): AskedWrite {
  const { type, permission } = write;
  const isFiled = kind === 'patient' && type === 'Subscription' && permission !== 'd' && write.account === custodian;
  return isFiled ? { ...write, account } : write;
}
