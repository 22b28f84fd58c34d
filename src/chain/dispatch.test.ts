import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  careful,
  carefulPlain,
  cast,
  clinician,
  closed,
  createNotesChain,
  frozen,
  hospital,
  patient,
  unclaimed,
} from '../../test/support/notes-chain.ts';
import { notes } from '../../test/support/notes-contract.ts';
import { signWire, type TestChain } from '../../test/support/test-chain.ts';
import { type TestSigner, testPasskey, testSigner } from '../../test/support/test-signer.ts';
import { isReject } from '../std/reject.ts';
import { type AccountRecord, accounts } from './account.ts';
import type { CODES } from './codes.ts';
import { type LogLeaf, parseLeaf } from './leaf.ts';
import type { Message } from './transaction.ts';

type Code = keyof typeof CODES | 'OK' | 'NOTE_REFUSED';

interface Row {
  readonly name: string;
  readonly code: Code;
  /** What `check` says, where it differs: undefined when it lets the transaction through. */
  readonly check?: Code | 'passes';
  readonly wire: (chain: TestChain) => Uint8Array;
  /** True when the signatures were found right, so that the leaf names who signed. */
  readonly signed?: boolean;
}

const put: Message = { type: 'note.put', name: 'a', text: 'x' };
const wireOf = (message: Message, ...signers: readonly TestSigner[]) => {
  const [by, ...approvers] = signers as [TestSigner, ...TestSigner[]];
  return (chain: TestChain) => chain.wire(message, { by, approvers });
};
const stranger = testSigner('stranger');
const impostor: TestSigner = { ...patient, sign: stranger.sign };
const newKey = testSigner('unclaimed', 'new');
const claimOf = (signer: TestSigner, record = signer.record): Message => ({
  type: 'note.claim',
  account: signer.account,
  keys: [record],
});
const identityKey = '01'.padEnd(64, '0');

const ROWS: readonly Row[] = [
  { name: 'a note', code: 'OK', wire: wireOf(put, patient), signed: true },
  { name: 'several signers', code: 'OK', wire: wireOf(put, patient, hospital, careful), signed: true },
  { name: 'no transaction', code: 'TRANSACTION_MALFORMED', wire: () => new Uint8Array([1, 2, 3]) },
  { name: 'nothing', code: 'TRANSACTION_MALFORMED', wire: () => new Uint8Array() },
  {
    name: 'of another ledger',
    code: 'TRANSACTION_OTHER_LEDGER',
    wire: (chain) =>
      signWire({ chain: 'ab'.repeat(32), message: put, nonce: 1, notAfterMs: chain.timeMs, signers: [patient] }),
  },
  {
    name: 'expired by a millisecond',
    code: 'TRANSACTION_EXPIRED',
    wire: (chain) => chain.wire(put, { by: patient, validityMs: -1 }),
  },
  {
    name: 'on its last millisecond',
    code: 'OK',
    wire: (chain) => chain.wire(put, { by: patient, validityMs: 0 }),
    signed: true,
  },
  {
    name: 'valid for ten minutes',
    code: 'OK',
    wire: (chain) => chain.wire(put, { by: patient, validityMs: 600_000 }),
    signed: true,
  },
  {
    name: 'valid for a millisecond more',
    code: 'TRANSACTION_TOO_LONG_LIVED',
    wire: (chain) => chain.wire(put, { by: patient, validityMs: 600_001 }),
  },
  { name: 'by an unknown account', code: 'SIGNER_UNKNOWN', wire: wireOf(put, stranger) },
  { name: 'approved by an unknown account', code: 'SIGNER_UNKNOWN', wire: wireOf(put, patient, stranger) },
  {
    name: 'by a key the account does not hold',
    code: 'SIGNER_KEY_UNKNOWN',
    wire: wireOf(put, testSigner('patient', 'other')),
  },
  { name: 'signed by somebody else', code: 'SIGNATURE_WRONG', check: 'passes', wire: wireOf(put, impostor) },
  {
    name: 'approved with a wrong signature',
    code: 'SIGNATURE_WRONG',
    check: 'passes',
    wire: wireOf(put, hospital, impostor),
  },
  { name: 'by a closed account', code: 'SIGNER_CLOSED', wire: wireOf(put, closed) },
  { name: 'by a frozen account', code: 'SIGNER_FROZEN', wire: wireOf(put, frozen) },
  {
    name: 'by a frozen account, of what unfreezes it',
    code: 'OK',
    wire: wireOf({ type: 'note.thaw' }, frozen),
    signed: true,
  },
  { name: 'by an unclaimed account', code: 'SIGNER_KEY_UNKNOWN', wire: wireOf(put, unclaimed) },
  {
    name: 'of a type nobody knows',
    code: 'MESSAGE_INACTIVE',
    check: 'MESSAGE_UNKNOWN',
    wire: wireOf({ type: 'no.such' }, patient),
    signed: true,
  },
  {
    name: 'of a type not yet active',
    code: 'MESSAGE_INACTIVE',
    wire: wireOf({ type: 'note.added' }, patient),
    signed: true,
  },
  { name: 'with an unknown member', code: 'SCHEMA_INVALID', wire: wireOf({ ...put, more: 1 }, patient), signed: true },
  {
    name: 'without a member',
    code: 'SCHEMA_INVALID',
    wire: wireOf({ type: 'note.put', name: 'a' }, patient),
    signed: true,
  },
  {
    name: 'with a member of another type',
    code: 'SCHEMA_INVALID',
    wire: wireOf({ ...put, text: 1 }, patient),
    signed: true,
  },
  {
    name: 'refused by its contract',
    code: 'NOTE_REFUSED',
    check: 'passes',
    wire: wireOf({ type: 'note.fail', how: 'reject' }, patient),
    signed: true,
  },
  {
    name: 'more work than allowed',
    code: 'WORK_EXCEEDED',
    check: 'passes',
    wire: wireOf({ type: 'note.burn', units: 5_000_000 }, hospital),
    signed: true,
  },
  {
    name: 'sensitive, by the plain key of one with a passkey',
    code: 'SIGNER_UNVERIFIED',
    wire: wireOf({ type: 'note.sensitive' }, carefulPlain),
    signed: true,
  },
  { name: 'sensitive, by the passkey', code: 'OK', wire: wireOf({ type: 'note.sensitive' }, careful), signed: true },
  {
    name: 'sensitive, by both',
    code: 'OK',
    wire: wireOf({ type: 'note.sensitive' }, carefulPlain, careful),
    signed: true,
  },
  {
    name: 'sensitive, by one without a passkey',
    code: 'OK',
    wire: wireOf({ type: 'note.sensitive' }, patient),
    signed: true,
  },
  { name: 'sensitive, by a clinician', code: 'OK', wire: wireOf({ type: 'note.sensitive' }, clinician), signed: true },
  { name: 'a claim by the key it brings', code: 'OK', wire: wireOf(claimOf(newKey), newKey, hospital), signed: true },
  {
    name: 'a claim by a passkey it brings',
    code: 'OK',
    wire: wireOf(claimOf(testPasskey('unclaimed')), testPasskey('unclaimed')),
    signed: true,
  },
  {
    name: 'a claim signed by another key than it brings',
    code: 'SIGNER_KEY_UNKNOWN',
    wire: wireOf(claimOf(newKey), unclaimed),
  },
  {
    name: 'a claim for one account signed for another',
    code: 'SIGNER_KEY_UNKNOWN',
    wire: wireOf(claimOf(newKey), { ...newKey, account: patient.account }),
  },
  {
    name: 'a claim whose key does not have its id',
    code: 'SIGNER_KEY_UNKNOWN',
    wire: wireOf(claimOf(newKey, { ...newKey.record, publicKey: patient.record.publicKey }), newKey),
  },
  {
    name: 'a claim by a key of small order',
    code: 'SIGNER_KEY_UNKNOWN',
    wire: wireOf(claimOf(newKey, { id: smallOrderId(), algorithm: 'ed25519', publicKey: identityKey }), {
      ...newKey,
      keyId: smallOrderId(),
    }),
  },
  {
    name: 'a claim whose form is wrong',
    code: 'SIGNER_KEY_UNKNOWN',
    check: 'SCHEMA_INVALID',
    wire: wireOf({ ...claimOf(newKey), more: 1 }, newKey),
  },
];

/** Id of the key that is the neutral point, under which a signature of zeros proves nothing. */
function smallOrderId(): string {
  return '7d5d44a4b23562344ab6be01503bbd2c';
}

function checkCode(chain: TestChain, wire: Uint8Array): string {
  try {
    chain.kernel.check(chain.store, wire, chain.timeMs);
    return 'passes';
  } catch (error) {
    assert.ok(isReject(error), String(error));
    return error.code;
  }
}

for (const { name, code, check, wire, signed = false } of ROWS) {
  test(`${name}: ${code}`, () => {
    const chain = createNotesChain();
    const bytes = wire(chain);
    assert.equal(checkCode(chain, bytes), check ?? (code === 'OK' ? 'passes' : code));
    const { outcomes, leaves } = chain.block([bytes]);
    assert.equal(outcomes[0]?.code, code);
    const leaf = parseLeaf(leaves[0] as Uint8Array) as LogLeaf & { kind: 'outcome' };
    assert.equal(leaf.kind, 'outcome');
    assert.equal(leaf.code, code);
    assert.equal(leaf.id, outcomes[0]?.id);
    assert.equal(leaf.signers.length > 0, signed);
  });
}

test('a sensitive message: a passkey that it brings itself does not count as held, the one held does', () => {
  const chain = createNotesChain();
  const second = testPasskey('careful', 'second');
  const enrol: Message = { type: 'note.enrol', account: second.account, keys: [second.record] };
  assert.equal(chain.submit(enrol, { by: second, approvers: [carefulPlain] }).code, 'SIGNER_UNVERIFIED');
  assert.equal(chain.submit(enrol, { by: careful, approvers: [second] }).code, 'OK');
});

test('a sensitive message: only patients need their passkey', () => {
  const [plain, passkey] = [testSigner('nurse'), testPasskey('nurse')];
  const nurse = { ...(cast[clinician.account] as AccountRecord), keys: [plain.record, passkey.record] };
  const chain = createNotesChain({ accounts: { ...cast, [plain.account]: nurse } });
  assert.equal(chain.submit({ type: 'note.sensitive' }, { by: plain }).code, 'OK');
});

test('a rejected message leaves no writes, and those around it stay', () => {
  const chain = createNotesChain();
  const burn = chain.wire({ type: 'note.burn', units: 9_000_000 }, { by: hospital });
  const fail = chain.wire({ type: 'note.fail', how: 'reject' }, { by: hospital });
  const { outcomes } = chain.block([
    chain.wire(put, { by: hospital }),
    fail,
    burn,
    chain.wire({ ...put, name: 'b' }, { by: hospital }),
  ]);
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ['OK', 'NOTE_REFUSED', 'WORK_EXCEEDED', 'OK'],
  );
  assert.deepEqual(outcomes[1]?.data, { why: 'asked' });
  const names = [...chain.state.entries(notes, [hospital.account])].map(([[, name]]) => name);
  assert.deepEqual(names, ['a', 'b']);
});

test('later transactions of a block see what earlier ones wrote', () => {
  const chain = createNotesChain();
  const { outcomes } = chain.block([1, 2].map(() => chain.wire(put, { by: patient })));
  assert.deepEqual(
    outcomes.map(({ data }) => data),
    [{}, { previous: 1 }],
  );
});

for (const how of ['type', 'text', 'data', 'none', 'large', 'reject-null', 'date', 'random']) {
  test(`a contract's fault (${how}) is INTERNAL, tells nothing, rolls back and alerts`, () => {
    const alerts: unknown[] = [];
    const chain = createNotesChain({ onInternalError: (error, what) => alerts.push([error, what]) });
    const outcome = chain.submit({ type: 'note.fail', how }, { by: hospital });
    assert.deepEqual([outcome.code, outcome.data], ['INTERNAL', {}]);
    assert.equal(chain.state.get(notes, hospital.account, 'half'), undefined);
    assert.ok(alerts.length > 0);
    assert.equal((alerts[0] as unknown[])[1], 'note.fail');
  });
}

test('a RangeError halts: no outcome, nothing written', () => {
  const chain = createNotesChain();
  const { head } = chain;
  assert.throws(() => chain.submit({ type: 'note.fail', how: 'range' }, { by: hospital }), RangeError);
  assert.deepEqual(chain.head, head);
});

test('a claimed key signs from then on', () => {
  const chain = createNotesChain();
  assert.equal(chain.submit(claimOf(newKey), { by: newKey, approvers: [hospital] }).code, 'OK');
  assert.equal(chain.state.get(accounts, unclaimed.account)?.status, 'active');
  assert.equal(chain.submit(put, { by: newKey }).code, 'OK');
});
