import { pino } from 'pino';
import { openNodeData } from '../../src/app/node-data.ts';
import { openLedger } from '../../src/app/open-ledger.ts';
import { openOrganisations } from '../../src/app/open-organisations.ts';
import type { ServedLedger } from '../../src/ledger/http/member-routes.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { testEngine } from './test-engine.ts';

/** A data folder as a node opens it, without routes and jobs. */
export interface OpenFolder {
  readonly ledger: ServedLedger;
  readonly organisations: readonly OrganisationContext[];
}

/** Opens (or makes) the node's data in `folder` for a while, and closes it again. */
export async function withFolder<T>(
  { folder, keyFolder }: { folder: string; keyFolder: string },
  use: (open: OpenFolder) => Promise<T>,
): Promise<T> {
  const log = pino({ level: 'silent' });
  const clock = Date.now;
  const data = await openNodeData({ folder, keyFolder, clock, rootKeyMade: () => {} });
  const { ledger, close } = await openLedger({
    folder,
    keyFolder,
    data,
    witnesses: {},
    clock,
    log,
    engine: testEngine,
  });
  try {
    const organisations = await openOrganisations({ ...data, folder, ledger, clock, log });
    try {
      return await use({ ledger, organisations });
    } finally {
      for (const { vault } of organisations) await vault.close();
    }
  } finally {
    await close();
  }
}
