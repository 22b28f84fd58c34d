import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { rejectOf } from '../../test/support/reject-of.ts';
import { canonicalBytes } from '../std/canonical-json.ts';
import { createOutgoing } from './create-outgoing.ts';
import type { OutgoingRule } from './rules.ts';

/**
 * Ways to make a node ask its own machine or network. A server listens there all the while and counts who connects.
 * PORT stands for its port. Wherever it can be written, a rule allows the very origin, so that the guard alone refuses.
 */
interface Trick {
  readonly name: string;
  readonly url: string;
  readonly code: string;
  /** In place of the rules that `rulesFor` gives. */
  readonly rules?: readonly OutgoingRule[];
  /** What the name server answers. */
  readonly answers?: readonly string[];
}

const UNFIT = 'OUTGOING_URL_UNFIT';
const NOT_ALLOWED = 'OUTGOING_NOT_ALLOWED';
const REFUSED = 'OUTGOING_ADDRESS_REFUSED';
const PUBLIC = '93.184.215.14';

let port = 0;
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
});

before(async () => {
  const listen = (host: string) =>
    new Promise<void>((resolve, fail) => {
      server.once('error', fail);
      server.listen({ host, port: 0 }, () => resolve());
    });
  // Both families, and every address of 127.0.0.0/8; a machine without IPv6 has the first alone.
  await listen('::').catch(() => listen('0.0.0.0'));
  port = (server.address() as { port: number }).port;
});
after(() => new Promise((resolve) => server.close(resolve)));

/** The plain form is allowed, and is not what is written. */
const OTHERWISE_WRITTEN: Readonly<Record<string, string>> = {
  'decimal number': 'http://2130706433:PORT/',
  'hexadecimal number': 'http://0x7f000001:PORT/',
  'hexadecimal number with zeros before it': 'http://0x000000007f000001:PORT/',
  'octal number': 'http://017700000001:PORT/',
  'octal parts': 'http://0177.0.0.01:PORT/',
  'octal parts with zeros before them': 'http://00000177.0.0.1:PORT/',
  'hexadecimal parts': 'http://0x7f.0x0.0x0.0x1:PORT/',
  'parts of three bases': 'http://0x7F.00.1:PORT/',
  'two parts': 'http://127.1:PORT/',
  'three parts': 'http://127.0.1:PORT/',
  'zeros before each part': 'http://127.000.000.001:PORT/',
  'dot of the root after an IPv4 address': 'http://127.0.0.1.:PORT/',
  'percent-encoded digits': 'http://%31%32%37.0.0.1:PORT/',
  'percent-encoded dots': 'http://127%2e0%2E0%2e1:PORT/',
  'twice percent-encoded': 'http://%2531%2532%2537.0.0.1:PORT/',
  'full-width digits': 'http://１２７.０.０.１:PORT/',
  'circled digits': 'http://①②⑦.⓪.⓪.①:PORT/',
  'superscript digits': 'http://¹²⁷.⁰.⁰.¹:PORT/',
  'mathematical digits': 'http://𝟏𝟐𝟕.𝟎.𝟎.𝟏:PORT/',
  'Arabic digits': 'http://١٢٧.٠.٠.١:PORT/',
  'ideographic full stops': 'http://127。0。0。1:PORT/',
  'full-width full stops': 'http://127．0．0．1:PORT/',
  'half-width full stops': 'http://127｡0｡0｡1:PORT/',
  'soft hyphen': 'http://127.0.0\u00ad.1:PORT/',
  'space of no width': 'http://127.0.0\u200b.1:PORT/',
  'full-width colon and slash': 'http：//127.0.0.1:PORT/',
  'full-width at sign': 'http://hook.example＠127.0.0.1:PORT/',
  backslashes: 'http:\\\\127.0.0.1:PORT\\',
  'backslash and at sign': 'http://hook.example\\@127.0.0.1:PORT/',
  'backslash after the host': 'http://127.0.0.1:PORT\\@hook.example/',
  'tab in the host': 'http://127.0.\t0.1:PORT/',
  'tab in the scheme': 'ht\ttp://127.0.0.1:PORT/',
  'newline in the host': 'http://127.0.0\n.1:PORT/',
  'carriage return and a second header': 'http://127.0.0.1:PORT/\r\nhost: hook.example',
  'newline before it': '\nhttp://127.0.0.1:PORT/',
  'space before it': ' http://127.0.0.1:PORT/',
  'space after it': 'http://127.0.0.1:PORT/ ',
  'NUL before it': '\u0000http://127.0.0.1:PORT/',
  'NUL in the host': 'http://127.0.0.1\u0000.hook.example:PORT/',
  user: 'http://user@127.0.0.1:PORT/',
  'user and password': 'http://user:secret@127.0.0.1:PORT/',
  'empty user': 'http://@127.0.0.1:PORT/',
  'empty user and password': 'http://:@127.0.0.1:PORT/',
  'host as user': 'http://hook.example@127.0.0.1:PORT/',
  'address as user': 'http://127.0.0.1:PORT@hook.example/',
  'two at signs': 'http://a@hook.example@127.0.0.1:PORT/',
  'one slash': 'http:/127.0.0.1:PORT/',
  'no slash': 'http:127.0.0.1:PORT/',
  'three slashes': 'http:///127.0.0.1:PORT/',
  'no scheme': '//127.0.0.1:PORT/',
  'host alone': '127.0.0.1:PORT',
  'path alone': '/etc/passwd',
  nothing: '',
  'port with a zero before it': 'http://127.0.0.1:0PORT/',
  'port beyond 16 bits': 'http://127.0.0.1:1PORT00/',
  'port 0': 'http://127.0.0.1:0/',
  'empty port': 'http://127.0.0.1:/',
  'port with a sign': 'http://127.0.0.1:+PORT/',
  'two ports': 'http://127.0.0.1:80:PORT/',
  'percent-encoded port': 'http://127.0.0.1:%38PORT/',
  'too many parts': 'http://127.0.0.1.5:PORT/',
  'part beyond 255': 'http://127.0.0.257:PORT/',
  'number beyond 32 bits': 'http://6425673729:PORT/',
  'address in brackets': 'http://[127.0.0.1]:PORT/',
  'long address': `http://127.0.0.1:PORT/${'a'.repeat(2048)}`,
  'address that shrinks when parsed': `http://127.0.0.1:PORT/${'a/../'.repeat(1000)}`,
  'address that grows when parsed': `http://127.0.0.1:PORT/${'é'.repeat(1000)}`,
  'long name': `http://${'a.'.repeat(130)}example:PORT/`,
  'long label': `http://${'a'.repeat(64)}.example:PORT/`,
  'file:': 'file:///etc/passwd',
  'FILE:': 'FILE:///etc/passwd',
  'file: of a host': 'file://127.0.0.1/etc/passwd',
  'gopher:': 'gopher://127.0.0.1:PORT/_GET%20/',
  'data:': 'data:text/plain,hello',
  'ftp:': 'ftp://127.0.0.1:PORT/',
  'ws:': 'ws://127.0.0.1:PORT/',
  'wss:': 'wss://127.0.0.1:PORT/',
  'blob:': 'blob:http://127.0.0.1:PORT/1',
  'javascript:': 'javascript:fetch("http://127.0.0.1:PORT/")',
  'http+unix:': 'http+unix://%2Frun%2Fdocker.sock/info',
  'jar:': 'jar:http://127.0.0.1:PORT/a!/b',
  'dict:': 'dict://127.0.0.1:PORT/info',
  'ldap:': 'ldap://127.0.0.1:PORT/',
};

/** IPv6 that is not in its shortest form, or has a zone. */
const UNFIT_IPV6 = [
  ...['[::1%25lo]', '[::1%lo]', '[fe80::1%25eth0]', '[fe80::1%eth0]', '[::1%00]'],
  ...['[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[64:ff9b::127.0.0.1]'],
  ...['[0:0:0:0:0:ffff:7f00:1]', '[::ffff:0x7f.1]', '[::FFFF:127.0.0.1]', '[v1.1]', '[::1', '[]', '::1'],
];

/** Addresses of every special range, those that carry 127.0.0.1 or 169.254.169.254 first. */
const SPECIAL = [
  ...['127.0.0.1', '127.0.0.2', '127.255.255.254', '0.0.0.0', '0.1.2.3', '169.254.169.254', '169.254.170.2'],
  ...['::1', '::', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '::7f00:1', '::a9fe:a9fe', '::ffff:0:7f00:1'],
  ...['64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::7f00:1', '64:ff9b:1:fffe::a9fe:a9fe'],
  ...['2002:7f00:1::', '2002:a9fe:a9fe::1', '2001::80ff:fffe', '2001:0:7f00:1::1', 'fd00:ec2::254'],
  ...['10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '172.16.0.1', '172.31.255.255', '192.0.0.1'],
  ...['192.0.0.192', '192.0.2.1', '192.31.196.1', '192.52.193.1', '192.88.99.1', '192.168.0.1', '192.168.255.255'],
  ...['192.175.48.1', '198.18.0.1', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255'],
  ...['240.0.0.1', '255.255.255.255', '100::1', '100:0:0:1::1', '2001:2::1', '2001:10::1', '2001:20::1', '2001:1ff::1'],
  ...['2001:db8::1', '2620:4f:8000::1', '3fff::1', '3fff:fff::1', '5f00::1', '4000::1', 'fc00::1', 'fdff::1'],
  ...['fe80::1', 'febf::1', 'fec0::1', 'ff02::1', 'ff0e::1', '8000::1', '1::1', '200::1'],
];

/** Names that lead home, by what some name server answers. */
const NAMES: readonly (readonly [string, readonly string[]])[] = [
  ['localhost', ['127.0.0.1', '::1']],
  ['LOCALHOST', ['::1']],
  ['localhost.', ['127.0.0.1']],
  ['a.localhost', ['127.0.0.1']],
  ['ip6-localhost', ['::1']],
  ['localhost.localdomain', ['127.0.0.1']],
  ['127.0.0.1.wildcard.example', ['127.0.0.1']],
  ['127-0-0-1.wildcard.example', ['127.0.0.1']],
  ['metadata.google.internal', ['169.254.169.254']],
  ['instance-data', ['169.254.169.254']],
  ['kubernetes.default.svc', ['10.96.0.1']],
  ['host.docker.internal', ['172.17.0.1']],
  ['router', ['192.168.1.1']],
  ['xn--bcher-kva.example', ['127.0.0.1']],
  ['bücher.example', ['127.0.0.1']],
  ['public-first.example', [PUBLIC, '127.0.0.1']],
  ['public-last.example', ['127.0.0.1', PUBLIC]],
  ['one-of-many.example', [PUBLIC, '2606:4700::1111', PUBLIC, '::ffff:7f00:1', PUBLIC]],
  ['zone.example', ['fe80::1%lo']],
  ['zone-of-public.example', ['2606:4700::1111%lo']],
  ['name-as-answer.example', ['localhost']],
  ['empty-answer.example', ['']],
  ['octal-answer.example', ['0177.0.0.1']],
  ['nul-answer.example', [`${PUBLIC}\u0000.127.0.0.1`]],
];

function tricks(): Trick[] {
  const plain = { origin: `http://127.0.0.1:${port}`, addresses: ['127.0.0.1/32'] };
  const home = ['127.0.0.1'];
  const at = (text: string) => text.replaceAll('PORT', String(port));
  const ofHost = (host: string) => `http://${host}:${port}/`;
  const literal = (address: string) => (address.includes(':') ? `[${address}]` : address);
  const hook = { origin: `http://hook.example:${port}` };
  return [
    ...Object.entries(OTHERWISE_WRITTEN).map(([name, url]) => ({ name, url: at(url), code: UNFIT, rules: [plain] })),
    ...UNFIT_IPV6.map((host) => ({ name: host, url: ofHost(host), code: UNFIT, rules: [plain] })),
    ...SPECIAL.map((address) => ({ name: address, url: ofHost(literal(address)), code: REFUSED })),
    ...SPECIAL.map((address) => ({
      ...{ name: `name of ${address}`, url: ofHost('hook.example'), code: REFUSED, rules: [hook] },
      answers: [address],
    })),
    ...NAMES.map(([name, answers]) => ({ name, url: ofHost(name), code: REFUSED, answers })),
    {
      ...{
        name: 'range of the IPv4 address, IPv6 address that carries it',
        url: ofHost('hook.example'),
        code: REFUSED,
      },
      ...{ rules: [{ ...hook, addresses: ['127.0.0.0/8'] }], answers: ['::ffff:127.0.0.1'] },
    },
    {
      ...{ name: 'one address in the range, one beside it', url: ofHost('hook.example'), code: REFUSED },
      ...{ rules: [{ ...hook, addresses: ['127.0.0.1/32'] }], answers: ['127.0.0.1', '127.0.0.2'] },
    },
    { name: 'HTTP: in capitals', url: `HTTP://LOCALHOST:${port}/`, code: REFUSED, answers: home },
    { name: 'name in full-width letters', url: ofHost('ｈook.example'), code: UNFIT, rules: [hook] },
    { name: 'name with an empty label', url: ofHost('hook.example..'), code: UNFIT, rules: [hook] },
    { name: 'name that looks alike', url: ofHost('hооk.example'), code: NOT_ALLOWED, rules: [hook], answers: home },
    {
      name: 'name below an allowed one',
      url: ofHost('a.hook.example'),
      code: NOT_ALLOWED,
      rules: [hook],
      answers: home,
    },
    { name: 'name that ends alike', url: ofHost('nohook.example'), code: NOT_ALLOWED, rules: [hook], answers: home },
    { name: 'name that goes on', url: ofHost('hook.example.evil'), code: NOT_ALLOWED, rules: [hook], answers: home },
    {
      name: 'at sign behind a fragment',
      url: at('http://hook.example:PORT#@127.0.0.1:PORT/'),
      code: NOT_ALLOWED,
      rules: [plain],
    },
    { name: 'other port', url: 'http://127.0.0.1:22/', code: NOT_ALLOWED, rules: [plain] },
    { name: 'default port', url: 'http://127.0.0.1/', code: NOT_ALLOWED, rules: [plain] },
    { name: 'other scheme', url: `https://127.0.0.1:${port}/`, code: NOT_ALLOWED, rules: [plain] },
    { name: 'no rule at all', url: ofHost('127.0.0.1'), code: NOT_ALLOWED, rules: [] },
  ];
}

/** A rule for the very origin, with public addresses alone. */
function rulesFor({ url }: Trick): readonly OutgoingRule[] {
  return [{ origin: new URL(url).origin.replace(/\.(?=:|$)/, '') }];
}

test('no trick of addresses makes the node connect to its own machine or network', async (t) => {
  const all = tricks();
  t.diagnostic(`${all.length} address tricks, each refused as a registration and as a request`);
  assert.ok(all.length >= 60);
  for (const trick of all) {
    const rules = trick.rules ?? rulesFor(trick);
    const asked: string[] = [];
    const outgoing = createOutgoing({
      storeOf: () => ({
        getDocument: async () => canonicalBytes({ revision: 1, rules: rules as { origin: string }[] }),
        putDocument: () => assert.fail('nothing is to be changed'),
      }),
      resolve: async (name) => {
        asked.push(name);
        return trick.answers ?? ['127.0.0.1'];
      },
    });
    for (const run of [
      outgoing.requireAllowed('organisation', trick.url),
      outgoing.request('organisation', { url: trick.url, method: 'GET' }),
    ]) {
      const { code, data } = await rejectOf(run);
      assert.equal(code, trick.code, trick.name);
      // Of the answer of the name server nothing is told.
      assert.deepEqual(Object.keys(data), code === UNFIT ? [] : ['origin'], trick.name);
      if (code !== UNFIT && URL.canParse(trick.url)) assert.equal(rulesFor(trick)[0]?.origin, data.origin, trick.name);
    }
    if (trick.code !== REFUSED) assert.deepEqual(asked, [], `${trick.name}: no name server is asked`);
  }
  assert.equal(connections, 0, 'nobody connected');
});

test('the server would have counted', async () => {
  const rules = [{ origin: `http://127.0.0.1:${port}`, addresses: ['127.0.0.1/32'] }];
  const outgoing = createOutgoing({
    storeOf: () => ({
      getDocument: async () => canonicalBytes({ revision: 1, rules }),
      putDocument: () => assert.fail('nothing is to be changed'),
    }),
  });
  const { status } = await outgoing.request('organisation', { url: `http://127.0.0.1:${port}/`, method: 'GET' });
  assert.equal(status, 200);
  assert.equal(connections, 1);
});
