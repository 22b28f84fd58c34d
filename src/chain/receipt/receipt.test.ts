import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createReceiptSamples, type ReceiptSamples, WITNESS } from '../../../test/support/receipt-samples.ts';
import { signEd25519 } from '../../crypto/node/ed25519.ts';
import { bytesToBase64url, utf8, utf8ToText } from '../../std/bytes.ts';
import { canonicalBytes, type Json, type JsonObject } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import { checkpointOrigin, checkpointText } from '../checkpoint.ts';
import { cosignatureSignBytes } from '../cosignature.ts';
import { hashOf } from './hash.ts';
import { parseReceipt, type Receipt, receiptToBytes } from './receipt.ts';
import { parseTrust, type Trust } from './trust.ts';
import { type Verdict, verifyReceipt } from './verify.ts';

const VECTORS = join(import.meta.dirname, '../../../test/vectors/receipt');
const vector = (name: string): Uint8Array => new Uint8Array(readFileSync(join(VECTORS, name)));

/** Code that verification refuses with; '' when it does not refuse. A throw that is no Reject fails the test. */
async function refusal(bytes: Uint8Array, trust: Trust, content?: Uint8Array): Promise<string> {
  try {
    await verifyReceipt(bytes, trust, content);
    return '';
  } catch (error) {
    if (!isReject(error)) throw error;
    return error.code;
  }
}

/** The lowest bit mostly turns a digit into another one: the form holds, and the proof must not. */
const MASKS = process.env.ACESO_LONG === '1' ? [1, 2, 4, 8, 16, 32, 64, 128] : [1];

type Loose = { [name: string]: unknown };

/** Exact bytes of a receipt after a change to it. */
function changed(bytes: Uint8Array, change: (receipt: Receipt & Loose) => void): Uint8Array {
  const receipt = JSON.parse(utf8ToText(bytes)) as Receipt & Loose;
  change(receipt);
  return canonicalBytes(receipt as unknown as Json);
}

/** Every object within a JSON value, itself too. */
function objectsOf(value: unknown): Loose[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(objectsOf);
  return Array.isArray(value) ? inner : [value as Loose, ...inner];
}

test('committed receipts verify for ever, against genesis and against a checkpoint that they extend', async () => {
  const names = readdirSync(VECTORS).filter((name) => name.endsWith('.receipt.json'));
  assert.equal(names.length, 7);
  const [genesis, checkpoint] = [parseTrust(vector('genesis.json')), parseTrust(vector('checkpoint.json'))];
  for (const name of names) {
    const bytes = vector(name);
    const { standing, witnesses, checkpoint: relation } = await verifyReceipt(bytes, genesis);
    assert.deepEqual([standing, witnesses.length, relation], ['1 operator key', 1, 'none'], name);
    const isTied = parseReceipt(bytes)?.extends !== undefined;
    assert.equal((await verifyReceipt(bytes, checkpoint)).checkpoint, isTied ? 'extended' : 'not tied', name);
  }
  const content = vector('content-of-journal-version.json');
  const { statement } = await verifyReceipt(vector('journal-version.receipt.json'), genesis, content);
  assert.equal(statement.kind === 'journal' && statement.content, 'matches');
});

describe('receipts of a real ledger', () => {
  let samples: ReceiptSamples;
  let trust: Trust;
  const sample = (name: string): Uint8Array => samples.receipts[name] as Uint8Array;

  before(async () => {
    samples = await createReceiptSamples();
    trust = parseTrust(samples.genesis);
  });

  test('every kind of subject says what happened', async () => {
    const said: Record<string, Verdict['statement']> = {};
    for (const name of Object.keys(samples.receipts)) said[name] = (await verifyReceipt(sample(name), trust)).statement;
    const facts = Object.entries(said).map(([name, one]) => {
      if (one.kind === 'transaction') return [name, one.transaction.message.type, one.transaction.code];
      if (one.kind === 'journal') return [name, one.entry.kind, one.anchor.message.type];
      return [name, one.map, one.value === undefined ? 'absent' : 'present'];
    });
    assert.deepEqual(facts, [
      ['transaction', 'account.open', 'OK'],
      ['transaction-claim', 'account.claim', 'OK'],
      ['transaction-refused', 'account.claim', 'ACCOUNT_STATUS'],
      ['journal-version', 'version', 'journal.anchor'],
      ['journal-interaction', 'interaction', 'journal.anchor'],
      ['state-present', 'chain.accounts', 'present'],
      ['state-absent', 'consent.policies', 'absent'],
    ]);
  });

  test('any byte of a receipt changed is refused', async () => {
    const kinds = ['transaction', 'journal-version', 'journal-interaction', 'state-present', 'state-absent'];
    for (const name of process.env.ACESO_LONG === '1' ? Object.keys(samples.receipts) : kinds) {
      const bytes = sample(name);
      for (let at = 0; at < bytes.length; at++) {
        for (const mask of MASKS) {
          const bent = bytes.slice();
          bent[at] = (bent[at] as number) ^ mask;
          assert.notEqual(await refusal(bent, trust), '', `${name}: byte ${at} xor ${mask}`);
        }
      }
    }
  });

  test('a receipt cut short or with a byte more is refused', async () => {
    for (const bytes of Object.values(samples.receipts)) {
      for (let length = 0; length < bytes.length; length += 7) {
        assert.equal(await refusal(bytes.subarray(0, length), trust), 'RECEIPT_MALFORMED');
      }
      for (const more of [' ', '\n', '}', '\0']) {
        assert.equal(await refusal(utf8(utf8ToText(bytes) + more), trust), 'RECEIPT_MALFORMED');
      }
      assert.equal(
        await refusal(utf8(JSON.stringify(JSON.parse(utf8ToText(bytes)), null, 2)), trust),
        'RECEIPT_MALFORMED',
      );
    }
  });

  test('any member removed, and a member added anywhere, is refused', async () => {
    // What a receipt may leave out; the head stands without it, and the verdict then says less.
    const optional = new Set(['extends']);
    for (const [name, bytes] of Object.entries(samples.receipts)) {
      const count = objectsOf(JSON.parse(utf8ToText(bytes))).length;
      for (let which = 0; which < count; which++) {
        const added = changed(bytes, (receipt) => {
          (objectsOf(receipt)[which] as Loose).added = 1;
        });
        assert.notEqual(await refusal(added, trust), '', `${name}: a member more in object ${which}`);
        for (const member of Object.keys(objectsOf(JSON.parse(utf8ToText(bytes)))[which] as Loose)) {
          if (which === 0 && optional.has(member)) continue;
          const removed = changed(bytes, (receipt) => {
            delete (objectsOf(receipt)[which] as Loose)[member];
          });
          assert.notEqual(await refusal(removed, trust), '', `${name}: without ${member} of object ${which}`);
        }
      }
    }
  });

  test('another ledger, another operator and an unknown kind of commit are refused', async () => {
    const bytes = sample('transaction');
    const other = changed(samples.genesis, (genesis) => {
      genesis.name = 'another';
    });
    assert.equal(await refusal(bytes, parseTrust(other)), 'RECEIPT_OTHER_LEDGER');
    assert.equal(
      await refusal(bytes, { ...trust, operator: { kind: 'embedded', publicKey: 'ab'.repeat(32) } }),
      'RECEIPT_KEY_UNKNOWN',
    );
    const commit = changed(bytes, (receipt) => {
      receipt.commit = { kind: 'other' };
    });
    assert.equal(await refusal(commit, trust), 'RECEIPT_COMMIT_UNKNOWN');
  });

  test('cosignatures: of an unknown witness, wrong, twice, of another time; none is no fault', async () => {
    const bytes = sample('transaction');
    const { head, cosignatures } = parseReceipt(bytes) as Receipt;
    const [given] = cosignatures as [Receipt['cosignatures'][number]];
    const withThem = (list: Receipt['cosignatures']) =>
      receiptToBytes({ ...(parseReceipt(bytes) as Receipt), cosignatures: list });
    const origin = checkpointOrigin(head.genesis);
    const text = checkpointText({ origin, size: head.logSize, root: hashOf(head.logRoot) });
    const signed = bytesToBase64url(signEd25519(new Uint8Array(32).fill(1), cosignatureSignBytes(text, given.timeS)));
    assert.equal(await refusal(withThem([{ ...given, name: 'nobody.example' }]), trust), 'RECEIPT_KEY_UNKNOWN');
    assert.equal(await refusal(withThem([{ ...given, signature: signed }]), trust), 'RECEIPT_SIGNATURE_WRONG');
    assert.equal(await refusal(withThem([{ ...given, signature: '' }]), trust), 'RECEIPT_SIGNATURE_WRONG');
    assert.equal(await refusal(withThem([{ ...given, timeS: given.timeS + 1 }]), trust), 'RECEIPT_SIGNATURE_WRONG');
    assert.equal(await refusal(withThem([given, given]), trust), 'RECEIPT_KEY_UNKNOWN');
    assert.deepEqual((await verifyReceipt(withThem([]), trust)).witnesses, []);
    assert.deepEqual((await verifyReceipt(bytes, trust)).witnesses, [{ name: WITNESS.name, timeS: given.timeS }]);
  });

  test('a checkpoint: the same, extended, not tied, contradicted', async () => {
    const bytes = sample('transaction-claim');
    const { head } = parseReceipt(bytes) as Receipt;
    const earlier = parseTrust(samples.checkpoint);
    const held = (more: Partial<Receipt['head']>): Trust => ({ ...trust, head: { ...head, ...more } });
    const relation = async (one: Trust) => (await verifyReceipt(bytes, one)).checkpoint;
    assert.equal(await relation(earlier), 'extended');
    assert.equal(await relation(held({})), 'same');
    assert.equal(await relation(held({ height: head.height + 1, logSize: head.logSize + 2 })), 'not tied');
    const root = '00'.repeat(32);
    assert.equal(await refusal(bytes, held({ logRoot: root })), 'RECEIPT_CHECKPOINT_CONTRADICTED');
    assert.equal(await refusal(bytes, held({ appHash: root })), 'RECEIPT_CHECKPOINT_CONTRADICTED');
    const forked = { ...earlier, head: { ...(earlier.head as Receipt['head']), logRoot: root } };
    assert.equal(await refusal(bytes, forked), 'RECEIPT_CHECKPOINT_CONTRADICTED');
  });

  test('content: the exact bytes match, a byte less does not, and only a version has content', async () => {
    const { content } = samples;
    assert.equal(await refusal(sample('journal-version'), trust, content), '');
    assert.equal(await refusal(sample('journal-version'), trust, content.subarray(1)), 'RECEIPT_CONTENT_DIFFERS');
    for (const name of ['journal-interaction', 'transaction', 'state-present']) {
      assert.equal(await refusal(sample(name), trust, content), 'RECEIPT_CONTENT_DIFFERS');
    }
  });

  test('one place in the state has one way to be written', async () => {
    const split = changed(sample('state-absent'), ({ subject }) => {
      const place = subject as unknown as { map: string; key: string[] };
      place.map = `${place.map}/${place.key.shift()}`;
    });
    assert.equal(await refusal(split, trust), 'RECEIPT_MALFORMED');
  });

  test('a transaction that is no anchor of that custodian proves no journal entry', async () => {
    const { subject } = parseReceipt(sample('transaction')) as Receipt;
    assert.ok(subject.kind === 'transaction');
    const swapped = changed(sample('journal-version'), ({ subject: journal }) => {
      (journal as unknown as Loose).anchor = subject.transaction;
    });
    assert.equal(await refusal(swapped, trust), 'RECEIPT_SUBJECT_UNPROVEN');
  });

  test('whatever is in place of a part, the verifier refuses and does not break', async () => {
    const names = Object.keys(samples.receipts);
    const arbitrary = fc.oneof(
      ...[fc.jsonValue(), fc.constant({}), fc.constant([]), fc.nat(), fc.string(), fc.constant('__proto__')],
      fc.constantFrom('', 'ff'.repeat(32), 'ff'.repeat(16), '_w', '/', 2 ** 53 - 1),
    );
    const place = fc.tuple(fc.constantFrom(...names), fc.nat(), fc.nat(), arbitrary);
    await fc.assert(
      fc.asyncProperty(place, async ([name, which, member, value]) => {
        const receipt = JSON.parse(utf8ToText(sample(name))) as JsonObject;
        const objects = objectsOf(receipt);
        const target = objects[which % objects.length] as Loose;
        const members = Object.keys(target);
        const key = members[member % members.length];
        if (key === undefined || JSON.stringify(target[key]) === JSON.stringify(value)) return;
        const isDropped = key === 'cosignatures' && JSON.stringify(value) === '[]';
        target[key] = value;
        const code = await refusal(utf8(sorted(receipt)), trust);
        assert.equal(code === '', isDropped, `${name}: ${key}`);
      }),
      { numRuns: process.env.ACESO_LONG === '1' ? 50_000 : 2_000 },
    );
  });

  test('random JSON and random bytes are refused, as receipt and as trust file', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.jsonValue().map((value) => utf8(JSON.stringify(value))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (given) => {
        assert.equal(await refusal(given, trust), 'RECEIPT_MALFORMED');
        assert.throws(() => parseTrust(given), { code: 'TRUST_MALFORMED' });
      }),
      { numRuns: 500 },
    );
  });
});

/** RFC 8785 where the value allows it, and the nearest thing where it does not. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${sorted((value as Loose)[name])}`).join(',')}}`;
}
