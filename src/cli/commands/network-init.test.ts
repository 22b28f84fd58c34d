import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { runLine } from '../../../test/support/command-line.ts';
import { testEngine } from '../../../test/support/test-engine.ts';
import { createNodeStarter } from '../../app/create-node-starter.ts';
import { validatorOf } from '../../app/found-network.ts';
import { parseNetwork } from '../../app/network-file.ts';
import { parseOrganisationKeys } from '../../app/organisation-keys-file.ts';
import { cometBftOperator, genesisHash, parseGenesis } from '../../chain/genesis.ts';
import { type Json, parseCanonical } from '../../std/canonical-json.ts';
import { EXIT } from '../exit-codes.ts';

/** Runs command lines in an empty folder, over what really founds networks. */
function createShell(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-network-init-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const logger = pino({ level: 'silent' });
  const keyFolder = join(folder, 'config');
  const nodes = createNodeStarter({ keyFolder, clock: Date.now, logger, fetch, version: '0', engine: testEngine });
  return {
    folder,
    run: (...argv: readonly string[]) => runLine(argv, { cwd: folder, nodes, fetch }),
    plan(value: unknown): string {
      writeFileSync(join(folder, 'plan.json'), JSON.stringify(value, undefined, 2));
      return 'plan.json';
    },
    canonical: (...names: readonly string[]): Json => parseCanonical(readFileSync(join(folder, ...names))) as Json,
  };
}

const brigid = {
  ...{ slug: 'st-brigid', name: 'St. Brigid Hospital', roles: ['provider'] },
  ...{ p2p: 'a.example:26656', url: 'https://a.example' },
};
const riverside = { ...{ slug: 'riverside', name: 'Riverside', roles: ['provider'] }, p2p: '10.0.0.2:26656' };

test('a plan becomes genesis, addresses, and keys for those alone who brought none', async (t) => {
  const { folder, run, plan, canonical } = createShell(t);
  const keys = ['keys', 'organisation', '--slug', 'north', '--role', 'regulator', '--validator', '--out', 'north.keys'];
  const made = await run(...keys, '--name', 'Northgate');
  const { entry, validator } = JSON.parse(made.out) as { entry: { account: string }; validator: { node: string } };
  const own = parseOrganisationKeys(canonical('north.keys'));
  assert.deepEqual(validatorOf(own.validator as NonNullable<typeof own.validator>), validator);
  assert.ok(!made.out.includes(own.validator?.voteSeed ?? made.out), 'no seed is printed');
  const north = {
    slug: 'north',
    name: 'Northgate',
    p2p: '[::1]:26656',
    url: 'http://10.0.0.3:8103',
    power: 2,
    entry,
    validator,
  };
  const file = plan({ name: 'care', organisations: [brigid, riverside, north] });
  const { code, out, notes } = await run('network', 'init', file, '--out', 'net');
  assert.equal(code, 0, notes);

  const genesis = parseGenesis(canonical('net', 'genesis.json'));
  assert.ok(genesis !== undefined);
  const { members } = parseNetwork(canonical('net', 'network.json'), genesisHash(genesis));
  const validators = cometBftOperator(genesis.operator)?.validators ?? [];
  assert.deepEqual(
    validators.map(({ power }) => power),
    [1, 1, 2],
  );
  assert.deepEqual(
    members.map(({ node }) => node),
    validators.map(({ node }) => node),
  );
  assert.deepEqual([members[2]?.account, members[2]?.node], [entry.account, validator.node]);
  for (const [at, { slug }] of [brigid, riverside].entries()) {
    const path = join(folder, 'net', slug, 'keys.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
    const parsed = parseOrganisationKeys(canonical('net', slug, 'keys.json'));
    assert.equal(parsed.keys[0]?.organisation.account, members[at]?.account);
    assert.equal(validatorOf(parsed.validator as NonNullable<typeof parsed.validator>).node, members[at]?.node);
  }
  assert.deepEqual(readdirSync(join(folder, 'net')).sort(), ['genesis.json', 'network.json', 'riverside', 'st-brigid']);
  assert.match(out, /^3 validators: when the strongest fails/m);
  assert.match(out, /--keys st-brigid\/keys\.json --base-url https:\/\/a\.example$/m);
  assert.match(out, /--keys riverside\/keys\.json$/m);
  assert.match(out, /--keys \(its own file\) --host 10\.0\.0\.3 --port 8103$/m);
  assert.match(out, /delete the\nfile after it, or lock it away/);

  const shown = await run('genesis', join('net', 'genesis.json'));
  assert.equal(shown.out.match(/^validator {2}[0-9a-f]{32} {2}power [12] /gm)?.length, 3);
  const before = readFileSync(join(folder, 'net', 'riverside', 'keys.json'), 'utf8');
  assert.equal((await run('network', 'init', file, '--out', 'net')).code, EXIT.UNAVAILABLE);
  assert.equal(readFileSync(join(folder, 'net', 'riverside', 'keys.json'), 'utf8'), before);
});

test('a plan that does not fit is refused at the place, and nothing is written', async (t) => {
  const { folder, run, plan } = createShell(t);
  const made = await run(...'keys organisation --name N --slug n --role payer --validator --out n.keys'.split(' '));
  const joined = { ...riverside, ...(JSON.parse(made.out) as { entry: object; validator: object }) };
  const rows: readonly (readonly [organisations: unknown, problem: RegExp])[] = [
    [[], /\/organisations /],
    [[{ ...brigid, p2p: 'a.example' }], /\/organisations\/0\/p2p /],
    [[{ ...brigid, url: 'ftp://a' }], /\/organisations\/0\/url /],
    [[{ ...brigid, slug: '../up' }], /\/organisations\/0\/slug /],
    [[{ ...brigid, name: 'Clínica' }], /\/organisations\/0\/name /],
    [[{ ...brigid, roles: ['emperor'] }], /\/organisations\/0\/roles\/0 /],
    [[{ ...brigid, roles: ['payer', 'payer'] }], /ITEM_REPEATED/],
    [[{ ...brigid, power: -1 }], /\/organisations\/0\/power /],
    [[{ ...brigid, power: 0 }], /no organisation has voting power/],
    [[brigid, brigid], /st-brigid stands in it twice/],
    [[brigid, { ...riverside, p2p: brigid.p2p }], /a\.example:26656 stands in it twice/],
    [[brigid, { ...riverside, roles: undefined }], /riverside: roles are missing/],
    [[brigid, { ...joined, validator: undefined }], /riverside: entry and validator belong together/],
    [[joined, { ...joined, slug: 'b', p2p: 'b:1' }], /two validators share an account, key or node/],
    [[{ ...joined, entry: { ...joined.entry, keys: [] } }], /\/organisations\/0\/entry\/keys /],
  ];
  for (const [organisations, problem] of rows) {
    const { code, notes } = await run('network', 'init', plan({ name: 'care', organisations }), '--out', 'net');
    assert.equal(code, EXIT.UNVERIFIED, `${problem} ${notes}`);
    assert.match(notes, /^error NETWORK_PLAN_WRONG: .*`aceso network init --help`/);
    assert.match(notes, problem);
  }
  assert.deepEqual(readdirSync(folder).sort(), ['n.keys', 'plan.json']);
});

test('the ledger of one operator begins with the rules of today', async (t) => {
  const { folder, run, canonical } = createShell(t);
  const keys = 'keys organisation --name N --slug n --role provider --operator --out n.keys'.split(' ');
  const made = await run(...keys);
  writeFileSync(join(folder, 'n.json'), `${made.out}\n`);
  const operator = /operator key: ([0-9a-f]{64})/.exec(made.notes)?.[1] ?? '';
  const line = ['genesis', '--name', 'one', '--operator', operator, '--member', 'n.json', '--out', 'genesis.json'];
  const { code, notes } = await run(...line);
  assert.equal(code, 0, notes);
  const genesis = parseGenesis(canonical('genesis.json'));
  assert.ok(genesis !== undefined);
  const { rules } = genesis.sections.chain;
  assert.equal(rules.find(({ capability }) => capability === 'membership')?.version, 2);
  assert.equal(genesis.operator.publicKey, operator);
  writeFileSync(join(folder, 'odd.json'), '{"account":"x"}');
  const odd = await run(...line.map((word) => (word === 'n.json' ? 'odd.json' : word)), '--witness', `w=${operator}`);
  assert.match(odd.notes, /^error GENESIS_INVALID: /);
});
