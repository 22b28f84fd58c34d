import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from '#crypto/platform';
import { draftBody, type Signer, signTransaction } from '../../src/chain/sign-transaction.ts';
import { keyId } from '../../src/chain/signature.ts';
import { encodeTransaction, signBytes } from '../../src/chain/transaction.ts';
import { bytesToBase64url, bytesToHex, hexToBytes, utf8, utf8ToText } from '../../src/std/bytes.ts';
import { type JsonObject, parseCanonical } from '../../src/std/canonical-json.ts';
import { testSigner } from '../support/test-signer.ts';
import { type Answer, type BadInputNode, codeOf, startBadInputNode } from './bad-input-node.ts';

/*
 * Transactions that a ledger must not take, sent to a real node as anybody may send them: a code each, and no trace of
 * them on the ledger. Then a budget used up, and a revocation that passes all the same.
 */

type Message = JsonObject & { readonly type: string };

const newAccount = (): string => bytesToHex(randomBytes(16));
const open = (accounts: readonly string[] = [newAccount()]): Message => ({ type: 'account.open', accounts });

/** Small-order points of Ed25519 (RFC 8032): the neutral element, and y = 0. A signature of zeroes verifies under them. */
const SMALL_ORDER = [`01${'00'.repeat(31)}`, '00'.repeat(32), `ec${'ff'.repeat(30)}7f`];

test('transactions that are forged, foreign, late, replayed or malformed leave no trace', async (t) => {
  const node = await startBadInputNode(t);
  const { signer, genesisHash } = node;
  const now = async (): Promise<number> => Math.max(Date.now(), (await head(node)).timeMs);
  const body = async (message: Message, over: Partial<Parameters<typeof draftBody>[0]> = {}, by: Signer = signer) =>
    draftBody({ chain: genesisHash, message, nowMs: await now(), ...over }, by);
  const signed = async (message: Message, over: Partial<Parameters<typeof draftBody>[0]> = {}, by: Signer = signer) =>
    signTransaction({ chain: genesisHash, message, nowMs: await now(), ...over }, by);
  /** Signs whatever bytes for a body, canonical or not. */
  const signedBytes = async (bytes: Uint8Array) => encodeTransaction(bytes, [await signer.sign(signBytes(bytes))]);
  const bent = async (change: (value: Record<string, unknown>) => unknown) => {
    const value = parseCanonical(await body(open())) as Record<string, unknown>;
    return signedBytes(utf8(JSON.stringify(change(value))));
  };
  const stranger = testSigner('stranger');
  const good = await signed(open());

  const rows: readonly (readonly [name: string, wire: () => Promise<Uint8Array>, status: number, code: string])[] = [
    ['another ledger’s', () => signed(open(), { chain: 'ab'.repeat(32) }), 400, 'TRANSACTION_OTHER_LEDGER'],
    [
      'one that has expired',
      async () => signed(open(), { nowMs: (await now()) - 3_600_000 }),
      409,
      'TRANSACTION_EXPIRED',
    ],
    ['one valid for a day', () => signed(open(), { validityMs: 86_400_000 }), 400, 'TRANSACTION_TOO_LONG_LIVED'],
    ['a stranger’s', () => signed(open(), {}, stranger), 401, 'SIGNER_UNKNOWN'],
    [
      'a key that the account does not hold',
      () => signed(open(), {}, { ...stranger, account: signer.account }),
      401,
      'SIGNER_KEY_UNKNOWN',
    ],
    ['another key’s signature', () => signed(open(), {}, { ...signer, sign: stranger.sign }), 401, 'SIGNATURE_WRONG'],
    [
      'a signature of zeroes',
      () => signed(open(), {}, { ...signer, sign: () => new Uint8Array(64) }),
      401,
      'SIGNATURE_WRONG',
    ],
    [
      'a signature cut short',
      () => signed(open(), {}, { ...signer, sign: () => new Uint8Array(63) }),
      401,
      'SIGNATURE_WRONG',
    ],
    [
      'a signature with S + L',
      () => signed(open(), {}, { ...signer, sign: async (bytes) => withSPlusL(await signer.sign(bytes)) }),
      401,
      'SIGNATURE_WRONG',
    ],
    [
      'another body under a good signature',
      async () => encodeTransaction(await body(open()), [await signer.sign(signBytes(await body(open())))]),
      401,
      'SIGNATURE_WRONG',
    ],
    [
      'more signatures than signers',
      async () => encodeTransaction(await body(open()), [new Uint8Array(64), new Uint8Array(64)]),
      400,
      'TRANSACTION_MALFORMED',
    ],
    ['an unknown message', () => signed({ type: 'ledger.mint', amount: 1 }), 404, 'MESSAGE_UNKNOWN'],
    ['a message named like an object’s member', () => signed({ type: 'account.constructor' }), 404, 'MESSAGE_UNKNOWN'],
    [
      'an unknown field beside the message',
      () => bent((value) => ({ ...value, memo: 'x' })),
      400,
      'TRANSACTION_MALFORMED',
    ],
    ['a nonce of a wrong type', () => bent((value) => ({ ...value, nonce: 7 })), 400, 'TRANSACTION_MALFORMED'],
    [
      'members out of order',
      () => bent((value) => Object.fromEntries(Object.entries(value).reverse())),
      400,
      'TRANSACTION_MALFORMED',
    ],
    [
      'a space in the JSON',
      async () => signedBytes(utf8(utf8ToText(await body(open())).replace('{', '{ '))),
      400,
      'TRANSACTION_MALFORMED',
    ],
    [
      '__proto__ in the JSON',
      async () => signedBytes(utf8(utf8ToText(await body(open())).replace('{', '{"__proto__":{},'))),
      400,
      'TRANSACTION_MALFORMED',
    ],
    ['a fraction', () => bent((value) => ({ ...value, notAfterMs: 1.5 })), 400, 'TRANSACTION_MALFORMED'],
    [
      'nesting of 30 000',
      () =>
        bent((value) => ({
          ...value,
          message: { type: 'account.open', accounts: JSON.parse('['.repeat(3000) + ']'.repeat(3000)) },
        })),
      400,
      'TRANSACTION_MALFORMED',
    ],
    ['65 KiB', async () => new Uint8Array(65 * 1024), 400, 'TRANSACTION_MALFORMED'],
    ['a byte more at the end', async () => Uint8Array.of(...good, 0), 400, 'TRANSACTION_MALFORMED'],
    ['a byte fewer at the end', async () => good.subarray(0, -1), 400, 'TRANSACTION_MALFORMED'],
    ['nothing', async () => new Uint8Array(), 400, 'LEDGER_REQUEST_INVALID'],
  ];
  const before = await settledHead(node);
  for (const [name, wire, status, code] of rows) {
    await t.test(name, async () => {
      const answer = await submit(node, await wire());
      assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
    });
  }
  const forms = [
    '{}',
    '[]',
    '"x"',
    '{"wire":7}',
    '{"wire":"*"}',
    '{"wire":"AA=="}',
    '{"wire":"AAAA","more":1}',
    '{"wire":null}',
  ];
  for (const form of forms) {
    const answer = await post(node, form);
    assert.deepEqual([answer.status, answer.code], [400, 'LEDGER_REQUEST_INVALID'], form);
  }
  for (const [form, status, code] of [
    ['{"wire":', 400, 'REQUEST_MALFORMED'],
    ['{"__proto__":{"wire":"AAAA"}}', 400, 'REQUEST_MALFORMED'],
    [`{"wire":"${'A'.repeat(100 * 1024)}"}`, 413, 'BODY_TOO_LARGE'],
  ] as const) {
    const answer = await post(node, form);
    assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
  }
  assert.deepEqual(await settledHead(node), before, 'nothing of this is on the ledger');

  await t.test('small-order keys are no keys', async () => {
    const account = newAccount();
    assert.equal((await outcomeOf(node, await signed(open([account])))).code, 'OK');
    for (const publicKey of SMALL_ORDER) {
      const id = keyId('ed25519', hexToBytes(publicKey) as Uint8Array);
      const claim = { type: 'account.claim', account, keys: [{ id, algorithm: 'ed25519', publicKey }] };
      const draft = { chain: genesisHash, message: claim, nowMs: await now() };
      const zeroes = { account, keyId: id, sign: () => Uint8Array.of(1, ...new Uint8Array(63)) };
      const answer = await submit(node, await signTransaction(draft, zeroes, [signer]));
      assert.deepEqual([answer.status, answer.code], [401, 'SIGNER_KEY_UNKNOWN'], publicKey);
    }
    const [token] = Object.values(node.running().adminTokens);
    const path = `/api/receipts/state/chain.accounts/${account}`;
    const state = await get(node, path, token);
    assert.match(state.text, /unclaimed/);
  });

  await t.test('a replay, at once and after a restart', async () => {
    const first = await outcomeOf(node, good);
    assert.equal(first.code, 'OK');
    const refused = [409, 'TRANSACTION_REPLAYED'];
    const again = await submit(node, good);
    assert.deepEqual([again.status, again.code], refused);
    const place = `/ledger/transactions/${first.id}`;
    const taken = await get(node, place);
    assert.equal(taken.status, 200);
    await node.restart();
    const later = await submit(node, good);
    assert.deepEqual([later.status, later.code], refused);
    assert.deepEqual(await get(node, place), taken);
  });
  assert.deepEqual(node.logged, []);
});

test('a budget used up: BUDGET_EXCEEDED for all but a revocation', async (t) => {
  const node = await startBadInputNode(t, { bytesPerMinute: 40_000 });
  const { signer, genesisHash } = node;
  const send = async (message: Message): Promise<Answer> =>
    submit(
      node,
      await signTransaction(
        { chain: genesisHash, message, nowMs: Math.max(Date.now(), (await head(node)).timeMs) },
        signer,
      ),
    );
  const account = newAccount();
  assert.equal((await send(open([account]))).status, 200);
  const provision = { purposes: ['TREAT'], members: [signer.account] };
  const grant = JSON.parse(
    (
      await send({
        type: 'consent.grant',
        account,
        scope: 'patient-privacy',
        sense: 'permit',
        root: provision,
        exceptions: [],
      })
    ).text,
  ) as { outcome: { code: string; id: string } };
  assert.equal(grant.outcome.code, 'OK');
  // Budgets begin anew with the minute, so a few more are needed when one ends meanwhile.
  let refused: Answer | undefined;
  for (let tries = 0; refused === undefined && tries < 100; tries++) {
    const answer = await send(open(Array.from({ length: 100 }, newAccount)));
    if (answer.status !== 200) refused = answer;
  }
  assert.deepEqual([refused?.status, refused?.code], [429, 'BUDGET_EXCEEDED']);
  const revoked = await send({ type: 'consent.revoke', account, policy: grant.outcome.id });
  assert.equal((JSON.parse(revoked.text) as { outcome: { code: string } }).outcome.code, 'OK', revoked.text);
});

/** The same signature with S + L for S: without the check of RFC 8032 §5.1.7 it would verify, and be a second one. */
function withSPlusL(signature: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let rest = order;
  for (const [at, byte] of signature.subarray(32).entries()) rest += BigInt(byte) << BigInt(8 * at);
  const s = Uint8Array.from({ length: 32 }, (_, at) => Number((rest >> BigInt(8 * at)) & 255n));
  return Uint8Array.of(...signature.subarray(0, 32), ...s);
}

async function post(node: BadInputNode, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return answerOf(await fetch(`${node.running().url}/ledger/transactions`, { method: 'POST', headers, body }));
}

const submit = (node: BadInputNode, wire: Uint8Array): Promise<Answer> =>
  post(node, JSON.stringify({ wire: bytesToBase64url(wire) }));
const get = async (node: BadInputNode, path: string, token = ''): Promise<Answer> =>
  answerOf(await fetch(node.running().url + path, { headers: { authorization: `Bearer ${token}` } }));

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, code: codeOf(text), text };
}

async function outcomeOf(node: BadInputNode, wire: Uint8Array): Promise<{ id: string; code: string }> {
  const { status, text } = await submit(node, wire);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { outcome: { id: string; code: string } }).outcome;
}

interface Head {
  readonly timeMs: number;
  readonly head: { readonly height: number; readonly logSize: number; readonly appHash: string };
}

async function head(node: BadInputNode): Promise<Head> {
  return JSON.parse((await get(node, '/ledger/head')).text) as Head;
}

/** Head of the ledger once the node's own business (opening accounts ahead, anchoring) is done. */
async function settledHead(node: BadInputNode): Promise<Head['head']> {
  for (let last = await head(node); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    const next = await head(node);
    if (next.head.height === last.head.height) return next.head;
    last = next;
  }
}
