import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseRange, rangeSet } from './address-range.ts';
import { isSpecialPurpose, isSpecialRange } from './special-addresses.ts';

test('addresses of anybody on the Internet are not special, to the edges of what is', () => {
  const common = [
    ...['1.0.0.0', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255'],
    ...['128.0.0.0', '169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.0.3.0'],
    ...['192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '198.51.99.255', '203.0.112.255'],
    ...['203.0.114.0', '223.255.255.255', '2001:200::1', '2001:db7:ffff::', '2001:db9::', '2003::1'],
    ...['2606:4700::1111', '2620:4f:7fff::1', '2a00::1', '3ffe:ffff::1', '3fff:1000::'],
  ];
  for (const address of common) assert.ok(!isSpecialPurpose(address), address);
});

test('what is no plain address is special', () => {
  for (const text of [
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '01.1.1.1',
    '1.1.1.1/32',
    '[2606::1]',
    '2606::1%lo',
    '1.1.1.1 ',
  ])
    assert.ok(isSpecialPurpose(text), text);
});

test('an IPv6 address that carries an IPv4 one is special, whatever it carries', () => {
  const hex = (n: number) => n.toString(16);
  const carriers = [
    ...['::ffff:@', '::@', '64:ff9b::@', '64:ff9b:1::@', '::ffff:0:@', '2002:@::', '2001:0:1:2:3:4:@', '2001:0:@::'],
  ];
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.constantFrom(...carriers), (high, low, carrier) => {
      assert.ok(isSpecialPurpose(carrier.replace('@', `${hex(high)}:${hex(low)}`)));
    }),
  );
});

test('a range keeps to its family', () => {
  const set = (text: string) => rangeSet([parseRange(text) ?? assert.fail(text)]);
  assert.ok(set('10.0.0.0/8').has('10.255.0.1'));
  assert.ok(!set('10.0.0.0/8').has('::ffff:10.0.0.1'));
  assert.ok(!set('::ffff:0:0/96').has('10.0.0.1'));
  assert.ok(set('::ffff:0:0/96').has('::ffff:10.0.0.1'));
  assert.ok(!set('fe80::/10').has('fe80::1%lo'));
  assert.ok(!set('127.0.0.1/32').has('127.0.0.2'));
});

test('a range is special when it holds nothing else', () => {
  const isSpecial = (text: string) => isSpecialRange(parseRange(text) ?? assert.fail(text));
  for (const text of ['10.0.0.0/8', '10.1.2.3/32', '::1/128', '::/3', 'fc00::/7', '2001::/23', '2002:7f00::/24'])
    assert.ok(isSpecial(text), text);
  for (const text of ['0.0.0.0/0', '10.0.0.0/7', '8.8.8.8/32', '::/0', '::/2', '2000::/3', '2001::/22', '3000::/4'])
    assert.ok(!isSpecial(text), text);
});
