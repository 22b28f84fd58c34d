import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { utf8 } from '../std/bytes.ts';
import { createVault } from './create-vault.ts';
import type { CustodianVault, NewVersion } from './vault.ts';
import type { VaultOptions } from './vault-parts.ts';

/** Support for the vault's own tests. */
export const CUSTODIAN = 'c0'.repeat(16);
export const ALICE = 'a1'.repeat(16);
export const BOB = 'b0'.repeat(16);
export const ROOT_KEY = new Uint8Array(32).fill(7);
export const TIME_MS = 1_800_000_000_000;

const quiet = { info() {}, warn() {}, error() {} };

const opened = new WeakMap<TestContext, CustodianVault[]>();

/** A folder that goes with the test, after the vaults in it are closed. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-vault-'));
  t.after(async () => {
    for (const vault of opened.get(t) ?? []) await vault.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Opens the vault of a folder made by `testFolder`. */
export async function reopened(
  t: TestContext,
  folder: string,
  options: Partial<VaultOptions> = {},
): Promise<CustodianVault> {
  const vault = await createVault({ folder, custodian: CUSTODIAN, rootKey: ROOT_KEY, log: quiet, ...options });
  opened.set(t, [...(opened.get(t) ?? []), vault]);
  return vault;
}

/** A new vault with the accounts of Alice and Bob; closed with the test. */
export async function testVault(
  t: TestContext,
  options: Partial<VaultOptions> = {},
): Promise<{ vault: CustodianVault; folder: string }> {
  const folder = testFolder(t);
  const vault = await reopened(t, folder, options);
  await Promise.all([vault.openAccount(ALICE), vault.openAccount(BOB)]);
  return { vault, folder };
}

/** A version of an Observation of Alice's, with `text` as its bytes. */
export function observation(id: string, version = 1, more: Partial<NewVersion> & { text?: string } = {}): NewVersion {
  const { text = `{"resourceType":"Observation","id":"${id}","n":${version}}`, ...rest } = more;
  return {
    ...{ account: ALICE, type: 'Observation', id, version, action: version === 1 ? 'create' : 'update' },
    ...{ timeMs: TIME_MS + version, author: CUSTODIAN, bytes: utf8(text), labels: [], categories: [], tokens: [] },
    ...rest,
  };
}

/** A permitted read of Alice's records. */
export function interaction(more: Partial<InteractionHeader> = {}): InteractionHeader {
  return {
    ...{ kind: 'read', account: ALICE, timeMs: TIME_MS, actor: BOB, organisation: CUSTODIAN, purpose: 'TREAT' },
    ...{ decision: 'permit', rules: ['default'], versions: [], permit: '' },
    ...more,
  };
}

/** The code that a promise or a call is refused with; '' when it is not. */
export async function codeOf(run: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof run === 'function' ? run() : run);
    return '';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
