import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InteractionHeader } from '../../src/chain/journal-leaf.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import type { CustodianVault } from '../../src/vault/vault.ts';

/** A real vault in a folder that goes with the process, with what tests look at laid open. */
export interface SpiedVault extends CustodianVault {
  /** What was journalled, in order. */
  readonly interactions: InteractionHeader[];
  readonly writes: { count: number };
  /** Runs before each write, for tests that race. */
  beforeWrite: () => Promise<void>;
}

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export async function createSpiedVault(custodian: string): Promise<SpiedVault> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-fhir-'));
  folders.push(folder);
  const log = { info() {}, warn() {}, error() {} };
  const vault = await createVault({ folder, custodian, rootKey: new Uint8Array(32).fill(7), log });
  const spied: SpiedVault = {
    ...vault,
    interactions: [],
    writes: { count: 0 },
    beforeWrite: async () => {},
    async write(versions, interactions) {
      await spied.beforeWrite();
      const result = await vault.write(versions, interactions);
      spied.interactions.push(...interactions);
      spied.writes.count += 1;
      return result;
    },
    async journal(interactions) {
      const indices = await vault.journal(interactions);
      spied.interactions.push(...interactions);
      return indices;
    },
  };
  return spied;
}
