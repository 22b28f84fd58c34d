import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  type HeaderParts,
  inOrder,
  setOf,
  type TestValidator,
  testCommit,
  testHeader,
  testHeaderHash,
  testLightBlock,
  testValidator,
  testValidatorsHash,
} from '../../../test/support/cometbft-signer.ts';
import { createCometBftSamples, type ReceiptSamples, SAMPLE_SETS } from '../../../test/support/receipt-samples.ts';
import { utf8ToText } from '../../std/bytes.ts';
import { canonicalBytes, type Json } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import { chainIdOf } from '../chain-id.ts';
import { nextCheckpoint } from './checkpoint-file.ts';
import type { CometBftCommit } from './cometbft-commit.ts';
import type { Receipt } from './receipt.ts';
import { parseTrust, type Trust } from './trust.ts';
import { verifyReceipt } from './verify.ts';

const VECTORS = join(import.meta.dirname, '../../../test/vectors/receipt/cometbft');
const vector = (name: string): Uint8Array => new Uint8Array(readFileSync(join(VECTORS, name)));

/** Code that verification refuses with; '' when it does not refuse. A throw that is no Reject fails the test. */
async function refusal(bytes: Uint8Array, trust: Trust): Promise<string> {
  try {
    await verifyReceipt(bytes, trust);
    return '';
  } catch (error) {
    if (!isReject(error)) throw error;
    return error.code;
  }
}

type Consortium = { -readonly [K in keyof Receipt]: Receipt[K] } & { commit: CometBftCommit };
type Change = CometBftCommit['changes'][number];

function changed(bytes: Uint8Array, change: (receipt: Consortium) => void): Uint8Array {
  const receipt = JSON.parse(utf8ToText(bytes)) as Consortium;
  change(receipt);
  return canonicalBytes(receipt as unknown as Json);
}

test('committed receipts of a consortium verify for ever, from genesis and from checkpoints', async () => {
  const names = readdirSync(VECTORS).filter((name) => name.endsWith('.receipt.json'));
  assert.equal(names.length, 8);
  const [genesis, early, late] = ['genesis.json', 'checkpoint-1.json', 'checkpoint-4.json'].map((name) =>
    parseTrust(vector(name)),
  ) as [Trust, Trust, Trust];
  for (const name of names) {
    const verdict = await verifyReceipt(vector(name), genesis);
    assert.deepEqual([verdict.standing, verdict.witnesses.length], ['3 of 4 members', 1], name);
    assert.equal(await refusal(vector(name), early), '', name);
    const isEarly = name === 'early.receipt.json';
    assert.equal(await refusal(vector(name), late), isEarly ? 'RECEIPT_BEFORE_CHECKPOINT' : '', name);
    const bytes = utf8ToText(nextCheckpoint(verdict, genesis));
    assert.equal(bytes, utf8ToText(vector(`checkpoint-${verdict.head.height}.json`)));
  }
});

describe('receipts of a consortium', () => {
  let samples: ReceiptSamples;
  let trust: Trust;
  /** A receipt at height 4, whose header of height 5 the third set signed. */
  let genuine: Uint8Array;
  let chainId: string;
  let appHash: string;

  const [founders, five, last] = [SAMPLE_SETS[0], SAMPLE_SETS[1], SAMPLE_SETS[2]];
  const [north, east, south, west, centre] = five;
  const thieves = ['a', 'b', 'c', 'd'].map((name) => testValidator(`thief ${name}`));

  before(async () => {
    samples = await createCometBftSamples();
    trust = parseTrust(samples.genesis);
    genuine = samples.receipts['transaction-claim'] as Uint8Array;
    const { head } = JSON.parse(utf8ToText(genuine)) as Receipt;
    chainId = chainIdOf(head.genesis);
    appHash = head.appHash;
  });

  type Made = Partial<HeaderParts> & { readonly voters?: readonly TestValidator[] };
  /** A final header as a forger would make it: at height 5, with the right app hash, unless told otherwise. */
  const block = ({ voters = [east, south, west], ...parts }: Made = {}) =>
    testLightBlock({ chainId, height: 5, set: last, appHash, ...parts }, voters);
  const step = (validators: readonly TestValidator[], made: Made): Change => ({
    ...block({ appHash: '', nextSet: validators, ...made }),
    validators: setOf(validators),
  });
  const forged = (change: (receipt: Consortium) => void) => changed(genuine, change);
  const withFinal = (made: Made) => forged(({ commit }) => Object.assign(commit, block(made)));
  const withChanges = (of: (genuine: Change[]) => Change[]) =>
    forged(({ commit }) => {
      commit.changes = of(commit.changes);
    });

  test('every kind of subject is proved by 3 of 4 members, through two changes of the set', async () => {
    for (const [name, bytes] of Object.entries(samples.receipts)) {
      const { standing, operator, head } = await verifyReceipt(bytes, trust);
      assert.deepEqual([standing, head.height], ['3 of 4 members', 4], name);
      assert.deepEqual(operator, { kind: 'cometbft', validators: setOf(last) });
    }
    assert.equal(await refusal(withFinal({}), trust), '', 'what the forger makes is right but for the forgery');
    assert.equal(await refusal(withFinal({ voters: last }), trust), '');
  });

  test('whoever signs too little, or with keys that do not count, proves nothing', async () => {
    const attacks: Readonly<Record<string, readonly [Uint8Array, string]>> = {
      'half of the power': [withFinal({ voters: [east, south] }), 'COMMIT_POWER_MISSING'],
      'nobody at all': [withFinal({ voters: [] }), 'COMMIT_POWER_MISSING'],
      'a retired key beside two members': [withFinal({ voters: [north, east, south] }), 'COMMIT_SIGNER_UNKNOWN'],
      'retired keys alone, for the set of today': [withFinal({ voters: founders }), 'COMMIT_SIGNER_UNKNOWN'],
      'retired keys alone, for their own set': [withFinal({ set: founders, voters: founders }), 'COMMIT_SET_DIFFERS'],
      'keys of nobody': [withFinal({ voters: thieves }), 'COMMIT_SIGNER_UNKNOWN'],
      'keys of nobody, for their own set': [withFinal({ set: thieves, voters: thieves }), 'COMMIT_SET_DIFFERS'],
      'a set with a member too few': [withFinal({ set: [east, south, west] }), 'COMMIT_SET_DIFFERS'],
      'a set with other powers': [
        withFinal({ set: [{ ...east, power: 1000 }, south, west, centre], voters: [east] }),
        'COMMIT_SET_DIFFERS',
      ],
      'one member three times': [
        forged(({ commit }) => Object.assign(commit, { ...block({ voters: [east] }) }, { commit: thrice(east) })),
        'COMMIT_SIGNER_UNKNOWN',
      ],
      'members out of order': [forged(({ commit }) => commit.commit.signatures.reverse()), 'COMMIT_SIGNER_UNKNOWN'],
      "a member's name under another's signature": [
        forged(({ commit: { commit } }) => {
          const [first, second] = commit.signatures;
          if (first !== undefined && second !== undefined) first.signature = second.signature;
        }),
        'COMMIT_SIGNATURE_WRONG',
      ],
      'a wrong signature beside enough right ones': [
        forged(({ commit }) => {
          Object.assign(commit, block({ voters: last }));
          const [first, second] = commit.commit.signatures;
          if (first !== undefined && second !== undefined) first.signature = second.signature;
        }),
        'COMMIT_SIGNATURE_WRONG',
      ],
    };
    for (const [name, [bytes, code]] of Object.entries(attacks)) assert.equal(await refusal(bytes, trust), code, name);
  });

  function thrice(voter: TestValidator): CometBftCommit['commit'] {
    return testCommit(block().header, [voter, voter, voter]);
  }

  test('what is signed for another chain, height, block or head does not count', async () => {
    const elsewhere = `aceso-${'A'.repeat(43)}`;
    const voters = inOrder([east, south, west]);
    const attacks: Readonly<Record<string, readonly [Uint8Array, string]>> = {
      'a header of another chain': [withFinal({ chainId: elsewhere }), 'COMMIT_OTHER_CHAIN'],
      'votes cast on another chain': [
        forged(({ commit }) => {
          commit.commit = testCommit(commit.header, voters, { chainId: elsewhere });
        }),
        'COMMIT_SIGNATURE_WRONG',
      ],
      'votes of another round': [
        forged(({ commit }) => {
          commit.commit.round = 1;
        }),
        'COMMIT_SIGNATURE_WRONG',
      ],
      'the commit of another header': [
        forged(({ commit }) => {
          commit.commit = block({ height: 5, appHash: '00'.repeat(32) }).commit;
        }),
        'COMMIT_HEADER_DIFFERS',
      ],
      'the commit of another height': [
        forged(({ commit }) => {
          commit.commit.height = '6';
        }),
        'COMMIT_HEADER_DIFFERS',
      ],
      'the block hash of another header': [
        forged(({ commit }) => {
          commit.commit.block_id.hash = testHeaderHash(testHeader({ chainId, height: 5, set: last, appHash: 'FF' }));
        }),
        'COMMIT_HEADER_DIFFERS',
      ],
      'a header changed under its commit': [
        forged(({ commit }) => {
          commit.header.time = '2027-01-01T00:00:00Z';
        }),
        'COMMIT_HEADER_DIFFERS',
      ],
      'the header of the head’s own height': [withFinal({ height: 4 }), 'RECEIPT_HEAD_UNPROVEN'],
      'a header two heights on': [withFinal({ height: 6 }), 'RECEIPT_HEAD_UNPROVEN'],
      'a header of another state': [withFinal({ appHash: 'AB'.repeat(32) }), 'RECEIPT_HEAD_UNPROVEN'],
      'a header with the beginning of the app hash': [
        withFinal({ appHash: appHash.slice(0, 62) }),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'a head said to be higher': [
        forged(({ head }) => {
          head.height += 1;
        }),
        'RECEIPT_HEAD_UNPROVEN',
      ],
    };
    for (const [name, [bytes, code]] of Object.entries(attacks)) assert.equal(await refusal(bytes, trust), code, name);
  });

  test('a change of the set counts only from the set before it, in order, and whole', async () => {
    const twice = setOf([east, east, south, west]);
    const attacks: Readonly<Record<string, readonly [Uint8Array, string]>> = {
      'left out': [withChanges(([first]) => [first as Change]), 'COMMIT_SET_DIFFERS'],
      'the first left out': [withChanges(([, second]) => [second as Change]), 'COMMIT_SET_DIFFERS'],
      'all left out': [withChanges(() => []), 'COMMIT_SET_DIFFERS'],
      'out of order': [withChanges((all) => all.reverse()), 'RECEIPT_HEAD_UNPROVEN'],
      'the same twice': [withChanges(([a, b]) => [a, a, b] as Change[]), 'RECEIPT_HEAD_UNPROVEN'],
      'at the height of the last header': [
        withChanges((all) => [...all, step(last, { height: 5, set: last })]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'above the last header': [
        withChanges((all) => [...all, step(last, { height: 9, set: last })]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'with validators that its header does not name': [
        withChanges(([a, b]) => [a as Change, { ...(b as Change), validators: setOf(thieves) }]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'half of one set and half of another': [
        withChanges(([a, b]) => [a as Change, { ...(b as Change), validators: setOf([north, east, west, centre]) }]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'validators in another order': [
        withChanges(([a, b]) => [a as Change, { ...(b as Change), validators: setOf(last).reverse() }]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'a header changed to name others': [
        withChanges(([a, b]) => {
          const { header, commit } = b as Change;
          const named = { ...header, next_validators_hash: testValidatorsHash(thieves) };
          return [a as Change, { header: named, commit, validators: setOf(thieves) }];
        }),
        'COMMIT_HEADER_DIFFERS',
      ],
      'signed by those whom it lets in': [
        withChanges(([a]) => [a as Change, step(thieves, { height: 3, set: five, voters: thieves })]),
        'COMMIT_SIGNER_UNKNOWN',
      ],
      'signed by the set before the last': [
        withChanges(([a]) => [a as Change, step(thieves, { height: 3, set: founders, voters: founders })]),
        'COMMIT_SET_DIFFERS',
      ],
      'signed by a third of the set and those let in': [
        withChanges(([a]) => [a as Change, step(thieves, { height: 3, set: five, voters: [centre, ...thieves] })]),
        'COMMIT_SIGNER_UNKNOWN',
      ],
      'signed by three of five': [
        withChanges(([a]) => [a as Change, step(last, { height: 3, set: five, voters: [east, south, west] })]),
        'COMMIT_POWER_MISSING',
      ],
      'one validator twice in the set': [
        withChanges(([a]) => [
          a as Change,
          { ...step([east, east, south, west], { height: 3, set: five, voters: five }), validators: twice },
        ]),
        'RECEIPT_HEAD_UNPROVEN',
      ],
      'of another chain': [
        withChanges(([a]) => [a as Change, step(last, { height: 3, set: five, voters: five, chainId: 'elsewhere' })]),
        'COMMIT_OTHER_CHAIN',
      ],
      'more than a receipt may hold': [withChanges(([a]) => new Array(257).fill(a)), 'RECEIPT_MALFORMED'],
      'no validator': [withChanges(([a]) => [{ ...(a as Change), validators: [] }]), 'RECEIPT_MALFORMED'],
      'too many validators': [
        withChanges(([a]) => [
          { ...(a as Change), validators: new Array(129).fill({ publicKey: '00'.repeat(32), power: 1 }) },
        ]),
        'RECEIPT_MALFORMED',
      ],
      ...Object.fromEntries(
        [0, -10, 1_000_001, 2 ** 53 - 1].map((power) => [
          `a power of ${power}`,
          [withChanges(([a]) => [{ ...(a as Change), validators: setOf([{ ...north, power }]) }]), 'RECEIPT_MALFORMED'],
        ]),
      ),
    };
    for (const [name, [bytes, code]] of Object.entries(attacks)) assert.equal(await refusal(bytes, trust), code, name);
    const whole = withChanges(([a]) => [a as Change, step(last, { height: 3, set: five, voters: five })]);
    assert.equal(await refusal(whole, trust), '', 'the same steps without a fault');
  });

  test('a header and a commit have one form', async () => {
    const bends: readonly ((commit: Record<string, never> & CometBftCommit) => void)[] = [
      ({ header }) => Object.assign(header, { height: '05' }),
      ({ header }) => Object.assign(header, { height: '5.0' }),
      ({ header }) => Object.assign(header, { height: 5 }),
      ({ header }) => Object.assign(header, { time: header.time.replace('Z', '0Z') }),
      ({ header }) => Object.assign(header, { time: header.time.replace('Z', '+00:00') }),
      ({ header }) => Object.assign(header, { time: '2026-01-01T00:00:05.Z' }),
      ({ header }) => Object.assign(header, { app_hash: header.app_hash.toLowerCase() }),
      ({ header }) => Object.assign(header, { data_hash: '' }),
      ({ header }) => Object.assign(header, { last_block_id: { hash: '', parts: { total: 1, hash: '' } } }),
      ({ header }) => Object.assign(header.version, { block: '12' }),
      ({ header }) => Object.assign(header, { more: 'x' }),
      ({ commit }) => Object.assign(commit, { more: 'x' }),
      ({ commit }) => Object.assign(commit, { round: -1 }),
      ({ commit }) => Object.assign(commit.signatures[0] ?? {}, { block_id_flag: 3 }),
      ({ commit }) => Object.assign(commit.signatures[0] ?? {}, { signature: '' }),
      (commit) => Object.assign(commit, { validators: [] }),
    ];
    for (const [at, bend] of bends.entries()) {
      const bytes = forged(({ commit }) => bend(commit as never));
      assert.equal(await refusal(bytes, trust), 'RECEIPT_MALFORMED', `bend ${at}`);
    }
    const late = forged(({ commit }) => Object.assign(commit.header, { time: '2026-02-29T00:00:00Z' }));
    assert.equal(await refusal(late, trust), 'COMMIT_MALFORMED', 'a day that there was not');
    const large = forged(({ commit }) => Object.assign(commit.header, { height: '9007199254740993' }));
    assert.equal(await refusal(large, trust), 'COMMIT_MALFORMED', 'beyond 2^53');
    const stray = forged(({ commit: { commit } }) => {
      const [first] = commit.signatures;
      // The last digit before the padding holds four bits that no byte has.
      if (first !== undefined) first.signature = first.signature.replace(/.==$/, (end) => `${nextDigit(end)}==`);
    });
    assert.equal(await refusal(stray, trust), 'COMMIT_SIGNATURE_WRONG');
  });

  function nextDigit(end: string): string {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    return digits.charAt(digits.indexOf(end.charAt(0)) ^ 1);
  }

  test('a host proves heads in its own way only', async () => {
    const operator = { kind: 'embedded', publicKey: north.publicKey };
    assert.equal(await refusal(genuine, { ...trust, operator }), 'RECEIPT_KEY_UNKNOWN');
    const single = forged((receipt) => {
      (receipt as Receipt).commit = { ...operator, signature: '00'.repeat(64) };
    });
    assert.equal(await refusal(single, trust), 'RECEIPT_KEY_UNKNOWN');
    assert.equal(await refusal(genuine, { ...trust, operator: { kind: 'cometbft' } }), 'RECEIPT_KEY_UNKNOWN');
  });

  test('the genesis of the ledger before the move proves nothing of the one after it', async () => {
    const old = parseTrust(changedGenesis({ operator: { kind: 'embedded', publicKey: north.publicKey } }));
    assert.equal(await refusal(genuine, old), 'RECEIPT_OTHER_LEDGER');
    const relabelled = forged(({ head }) => {
      head.genesis = old.genesis;
    });
    assert.equal(await refusal(relabelled, old), 'RECEIPT_KEY_UNKNOWN');
    const others = parseTrust(changedGenesis({ name: 'another consortium of the same members' }));
    const moved = forged(({ head, cosignatures }) => {
      head.genesis = others.genesis;
      cosignatures.length = 0;
    });
    assert.equal(await refusal(moved, others), 'COMMIT_OTHER_CHAIN');
  });

  function changedGenesis(members: Record<string, Json>): Uint8Array {
    return canonicalBytes({ ...JSON.parse(utf8ToText(samples.genesis)), ...members });
  }

  test('a checkpoint: skips what lies before it, and keys retired before it forge nothing', async () => {
    const held = parseTrust(nextCheckpoint(await verifyReceipt(genuine, trust), trust));
    assert.equal((await verifyReceipt(genuine, held)).checkpoint, 'same');
    assert.equal(await refusal(samples.early, held), 'RECEIPT_BEFORE_CHECKPOINT');
    const atStart = parseTrust(samples.checkpoint);
    assert.equal((await verifyReceipt(genuine, atStart)).checkpoint, 'extended');
    assert.equal((await verifyReceipt(samples.early, atStart)).checkpoint, 'same');

    // The founders' keys, retired and stolen: a history of their own, in which they never went.
    const rewritten = forged(({ head, commit }) => {
      head.height = 9;
      commit.changes = [];
      Object.assign(commit, block({ height: 10, set: founders, voters: founders }));
    });
    assert.equal(await refusal(rewritten, trust), '', 'genesis alone cannot tell');
    assert.equal(await refusal(rewritten, held), 'COMMIT_SET_DIFFERS');
    const asIfChanged = forged(({ head, commit }) => {
      head.height = 9;
      commit.changes = [step(thieves, { height: 3, set: founders, voters: founders })];
      Object.assign(commit, block({ height: 10, set: thieves, voters: thieves }));
    });
    assert.equal(await refusal(asIfChanged, trust), '', 'genesis alone cannot tell');
    assert.equal(await refusal(asIfChanged, held), 'RECEIPT_CHECKPOINT_CONTRADICTED');
    const afterIt = forged(({ head, commit }) => {
      head.height = 9;
      commit.changes = [step(thieves, { height: 7, set: founders, voters: founders })];
      Object.assign(commit, block({ height: 10, set: thieves, voters: thieves }));
    });
    assert.equal(await refusal(afterIt, held), 'COMMIT_SET_DIFFERS');
  });

  test('a checkpoint: what was before it can be left out, and must fit it otherwise', async () => {
    const held = parseTrust(nextCheckpoint(await verifyReceipt(genuine, trust), trust));
    assert.equal(
      await refusal(
        withChanges(() => []),
        held,
      ),
      '',
    );
    assert.equal(
      await refusal(
        withChanges(([, b]) => [b as Change]),
        held,
      ),
      '',
    );
    assert.equal(
      await refusal(
        withChanges(([a]) => [a as Change]),
        held,
      ),
      'RECEIPT_CHECKPOINT_CONTRADICTED',
    );
    const unsigned = withChanges(([a, b]) => [
      a as Change,
      { ...(b as Change), commit: { ...b?.commit, signatures: [] } } as Change,
    ]);
    assert.equal(await refusal(unsigned, held), 'COMMIT_POWER_MISSING', 'checked, though nothing rests on it');
    const elsewhere = withChanges(([, b]) => [{ ...step(five, { height: 2, chainId: 'elsewhere' }) }, b as Change]);
    assert.equal(await refusal(elsewhere, held), 'COMMIT_OTHER_CHAIN', 'the first too, by itself');
    const later = forged(({ head, commit }) => {
      head.height = 9;
      Object.assign(commit, block({ height: 10, set: last }));
    });
    assert.equal(await refusal(later, held), '');
    assert.equal(
      await refusal(later, { ...held, head: { ...headOf(held), logSize: 9 } }),
      'RECEIPT_CHECKPOINT_CONTRADICTED',
      'a log that shrank',
    );
    const fork = { ...held, head: { ...headOf(held), appHash: '00'.repeat(32) } };
    assert.equal(await refusal(genuine, fork), 'RECEIPT_CHECKPOINT_CONTRADICTED');
  });

  function headOf({ head }: Trust): Receipt['head'] {
    assert.ok(head);
    return head;
  }

  test('a checkpoint goes on to a head that members signed, tied by its log or not', async () => {
    const atStart = parseTrust(samples.checkpoint);
    const verdict = await verifyReceipt(samples.receipts.transaction as Uint8Array, atStart);
    assert.equal(verdict.checkpoint, 'not tied');
    assert.equal(parseTrust(nextCheckpoint(verdict, atStart)).head?.height, 4);
  });

  test('a trust file holds a set in one form only', () => {
    const checkpoint = JSON.parse(utf8ToText(samples.checkpoint));
    const [one, two, ...rest] = setOf(founders);
    const sets: readonly unknown[] = [
      [],
      [two, one, ...rest],
      [one, one, ...rest],
      [one, two, ...rest, { ...north, power: 0, seed: undefined }],
      [{ ...one, power: -10 }, two, ...rest],
      [{ ...one, power: 2 ** 53 - 1 }, two, ...rest],
      [{ ...one, node: 'x' }, two, ...rest],
      [{ publicKey: 'AB'.repeat(32), power: 10 }],
    ];
    for (const [at, validators] of sets.entries()) {
      const file = JSON.parse(JSON.stringify({ ...checkpoint, operator: { kind: 'cometbft', validators } }));
      assert.throws(() => parseTrust(canonicalBytes(file)), { code: 'TRUST_MALFORMED' }, `set ${at}`);
    }
    const genesis = JSON.parse(utf8ToText(samples.genesis));
    const idle = genesis.operator.validators.map((one: object) => ({ ...one, power: 0 }));
    const nobody = changedGenesis({ operator: { ...genesis.operator, validators: idle } });
    assert.throws(() => parseTrust(nobody), { code: 'TRUST_MALFORMED' });
  });

  test('any byte of a receipt changed is refused', async () => {
    const name = 'state-absent';
    const bytes = samples.receipts[name] as Uint8Array;
    const stride = process.env.ACESO_LONG === '1' ? 1 : 3;
    for (let at = 0; at < bytes.length; at += stride) {
      const bent = bytes.slice();
      bent[at] = (bent[at] as number) ^ 1;
      assert.notEqual(await refusal(bent, trust), '', `${name}: byte ${at}`);
    }
  });
});
