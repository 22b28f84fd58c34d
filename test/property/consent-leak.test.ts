import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { TAGS_PER_LIST } from '../../src/capabilities/consent/contract/policy.ts';
import { type TagKind, tag } from '../../src/capabilities/consent/contract/tags.ts';
import { bytesToHex, hexToBytes, utf8 } from '../../src/std/bytes.ts';
import { type CareChain, createCareChain, grantMessage, testTag, testTagKey, testTags } from '../support/care-chain.ts';
import { testAccount } from '../support/test-signer.ts';

const V3 = 'http://terminology.hl7.org/CodeSystem';
/** Every code that the scenario uses and that tells something of a person, with the kind it is tagged by. */
const CODES: readonly (readonly [kind: TagKind, code: string])[] = [
  ...['HIV', 'PSY', 'ETH', 'ETHUD', 'OPIOIDUD', 'SDV'].map((code) => ['label', `${V3}/v3-ActCode|${code}`] as const),
  ['label', `${V3}/v3-Confidentiality|R`],
  ['category', 'http://hl7.org/fhir/resource-types|Observation'],
  ['category', `${V3}/observation-category|laboratory`],
  ['instance', 'Observation/ex-alcoholUse'],
  ['related', 'Encounter/ex-encounter'],
  ['author', 'Practitioner/ex-author'],
  ['actor', 'Practitioner/ex-practitioner'],
  ['actor', 'CareTeam/oncology'],
  ['purpose', 'http://example.org/studies|hiv-cohort'],
  ['scope', '["http://example.org/policies/hiv-cohort"]'],
];

/** Grants, denials, a delegation, requests, broken glass: everything that carries a tag, with all codes in use. */
function scenario(): CareChain {
  const chain = createCareChain();
  const list = (kind: TagKind) => testTags('ada', kind, ...CODES.filter(([of]) => of === kind).map(([, code]) => code));
  const data = testTags('ada', 'instance', 'Observation/ex-alcoholUse');
  const scope = `research:${testTag('ada', 'scope', '["http://example.org/policies/hiv-cohort"]')}`;
  chain.expect(
    'OK',
    grantMessage('ada', 'permit', { categoryTags: list('category'), actorTags: list('actor') }),
    'ada',
  );
  chain.expect(
    'OK',
    grantMessage('ada', 'permit', { purposeTags: list('purpose') }, { scope, exceptions: [{ dataTags: data }] }),
    'ada',
  );
  const denied = chain.expect(
    'OK',
    grantMessage('ada', 'deny', { labelTags: list('label') }, { scope: 'treatment' }),
    'ada',
  );
  chain.expect(
    'OK',
    grantMessage('mia', 'deny', { labelTags: testTags('mia', 'label', `${V3}/v3-ActCode|PSY`) }),
    'hospital',
  );
  const tags = (kind: TagKind) => CODES.filter(([of]) => of === kind).map(([, code]) => testTag('ada', kind, code));
  const dataTags = [...tags('related'), ...tags('author'), ...tags('instance')];
  const asked = { categoryTags: tags('category'), labelTags: tags('label'), dataTags };
  const ask = { type: 'access.request', account: testAccount('ada'), purpose: 'TREAT', actorTags: tags('actor') };
  chain.expect('OK', { ...ask, scope: asked }, 'clinic');
  const permitted = chain.expect('OK', { ...ask, scope: { categoryTags: tags('category') } }, 'clinic');
  assert.equal(permitted.data.decision, 'permit');
  chain.expect(
    'OK',
    { type: 'access.breakGlass', account: testAccount('ada'), practitioner: testAccount('doctor'), reason: 1 },
    'clinic',
  );
  chain.expect('OK', { type: 'consent.revoke', account: testAccount('ada'), policy: denied.id }, 'ada');
  return chain;
}

/** All bytes of state, tree, log and head, of the blocks' transactions, and of the leaves. */
function bytesOf(chain: CareChain): Buffer {
  const parts: Uint8Array[] = [];
  for (const [key, value] of chain.store.range('', '~')) parts.push(utf8(key), utf8('\n'), value, utf8('\n'));
  for (const { transactions } of chain.blocks) parts.push(...transactions);
  parts.push(...chain.leaves);
  return Buffer.concat(parts);
}

/** Keys that somebody without the tag key might try: public facts of the ledger, and careless choices. */
function guessedKeys(chain: CareChain): readonly Uint8Array[] {
  const facts = Object.values(chain.who).flatMap(({ account, keyId, record }) => [account, keyId, record.publicKey]);
  const texts = [...facts, chain.genesisHash, chain.head.logRoot, 'ada', 'aceso', 'tag key', 'secret', ''];
  const raw = texts.flatMap((text) => [hexToBytes(text) ?? utf8(text), utf8(text)]);
  const padded = raw.map((key) => Uint8Array.from({ length: 32 }, (_, i) => key[i] ?? 0));
  const hashed = raw.map((key) => new Uint8Array(createHash('sha256').update(key).digest()));
  return [...raw, ...padded, ...hashed, new Uint8Array(32), new Uint8Array(32).fill(255)];
}

/** What tells a code to one who has no tag key: the code, a digest of it, or a MAC under a key that can be guessed. */
function leaks(haystack: Buffer, keys: readonly Uint8Array[]): readonly string[] {
  const found: string[] = [];
  const [text, hex] = [haystack.toString('latin1'), haystack.toString('hex')];
  const has = (digest: string) => text.includes(digest) || hex.includes(digest);
  for (const [kind, code] of CODES) {
    const short =
      code
        .split(/[|/"]/)
        .filter((word) => word.length > 2 && !/^(http:|www|CodeSystem|fhir)/.test(word))
        .at(-1) ?? code;
    if (text.includes(code) || text.includes(short)) found.push(`${code} in clear`);
    for (const what of [code, `${kind}${code}`, `${kind}|${code}`]) {
      for (const name of ['sha256', 'sha1', 'md5']) {
        if (has(createHash(name).update(what).digest('hex').slice(0, 32))) found.push(`${name} of ${code}`);
      }
    }
    for (const key of keys) {
      const plain = createHmac('sha256', key).update(code).digest('hex').slice(0, 32);
      if (has(tag(key, kind, code)) || has(plain))
        found.push(`MAC of ${code} under the guessed key ${bytesToHex(key)}`);
    }
  }
  return found;
}

test('nothing on the ledger tells a code to one who has no tag key', () => {
  const chain = scenario();
  const haystack = bytesOf(chain);
  assert.deepEqual(leaks(haystack, guessedKeys(chain)), []);
  // The scan sees what is there: with the tag key it finds the codes of the scenario.
  const seen = leaks(haystack, [testTagKey('ada')]);
  for (const [, code] of CODES)
    assert.ok(
      seen.some((leak) => leak.startsWith(`MAC of ${code}`)),
      code,
    );
});

test('the scan finds each kind of leak when it is planted', () => {
  const chain = scenario();
  const keys = guessedKeys(chain);
  const some = bytesOf(chain).subarray(0, 4096);
  const [, hiv] = CODES[0] as (typeof CODES)[0];
  const account = hexToBytes(testAccount('ada')) ?? new Uint8Array();
  const plants: readonly (readonly [what: string, planted: string | Uint8Array])[] = [
    ['in clear', hiv],
    ['in clear', 'HIV'],
    ['sha256 of', createHash('sha256').update(hiv).digest('hex')],
    ['sha256 of', createHash('sha256').update(hiv).digest()],
    ['MAC of', tag(new Uint8Array(32), 'label', hiv)],
    ['MAC of', tag(account, 'label', hiv)],
    ['MAC of', createHmac('sha256', account).update(hiv).digest('hex')],
    ['MAC of', tag(hexToBytes(chain.who.hospital?.record.publicKey ?? '') ?? account, 'label', hiv)],
  ];
  for (const [what, planted] of plants) {
    const haystack = Buffer.concat([some, Buffer.from(planted)]);
    assert.ok(
      leaks(haystack, keys).some((leak) => leak.includes(what)),
      what,
    );
  }
});

test('every list of tags in state has one length, so that none tells how many are real', () => {
  const chain = scenario();
  let lists = 0;
  for (const [key, value] of chain.store.range('s/consent.policies/', 's/consent.policies0')) {
    for (const [, list] of Buffer.from(value)
      .toString('utf8')
      .matchAll(/"\w+Tags":(\[[^\]]*\])/g)) {
      lists += 1;
      assert.equal((JSON.parse(list ?? '') as unknown[]).length, TAGS_PER_LIST, key);
    }
  }
  assert.equal(lists, 6);
});
