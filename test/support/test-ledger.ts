import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountRecord } from '../../src/chain/account.ts';
import { createKernel } from '../../src/chain/kernel.ts';
import type { Kernel } from '../../src/chain/kernel-api.ts';
import type { Message } from '../../src/chain/transaction.ts';
import { ed25519PublicKey } from '../../src/crypto/node/ed25519.ts';
import {
  createEmbeddedLedger,
  type EmbeddedLedger,
  type EmbeddedLedgerOptions,
} from '../../src/ledger/embedded/embedded-ledger.ts';
import type { ChainLog } from '../../src/ledger/store/committed-chain.ts';
import { bytesToHex } from '../../src/std/bytes.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { notesContract } from './notes-contract.ts';
import { signWire, verifySignature } from './test-chain.ts';
import { type TestSigner, testSigner } from './test-signer.ts';

export const OPERATOR_SEED = new Uint8Array(32).fill(7);
export const GENESIS_MS = 1_700_000_000_000;

/** Genesis of a ledger of notes whose accounts are the members of `labels`. */
export function notesGenesis(labels: readonly string[], extra: JsonObject = {}): JsonObject {
  const accounts: Record<string, AccountRecord> = {};
  for (const label of labels) {
    const { account, record } = testSigner(label);
    accounts[account] = { kind: 'member', status: 'active', sponsor: account, keys: [record] };
  }
  return {
    format: 'aceso.genesis/1',
    name: 'test',
    createdMs: GENESIS_MS,
    operator: { kind: 'embedded', publicKey: bytesToHex(ed25519PublicKey(OPERATOR_SEED)) },
    sections: {
      chain: { limits: {}, rules: [{ capability: 'notes', version: 1 }] },
      notes: { accounts: accounts as unknown as JsonObject },
    },
    ...extra,
  };
}

export function notesKernel(genesis: JsonObject): Kernel {
  return createKernel({ genesis, contracts: [notesContract], verifySignature });
}

let nonce = 0;

/** A signed transaction; its nonce differs from call to call and from process to process. */
export function noteWire(chain: string, signer: TestSigner, message: Message, notAfterMs: number): Uint8Array {
  nonce++;
  return signWire({ chain, message, nonce: process.pid * 2 ** 32 + nonce, notAfterMs, signers: [signer] });
}

export const silentLog: ChainLog = { info() {}, warn() {}, error() {} };

export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `aceso-${name}-`));
}

/** An embedded ledger of notes on a folder, on the main thread alone unless asked otherwise. */
export function openNotesLedger(
  folder: string,
  genesis: JsonObject,
  options: Partial<EmbeddedLedgerOptions> = {},
): Promise<EmbeddedLedger> {
  return createEmbeddedLedger({
    folder,
    kernel: notesKernel(genesis),
    genesis,
    operatorKey: { seed: OPERATOR_SEED },
    clock: Date.now,
    log: silentLog,
    threads: 0,
    ...options,
  });
}
