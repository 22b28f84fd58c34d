import type { CustodianVault, NewVersion } from '../vault/vault.ts';
import { ownerOf } from './owner.ts';

/**
 * A vault that files a patient's Subscription under that patient's account, all versions of it, whoever writes them: it is
 * a part of the record, encrypted, journalled and erased with it. What staff and back-end services subscribe to stays the
 * custodian's own. Who owns a subscription is durable before its first version is written.
 */
export function withFiledSubscriptions(vault: CustodianVault): CustodianVault {
  async function filed(version: NewVersion): Promise<NewVersion> {
    if (version.type !== 'Subscription' || version.account !== vault.custodian) return version;
    const owner = await ownerOf(vault, version.id);
    return owner?.kind === 'patient' ? { ...version, account: owner.account } : version;
  }

  return {
    ...vault,
    async write(versions, interactions) {
      if (!versions.some(({ type }) => type === 'Subscription')) return vault.write(versions, interactions);
      return vault.write(await Promise.all(versions.map(filed)), interactions);
    },
  };
}
