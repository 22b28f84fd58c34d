import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CONTRACTS } from '../../src/app/contracts.ts';
import { newGenesis } from '../../src/app/new-network.ts';
import { anchorJournal } from '../../src/capabilities/records/server/anchor-journal.ts';
import {
  issueJournalReceipt,
  issueStateReceipt,
  issueTransactionReceipt,
} from '../../src/capabilities/records/server/issue-receipt.ts';
import type { Head } from '../../src/chain/block.ts';
import { checkpointOrigin, checkpointText } from '../../src/chain/checkpoint.ts';
import { cosignatureSignBytes } from '../../src/chain/cosignature.ts';
import { createKernel } from '../../src/chain/kernel.ts';
import { receiptToBytes } from '../../src/chain/receipt/receipt.ts';
import { CHECKPOINT_FORMAT, parseTrust } from '../../src/chain/receipt/trust.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';
import { createEmbeddedLedger } from '../../src/ledger/embedded/embedded-ledger.ts';
import { verifyTask } from '../../src/ledger/intake/verify-task.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { submitMessage } from '../../src/ledger/submit-message.ts';
import type { WitnessClient } from '../../src/ledger/witness/witness-client.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { bytesToBase64url, bytesToHex, hexToBytes, utf8 } from '../../src/std/bytes.ts';
import { canonicalBytes, type JsonObject } from '../../src/std/canonical-json.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import { NO_ENTRIES } from '../../src/vault/index/index-entries.ts';
import { createCometBftLedger } from './cometbft-ledger.ts';
import { type TestValidator, testValidator } from './cometbft-signer.ts';
import { OPERATOR_SEED, silentLog, temporaryFolder } from './test-ledger.ts';
import { testAccount, testPasskey, testSigner } from './test-signer.ts';

/** A witness's name and seed, as genesis of the samples names it. */
export const WITNESS = { name: 'witness.example', seed: new Uint8Array(32).fill(9) };

const hospital = testSigner('hospital');
const ada = testSigner('ada');
const phone = testPasskey('ada');
/** Someone who tries to claim what ada has claimed. */
const late = testSigner('ada', 'late');
const CONTENT = utf8('{"resourceType":"Observation","id":"obs-1","valueQuantity":{"value":1.10}}');

/** Receipts of every kind of subject, from a real ledger, vault and journal, with what they are checked against. */
export interface ReceiptSamples {
  /** Exact bytes by name. */
  readonly receipts: Readonly<Record<string, Uint8Array>>;
  readonly genesis: Uint8Array;
  /** A checkpoint of the ledger before the samples were made, which they extend. */
  readonly checkpoint: Uint8Array;
  /** What `journal-version` is about. */
  readonly content: Uint8Array;
  /** A receipt that was issued at the head of the checkpoint. */
  readonly early: Uint8Array;
}

export async function createReceiptSamples(): Promise<ReceiptSamples> {
  const folder = temporaryFolder('receipts');
  try {
    const genesis = sampleGenesis();
    const ledger = await createEmbeddedLedger({
      ...{ folder: join(folder, 'ledger'), genesis, clock: Date.now, log: silentLog, threads: 0 },
      kernel: createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask }),
      operatorKey: { seed: OPERATOR_SEED },
      witnesses: [witness],
    });
    try {
      return await sampleOf(ledger, genesis, folder);
    } finally {
      await ledger.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The same samples of a consortium's ledger, at height 4: block 1 lets a fifth validator in, block 2 a first one go, so
 * that the last header is by other than the founders. Of each set, just more than two thirds vote.
 */
export async function createCometBftSamples(): Promise<ReceiptSamples> {
  const folder = temporaryFolder('receipts');
  try {
    const genesis = cometBftGenesis();
    const kernel = createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask });
    const ledger = createCometBftLedger({
      kernel,
      genesis,
      sets: SAMPLE_SETS,
      cosign: (head) => [cosignatureOf(head)],
    });
    return await sampleOf(ledger, genesis, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [north, east, south, west, centre] = ['north', 'east', 'south', 'west', 'centre'].map((name) =>
  testValidator(name),
) as [TestValidator, TestValidator, TestValidator, TestValidator, TestValidator];

/** Validators of the samples of a consortium, by the height of the block that made them the set. */
export const SAMPLE_SETS = {
  0: [north, east, south, west],
  1: [north, east, south, west, centre],
  2: [east, south, west, centre],
} as const;

function cometBftGenesis(): JsonObject {
  const validators = [...SAMPLE_SETS[0], { ...centre, power: 0 }].map(({ publicKey, power }, at) => {
    const node = publicKey.slice(0, 40);
    return { account: at === 0 ? hospital.account : testAccount(`validator ${at}`), publicKey, power, node };
  });
  return { ...sampleGenesis(), operator: { kind: 'cometbft', validators, blockBytes: 1024 * 1024 } };
}

function cosignatureOf(head: Head): JsonObject {
  const origin = checkpointOrigin(head.genesis);
  const text = checkpointText({ origin, size: head.logSize, root: hexToBytes(head.logRoot) as Uint8Array });
  const timeS = 1_800_000_000;
  const signature = bytesToBase64url(signEd25519(WITNESS.seed, cosignatureSignBytes(text, timeS)));
  return { name: WITNESS.name, type: 'cosignature/v1', timeS, signature };
}

function sampleGenesis(): JsonObject {
  const sealing = { suite: 'X-Wing', publicKey: 'A'.repeat(43) };
  return newGenesis({
    name: 'receipts',
    createdMs: 1_700_000_000_000,
    operatorSeed: bytesToHex(OPERATOR_SEED),
    founders: [{ account: hospital.account, roles: ['provider'], keys: [hospital.record], sealing }],
    witnesses: [{ name: WITNESS.name, publicKey: bytesToHex(ed25519PublicKey(WITNESS.seed)) }],
  }) as unknown as JsonObject;
}

const witness: WitnessClient = {
  name: WITNESS.name,
  async cosign({ text }) {
    const timeS = Math.floor(Date.now() / 1000);
    const signature = bytesToBase64url(signEd25519(WITNESS.seed, cosignatureSignBytes(text, timeS)));
    return { name: WITNESS.name, type: 'cosignature/v1', timeS, signature };
  },
};

async function sampleOf(ledger: Ledger, genesis: JsonObject, folder: string): Promise<ReceiptSamples> {
  const vault = await createVault({
    ...{ folder: join(folder, 'vault'), custodian: hospital.account, rootKey: new Uint8Array(32).fill(3) },
    log: silentLog,
  });
  const log = { ...silentLog, child: () => log } as unknown as OrganisationContext['log'];
  const organisation: OrganisationContext = {
    ...{ slug: 'hospital', name: 'Hospital', account: hospital.account, vault, ledger, signer: hospital },
    ...{ sealing: { seed: new Uint8Array(32), publicKey: new Uint8Array(32) }, clock: Date.now, log },
  };
  const submit = async (message: JsonObject & { type: string }, ...signers: Parameters<typeof submitMessage>[3][]) => {
    const [sender = hospital, ...approvers] = signers;
    return (await submitMessage(ledger, Date.now(), message, sender, approvers)).outcome.id;
  };
  const opened = await submit({ type: 'account.open', accounts: [ada.account] });
  const held = await ledger.signedHead();
  const early = receiptToBytes(await issueTransactionReceipt(ledger, opened));
  const claim = { type: 'account.claim', account: ada.account };
  const keys = [ada.record, phone.record];
  const claimed = await submit({ ...claim, keys }, ada, phone, hospital);
  const refused = await submit({ ...claim, keys: [late.record] }, late, hospital);
  await vault.openAccount(ada.account);
  const written = { account: ada.account, type: 'Observation', id: 'obs-1', version: 1, action: 'create' as const };
  const empty = { labels: [], categories: [], entries: NO_ENTRIES };
  const { versions } = await vault.write(
    [{ ...written, timeMs: Date.now(), author: hospital.account, bytes: CONTENT, ...empty }],
    [],
  );
  const [row] = versions as [(typeof versions)[number]];
  const [read] = await vault.journal([
    {
      ...{ kind: 'read', account: ada.account, timeMs: Date.now(), actor: hospital.account, permit: '' },
      ...{ organisation: hospital.account, purpose: 'TREAT', decision: 'permit', rules: ['default'] },
      versions: [row.leaf],
    },
  ]);
  await anchorJournal(organisation);
  const options = { extendsSize: held.head.logSize };
  const entry = async (index: number) => {
    const found = await vault.entry(0, index);
    if (found === undefined) throw new Error('the journal lost an entry');
    return issueJournalReceipt(ledger, vault, found, options);
  };
  const receipts = {
    transaction: await issueTransactionReceipt(ledger, opened),
    'transaction-claim': await issueTransactionReceipt(ledger, claimed, options),
    'transaction-refused': await issueTransactionReceipt(ledger, refused, options),
    'journal-version': await entry(row.journalIndex),
    'journal-interaction': await entry(read as number),
    'state-present': await issueStateReceipt(ledger, 'chain.accounts', [ada.account]),
    'state-absent': await issueStateReceipt(ledger, 'consent.policies', [ada.account, 'none'], options),
  };
  await vault.close();
  return {
    receipts: Object.fromEntries(Object.entries(receipts).map(([name, one]) => [name, receiptToBytes(one)])),
    genesis: canonicalBytes(genesis),
    checkpoint: checkpointOf(held.head, genesis),
    content: CONTENT,
    early,
  };
}

/** Exact bytes of a checkpoint file that trusts the keys of genesis from a head on. */
export function checkpointOf(head: Head, genesis: JsonObject): Uint8Array {
  const { operator, witnesses } = parseTrust(canonicalBytes(genesis));
  return canonicalBytes({ format: CHECKPOINT_FORMAT, head, operator, witnesses });
}
