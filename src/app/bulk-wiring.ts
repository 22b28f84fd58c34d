import { join } from 'node:path';
import { issueJournalReceipt } from '../capabilities/records/server/issue-receipt.ts';
import { receiptToBytes } from '../chain/receipt/receipt.ts';
import type { Bulk, BulkOptions } from '../fhir/bulk/bulk-plugin.ts';
import { createBulk } from '../fhir/bulk/bulk-plugin.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { createBulkFiles } from './bulk-files.ts';

/** Bulk export and import of a node's organisations, with their files in `exports/` of its data folder. */
export function openBulk(
  options: Pick<BulkOptions, 'server' | 'authenticate' | 'ownerNow' | 'limits'> & {
    readonly organisations: readonly OrganisationContext[];
    readonly ledger: Ledger;
    readonly folder: string;
  },
): Bulk {
  const { organisations, ledger, folder, server, authenticate, ownerNow, limits } = options;
  const slugs = new Map(organisations.map(({ account, slug }) => [account, slug]));
  return createBulk({
    vaults: organisations.map(({ account, vault }) => ({ custodian: account, vault })),
    storage: createBulkFiles(join(folder, 'exports'), slugs),
    ...{ server, authenticate, ownerNow },
    receiptOf: async (vault, entry) => receiptToBytes(await issueJournalReceipt(ledger, vault, entry)),
    ...(limits === undefined ? {} : { limits }),
  });
}
