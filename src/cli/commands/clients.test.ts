import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runLine } from '../../../test/support/command-line.ts';
import { nodeAt } from '../../../test/support/no-nodes.ts';
import { startSeededNode } from '../../../test/support/seeded-node.ts';

const APP = {
  client_name: 'Growth Chart',
  redirect_uris: ['https://app.example/callback'],
  launch_uri: 'https://app.example/launch',
  token_endpoint_auth_method: 'client_secret_basic',
  scope: 'launch openid fhirUser patient/Observation.rs',
};

/** A whole node, and a command line beside it. */
async function shellOf(t: TestContext) {
  const { node, fhirUrl } = await startSeededNode(t);
  const folder = mkdtempSync(join(tmpdir(), 'aceso-clients-'));
  t.after(() => rmSync(folder, { recursive: true }));
  async function run(...argv: string[]) {
    const { code, out, notes } = await runLine(argv, { cwd: folder, fetch, nodes: nodeAt(node) });
    return { code, out: out === '' ? [] : out.split('\n'), notes };
  }
  return { node, fhirUrl, folder, run };
}

test('apps are registered, listed, launched and removed on the command line', async (t) => {
  const { node, fhirUrl, folder, run } = await shellOf(t);
  const empty = await run('clients', 'list');
  assert.deepEqual([empty.code, empty.out], [0, []]);
  assert.match(empty.notes, /none; `aceso clients register/);

  writeFileSync(join(folder, 'app.json'), JSON.stringify(APP));
  const registered = await run('clients', 'register', 'app.json');
  const [id = '', secret = ''] = registered.out;
  assert.match(id, /^[\w-]{22}$/, registered.notes);
  assert.match(secret, /^[\w-]{43}$/);
  assert.match(registered.notes, /shown this once/);

  const { out: table } = await run('clients', 'list');
  assert.equal(table.length, 2);
  assert.match(table[0] ?? '', /^CLIENT {18}KIND {2}PROVES ITSELF BY {2}SINCE {7}NAME$/);
  assert.match(table[1] ?? '', new RegExp(`^${id} {2}app {3}secret {12}\\d{4}-\\d\\d-\\d\\d {2}Growth Chart$`));
  const { out: long } = await run('clients', 'list', '--long');
  assert.ok(long.includes('  may ask for: launch openid fhirUser patient/Observation.rs'), long.join('\n'));
  assert.ok(long.includes('  launched at: https://app.example/launch'));
  assert.ok(!`${table}${long}`.includes(secret), 'a secret is shown once');

  const [admin = ''] = Object.values(node.adminTokens);
  const patients = await fetch(`${fhirUrl}/Patient?_count=1`, {
    headers: { authorization: `Bearer ${admin}`, 'aceso-purpose': 'TREAT' },
  });
  const { entry = [] } = (await patients.json()) as { entry?: { resource: { id: string } }[] };
  const launched = await run('launch', id, '--patient', entry[0]?.resource.id ?? '');
  const url = new URL(launched.out[0] ?? '', 'none:');
  assert.equal(`${url.origin}${url.pathname}`, APP.launch_uri, launched.notes);
  assert.equal(url.searchParams.get('iss'), fhirUrl);
  assert.match(url.searchParams.get('launch') ?? '', /^[\w-]{32}$/);
  assert.match((await run('launch', id, '--patient', 'nobody')).notes, /LAUNCH_INVALID/);

  assert.deepEqual((await run('clients', 'remove', id)).out, ['removed']);
  const again = await run('clients', 'remove', id);
  assert.equal(again.code, 4);
  assert.match(again.notes, /CLIENT_UNKNOWN/);

  const { out: tokens, notes } = await run('clients', 'registration-token');
  assert.match(notes, /one registration, until [\s\S]*shown this once/);
  const register = () =>
    fetch(`${node.url}/auth/register`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens[0]}`, 'content-type': 'application/json' },
      body: JSON.stringify(APP),
    });
  assert.equal((await register()).status, 201);
  assert.equal((await register()).status, 403, 'the token is used up');

  const keysOf = async () =>
    ((await (await fetch(`${node.url}/auth/jwks`)).json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  const before = await keysOf();
  assert.deepEqual((await run('clients', 'rotate-keys')).out, ['rotated']);
  const after = await keysOf();
  assert.ok(before.every((kid) => after.includes(kid)) && after.length > before.length, `${before} then ${after}`);
});

test('what is no registration, or names no client, is refused with what to do', async (t) => {
  const { folder, run } = await shellOf(t);
  writeFileSync(join(folder, 'text.json'), 'client_name: x');
  writeFileSync(join(folder, 'red.json'), JSON.stringify({ ...APP, client_name: 'Growth Chart \u001b[31m' }));
  writeFileSync(join(folder, 'empty.json'), '{}');
  for (const [words, code, said] of [
    [['clients', 'register'], 2, /name the file/],
    [['clients', 'register', 'text.json'], 2, /not JSON/],
    [['clients', 'register', 'none.json'], 4, /FILE_UNREADABLE/],
    [['clients', 'register', 'empty.json'], 5, /CLIENT_INVALID[\s\S]*reason: .*client_name/],
    [['clients', 'register', 'red.json'], 5, /CLIENT_INVALID[\s\S]*reason: client_name/],
    [['clients', 'remove', '../keys'], 2, /client_id/],
    [['launch', 'abc'], 2, /--patient is missing/],
    [['launch', '--patient', 'x'], 2, /client_id/],
  ] as const) {
    const { code: ended, notes } = await run(...words);
    assert.match(notes, said, words.join(' '));
    assert.equal(ended, code, words.join(' '));
  }
});
