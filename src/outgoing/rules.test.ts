import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../std/reject.ts';
import { type OutgoingRule, parseRules, type RuleStore, readRules, replaceRules } from './rules.ts';

function memoryStore(): RuleStore & { bytes: Uint8Array | undefined } {
  return {
    bytes: undefined,
    async getDocument() {
      return this.bytes;
    },
    async putDocument(_kind, _id, bytes) {
      this.bytes = bytes ?? undefined;
    },
  };
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    assert.ok(isReject(error), String(error));
    return `${error.code} ${error.data.rule ?? ''}`.trim();
  }
}

const rulesOf = (...rules: readonly unknown[]) => ({ revision: 0, rules });

test('a rule names one origin in its one form, and ranges of special addresses alone', () => {
  const fit: readonly OutgoingRule[] = [
    { origin: 'https://hook.example' },
    { origin: 'https://hook.example:8443' },
    { origin: 'http://hook.example' },
    { origin: 'https://xn--bcher-kva.example' },
    { origin: 'http://127.0.0.1:8080', addresses: ['127.0.0.1/32'] },
    { origin: 'http://[::1]:8080', addresses: ['::1/128'] },
    { origin: 'https://inner.example', addresses: ['10.0.0.0/8', '192.168.7.0/24', 'fd00::/8', '64:ff9b::/96'] },
  ];
  assert.deepEqual(parseRules(rulesOf(...fit)).rules, fit);
  const origins = [
    ...['https://hook.example/', 'HTTPS://hook.example', 'https://Hook.example', 'https://hook.example:443'],
    ...[
      'https://hook.example.',
      'https://bücher.example',
      'https://hook.example/path',
      'https://*.example',
      'https://',
    ],
    ...[
      'https://user@hook.example',
      'http://2130706433',
      'ftp://hook.example',
      'hook.example',
      `https://${'a.'.repeat(200)}`,
    ],
  ];
  for (const origin of origins)
    assert.match(
      codeOf(() => parseRules(rulesOf({ origin }))),
      /^OUTGOING_RULES_MALFORMED/,
      origin,
    );
  const ranges = [
    ...['0.0.0.0/0', '10.0.0.0/7', '127.0.0.1/3', '8.8.8.8/32', '8.0.0.0/8', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/08'],
    ...[
      '::/0',
      '::/2',
      '2000::/3',
      '2606:4700::/32',
      '2001::/16',
      '::1',
      '::1/129',
      'fe80::1%lo/64',
      'localhost/8',
      '',
    ],
  ];
  const origin = 'https://hook.example';
  for (const range of ranges) {
    const code = codeOf(() => parseRules(rulesOf({ origin, addresses: ['10.0.0.0/8', range] })));
    assert.match(code, /^OUTGOING_RULES_MALFORMED/, range);
  }
  const others: readonly unknown[] = [
    ...[undefined, null, 'x', [], {}, { rules: [] }, { revision: -1, rules: [] }, { revision: 0.5, rules: [] }],
    ...[rulesOf({}), rulesOf({ origin, extra: 1 }), rulesOf({ origin, addresses: [] }), { ...rulesOf(), extra: 1 }],
    rulesOf({ origin, addresses: ['::1/128', '::1/128'] }),
    rulesOf({ origin, addresses: Array.from({ length: 17 }, (_, at) => `10.0.0.${at}/32`) }),
    rulesOf(...Array.from({ length: 65 }, (_, at) => ({ origin: `https://h${at}.example` }))),
  ];
  for (const value of others)
    assert.equal(
      codeOf(() => parseRules(value)),
      'OUTGOING_RULES_MALFORMED',
    );
  assert.equal(
    codeOf(() => parseRules(rulesOf({ origin }, { origin }))),
    'OUTGOING_RULES_MALFORMED 1',
  );
});

test('rules are replaced by who has seen them, and ranges are added by the operator alone', async () => {
  const store = memoryStore();
  const [never, always] = [async () => false, async () => true];
  const asked = async () => assert.fail('nobody needs to be asked');
  assert.deepEqual(await readRules(store), { revision: 0, rules: [] });
  const open = { origin: 'https://hook.example' };
  const inner = { origin: 'https://inner.example', addresses: ['10.0.0.0/8'] };
  assert.deepEqual(await replaceRules(store, rulesOf(open) as never, asked), { revision: 1, rules: [open] });
  const refused = (code: string) => (error: unknown) => isReject(error) && error.code === code;
  await assert.rejects(replaceRules(store, { revision: 0, rules: [] }, always), refused('OUTGOING_RULES_CHANGED'));
  const both = { revision: 1, rules: [open, inner] };
  await assert.rejects(replaceRules(store, both, never), refused('OUTGOING_RULES_OPERATOR_ONLY'));
  assert.deepEqual(await readRules(store), { revision: 1, rules: [open] });
  await replaceRules(store, both, always);
  // What the operator added stays in other hands, for that origin and that range, and can be taken away by them.
  await replaceRules(store, { revision: 2, rules: [inner, open] }, asked);
  for (const rule of [
    { ...open, addresses: inner.addresses },
    { ...inner, addresses: ['10.0.0.0/9'] },
    { ...inner, addresses: [...inner.addresses, '::1/128'] },
  ]) {
    const given = { revision: 3, rules: [rule] };
    await assert.rejects(replaceRules(store, given, never), refused('OUTGOING_RULES_OPERATOR_ONLY'));
  }
  await replaceRules(store, { revision: 3, rules: [open] }, asked);
  assert.deepEqual(await readRules(store), { revision: 4, rules: [open] });
});
