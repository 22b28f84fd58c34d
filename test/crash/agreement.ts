import assert from 'node:assert/strict';
import { accountOf, sponsorOf } from '../../src/capabilities/membership/contract/queries.ts';
import { lastAnchor } from '../../src/capabilities/records/contract/state.ts';
import { anchorJournal } from '../../src/capabilities/records/server/anchor-journal.ts';
import { parseLeaf } from '../../src/chain/leaf.ts';
import { parseTransaction } from '../../src/chain/transaction.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { OrganisationContext } from '../../src/server/organisation.ts';
import { bytesToHex, utf8ToText } from '../../src/std/bytes.ts';
import type { CustodianVault, OpenedEntry } from '../../src/vault/vault.ts';
import type { Told } from './load.ts';

/** An anchor that the ledger took. */
interface Anchor {
  readonly transaction: string;
  readonly from: number;
  readonly size: number;
}

/** A version as a vault holds it, and how many permitted reads of it the journal has. */
export interface StoredVersion {
  /** `Type/id/version`. */
  readonly key: string;
  readonly text: string;
  readonly leaf: string;
  reads: number;
}

/** Everything on the ledger: each transaction once, and where each custodian's journal was anchored. */
export async function checkLedger(ledger: Ledger, told: Told): Promise<ReadonlyMap<string, readonly Anchor[]>> {
  const outcomes = new Map<string, string>();
  for (let index = 0; index < ledger.head().logSize; index++) {
    const leaf = parseLeaf((await ledger.leaf(index)) as Uint8Array);
    if (leaf?.kind !== 'outcome') continue;
    assert.ok(!outcomes.has(leaf.id), `transaction ${leaf.id} is there twice`);
    outcomes.set(leaf.id, leaf.code);
    assert.equal((await ledger.find(leaf.id))?.leafIndex, index);
  }
  for (const id of told.committed) assert.equal(outcomes.get(id), 'OK', `acknowledged transaction ${id}`);
  const anchors = new Map<string, Anchor[]>();
  for await (const { transactions } of ledger.blocks(1)) {
    for (const wire of transactions) {
      const transaction = parseTransaction(wire);
      assert.ok(transaction);
      const { signers, message } = transaction.body;
      if (message.type !== 'journal.anchor' || outcomes.get(transaction.id) !== 'OK') continue;
      const custodian = signers[0]?.account ?? '';
      const anchor = { transaction: transaction.id, from: message.from as number, size: message.size as number };
      anchors.set(custodian, [...(anchors.get(custodian) ?? []), anchor]);
    }
  }
  return anchors;
}

/** One organisation's vault against its ledger: every entry anchored once, every key in use, every account known. */
export async function checkVault(
  organisation: OrganisationContext,
  anchors: readonly Anchor[],
): Promise<readonly StoredVersion[]> {
  const vault = organisation.vault as CustodianVault;
  const { size, root } = vault.journalHead();
  const snapshot = organisation.ledger.read();
  const last = lastAnchor(snapshot.state, organisation.account);
  assert.deepEqual(
    [last.size, last.root],
    [size, bytesToHex(root)],
    'the journal is not what the ledger last anchored',
  );
  let anchored = 0;
  for (const anchor of anchors) {
    assert.equal(anchor.from, anchored, 'anchors overlap or leave a gap');
    assert.ok(anchor.size > anchored);
    for (; anchored < anchor.size; anchored++)
      assert.equal((await vault.anchorOf(0, anchored))?.transaction, anchor.transaction, `entry ${anchored}`);
  }
  assert.equal(anchored, size);
  const versions = new Map<string, StoredVersion>();
  const byLeaf = new Map<string, StoredVersion>();
  const patients = new Map<string, string>();
  for (let index = 0; index < size; index++) {
    const opened = await vault.entry(0, index);
    assert.ok(opened);
    if (opened.entry.kind === 'interaction') {
      const { kind, decision, versions: leaves } = opened.entry.header;
      for (const leaf of kind === 'read' && decision === 'permit' ? leaves : []) {
        const read = byLeaf.get(leaf);
        assert.ok(read, 'a read of a version that is not before it in the journal');
        read.reads++;
      }
    }
    if (opened.entry.kind !== 'version') continue;
    const { account, type, id, version } = opened.entry.header;
    const key = `${type}/${id}/${version}`;
    assert.ok(!versions.has(key), `${key} is in the journal twice`);
    const stored = { key, text: await textOf(vault, opened), leaf: bytesToHex(opened.leaf), reads: 0 };
    versions.set(key, stored);
    byLeaf.set(stored.leaf, stored);
    if (type !== 'Patient') continue;
    assert.equal(patients.get(account) ?? id, id, 'an account was given to two patients');
    patients.set(account, id);
    assert.equal(accountOf(snapshot.state, account)?.kind, 'patient', 'a patient whose account is not on the ledger');
    assert.equal(sponsorOf(snapshot.state, account), organisation.account);
  }
  snapshot.release();
  const scrubbed = await vault.scrub();
  assert.deepEqual(scrubbed.faults, []);
  assert.equal(scrubbed.entries, size);
  assert.equal(scrubbed.versions, versions.size);
  // Every key in the store is a version's or an account's: what a crash orphaned has been swept.
  assert.equal(scrubbed.keys, versions.size, 'keys that no version names');
  return [...versions.values()];
}

async function textOf(vault: CustodianVault, { entry, generation, index }: OpenedEntry): Promise<string> {
  assert.equal(entry.kind, 'version');
  const row = await vault.versionAt(generation, index);
  assert.ok(row);
  return utf8ToText(await vault.open(row));
}

/** What clients were told, against what all vaults hold. */
export function checkVersions(stored: readonly StoredVersion[], told: Told): void {
  const versions = new Map(stored.map((one) => [one.key, one]));
  assert.equal(versions.size, stored.length, 'two vaults hold the same version');
  for (const [key, text] of told.versions) assert.equal(versions.get(key)?.text, text, `acknowledged version ${key}`);
  for (const key of told.reads) (versions.get(key) as StoredVersion).reads--;
  for (const { key, reads } of stored) assert.ok(reads >= 0, `an answered read of ${key} is not in the journal`);
  const found = new Map<string, number>();
  for (const { text } of stored) {
    const mark = /"identifier":\[\{"value":"([0-9a-f-]{36})"\}\]/.exec(text)?.[1] ?? '';
    found.set(mark, (found.get(mark) ?? 0) + 1);
  }
  for (const [mark, count] of found) assert.equal(count, told.marks.get(mark), `${mark} is in ${count} versions`);
  for (const mark of told.bundles) assert.ok(found.has(mark), `acknowledged Bundle ${mark} is gone`);
}

/** Anchors what is left; the node's job would do it within a second. */
export async function anchorAll(organisations: readonly OrganisationContext[]): Promise<void> {
  for (const organisation of organisations) {
    while (!(await anchorJournal(organisation)))
      assert.equal((organisation.vault as CustodianVault).status(), 'serving');
  }
}
