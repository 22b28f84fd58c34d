import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { signWire } from '../../test/support/test-chain.ts';
import { testSigner } from '../../test/support/test-signer.ts';
import { concatBytes, utf8 } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import {
  buildBody,
  encodeTransaction,
  MAX_SIGNATURE_BYTES,
  MAX_WIRE_BYTES,
  parseTransaction,
  signBytes,
  TRANSACTION_TAG,
  type TransactionBody,
  transactionId,
} from './transaction.ts';

const hospital = testSigner('hospital');
const patient = testSigner('patient');
const signer = (who: typeof hospital, role: 'sender' | 'approver') => ({ account: who.account, key: who.keyId, role });
const body: TransactionBody = {
  chain: 'ab'.repeat(32),
  nonce: '01'.repeat(16),
  notAfterMs: 1_700_000_000_000,
  signers: [signer(hospital, 'sender'), signer(patient, 'approver')],
  message: { type: 'note.put', name: 'a', text: 'b' },
};
const signature = new Uint8Array(64).fill(7);

/** Wire of any body, the library's own checks left out. */
function wireOf(value: JsonObject, signatures: readonly Uint8Array[] = [signature, signature]): Uint8Array {
  return frame(TRANSACTION_TAG, canonicalBytes(value), ...signatures);
}

test('a transaction round-trips, and its id is the hash of what was signed', () => {
  const bytes = buildBody(body);
  const wire = encodeTransaction(bytes, [signature, new Uint8Array(3)]);
  const parsed = parseTransaction(wire);
  assert.deepEqual(parsed?.body, body);
  assert.equal(parsed?.id, transactionId(bytes));
  assert.deepEqual(parsed?.signBytes, signBytes(bytes));
  assert.deepEqual(parsed?.signatures, [signature, new Uint8Array(3)]);
  assert.throws(() => {
    (parsed?.body.message as unknown as { name: string }).name = 'other';
  }, TypeError);
});

test('a parsed transaction keeps what it was when the wire is written to', () => {
  const wire = wireOf(body);
  const parsed = parseTransaction(wire);
  const before = parsed?.signBytes.slice();
  wire.fill(0);
  assert.deepEqual(parsed?.signBytes, before);
});

const REFUSED_BODIES: Readonly<Record<string, unknown>> = {
  'unknown member': { ...body, memo: 'x' },
  'member missing': { chain: body.chain, nonce: body.nonce, notAfterMs: 1, signers: body.signers },
  'chain of other length': { ...body, chain: 'ab' },
  'chain in upper case': { ...body, chain: 'AB'.repeat(32) },
  'short nonce': { ...body, nonce: '01' },
  'time as text': { ...body, notAfterMs: '1' },
  'negative time': { ...body, notAfterMs: -1 },
  'no signers': { ...body, signers: [] },
  'signers no list': { ...body, signers: { 0: body.signers[0] } },
  'no sender': { ...body, signers: [signer(hospital, 'approver'), signer(patient, 'approver')] },
  'two senders': { ...body, signers: [signer(hospital, 'sender'), signer(patient, 'sender')] },
  'sender second': { ...body, signers: [signer(hospital, 'approver'), signer(patient, 'sender')] },
  'a signer twice': { ...body, signers: [signer(hospital, 'sender'), signer(hospital, 'approver')] },
  'unknown member of a signer': {
    ...body,
    signers: [{ ...signer(hospital, 'sender'), algorithm: 'ed25519' }, signer(patient, 'approver')],
  },
  'account of other form': {
    ...body,
    signers: [{ ...signer(hospital, 'sender'), account: 'x' }, signer(patient, 'approver')],
  },
  'message no object': { ...body, message: 'note.put' },
  'message a list': { ...body, message: [] },
  'message without type': { ...body, message: { name: 'a' } },
  'type without capability': { ...body, message: { type: 'put' } },
  'type of a prototype': { ...body, message: { type: '__proto__.x' } },
};

for (const [name, value] of Object.entries(REFUSED_BODIES)) {
  test(`refused: ${name}`, () => {
    assert.equal(parseTransaction(wireOf(value as JsonObject)), undefined);
    assert.throws(() => buildBody(value as TransactionBody), TypeError);
  });
}

const text = new TextDecoder().decode(buildBody(body));
const REFUSED_WIRES: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(),
  'no signature': wireOf(body, []),
  'one signature for two signers': wireOf(body, [signature]),
  'a signature too many': wireOf(body, [signature, signature, signature]),
  'an empty signature': wireOf(body, [signature, new Uint8Array()]),
  'a signature too large': wireOf(body, [signature, new Uint8Array(MAX_SIGNATURE_BYTES + 1)]),
  'another tag': frame('aceso/tx/2', buildBody(body), signature, signature),
  'a trailing byte': concatBytes(wireOf(body), Uint8Array.of(0)),
  'a space in the body': frame(TRANSACTION_TAG, utf8(text.replace(',', ', ')), signature, signature),
  'members in another order': frame(TRANSACTION_TAG, utf8(JSON.stringify(body)), signature, signature),
  'a float': frame(TRANSACTION_TAG, utf8(text.replace('1700000000000', '1700000000000.5')), signature, signature),
  'an exponent': frame(TRANSACTION_TAG, utf8(text.replace('1700000000000', '17e11')), signature, signature),
  'a repeated member': frame(
    TRANSACTION_TAG,
    utf8(text.replace('"nonce"', '"nonce":"","nonce"')),
    signature,
    signature,
  ),
  'text beyond ASCII': frame(TRANSACTION_TAG, utf8(text.replace('"b"', '"ü"')), signature, signature),
  'more than 64 KiB': wireOf({ ...body, message: { type: 'note.put', text: 'x'.repeat(MAX_WIRE_BYTES) } }),
};

for (const [name, wire] of Object.entries(REFUSED_WIRES)) {
  test(`refused: ${name}`, () => assert.equal(parseTransaction(wire), undefined));
}

test('eight signers pass, nine do not', () => {
  const many = Array.from({ length: 9 }, (_, at) => signer(testSigner(`s${at}`), at === 0 ? 'sender' : 'approver'));
  const sign = (count: number) => wireOf({ ...body, signers: many.slice(0, count) }, Array(count).fill(signature));
  assert.equal(parseTransaction(sign(8))?.body.signers.length, 8);
  assert.equal(parseTransaction(sign(9)), undefined);
});

test('whatever is done to a wire, parsing does not throw, and another text has another id', () => {
  const wire = signWire({
    chain: body.chain,
    message: body.message,
    nonce: 1,
    notAfterMs: 5,
    signers: [hospital, patient],
  });
  const genuine = parseTransaction(wire);
  const edit = fc.record({ at: fc.nat(wire.length - 1), cut: fc.nat(6), put: fc.uint8Array({ maxLength: 6 }) });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let bytes = wire;
      for (const { at, cut, put } of edits) bytes = concatBytes(bytes.subarray(0, at), put, bytes.subarray(at + cut));
      const parsed = parseTransaction(bytes);
      if (parsed === undefined) return;
      // Exactly one wire for one transaction: encoding again gives the same bytes.
      assert.deepEqual(encodeTransaction(buildBody(parsed.body), parsed.signatures), bytes);
      const isSameText = JSON.stringify(parsed.body) === JSON.stringify(genuine?.body);
      assert.equal(parsed.id === genuine?.id, isSameText);
    }),
    { numRuns: 3_000 },
  );
});
