import { join } from 'node:path';
import type { Bulk, BulkOptions } from '../fhir/bulk/bulk-plugin.ts';
import { createBulk } from '../fhir/bulk/bulk-plugin.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { createBulkFiles } from './bulk-files.ts';

/** Bulk export and import of a node's organisations, with their files in `exports/` of its data folder. */
export function openBulk(
  options: Pick<BulkOptions, 'server' | 'authenticate' | 'limits'> & {
    readonly organisations: readonly OrganisationContext[];
    readonly folder: string;
    /** Address of the node, without a slash at its end. */
    readonly baseUrl: string;
  },
): Bulk {
  const { organisations, folder, baseUrl, server, authenticate, limits } = options;
  const slugs = new Map(organisations.map(({ account, slug }) => [account, slug]));
  return createBulk({
    vaults: organisations.map(({ account, vault }) => ({ custodian: account, vault })),
    storage: createBulkFiles(join(folder, 'exports'), slugs),
    server,
    authenticate,
    receiptUrl: (generation, index) => `${baseUrl}/api/receipts/journal/${generation}/${index}`,
    ...(limits === undefined ? {} : { limits }),
  });
}
