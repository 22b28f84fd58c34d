import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testContext } from '../../../test/support/command-line.ts';
import { runCli } from '../main.ts';

/** A node that keeps what it is given, and what a command line printed and noted. */
function createDesk() {
  const puts: unknown[] = [];
  let state: { revision: number; rules: unknown[] } = { revision: 0, rules: [] };
  const { context, out, notes } = testContext({
    cwd: '/',
    fetch: async (url, init) => {
      assert.equal(String(url), 'http://node.example/api/outgoing');
      if (init?.method === 'PUT') {
        const given = JSON.parse(String(init.body));
        puts.push(given);
        state = { ...given, revision: given.revision + 1 };
      }
      return Response.json(state);
    },
  });
  const run = (...words: string[]) => runCli(['outgoing', ...words, '--url', 'http://node.example'], context);
  return { run, out, notes, puts };
}

test('origins are allowed, listed and forbidden', async () => {
  const { run, out, notes, puts } = createDesk();
  assert.equal(await run('list'), 0);
  assert.match(notes.join(), /none, so nothing is asked/);
  assert.equal(await run('allow', 'HTTPS://Hook.example:443/'), 0);
  assert.equal(await run('allow', 'http://10.1.2.3:8080', '--addresses', '10.0.0.0/8,127.0.0.1/32'), 0);
  assert.match(notes.join(), /plain HTTP/);
  assert.equal(await run('list'), 0);
  assert.equal(await run('forbid', 'https://hook.example'), 0);
  assert.equal(await run('forbid', 'https://hook.example'), 0);
  const inner = { origin: 'http://10.1.2.3:8080', addresses: ['10.0.0.0/8', '127.0.0.1/32'] };
  assert.deepEqual(puts, [
    { revision: 0, rules: [{ origin: 'https://hook.example' }] },
    { revision: 1, rules: [{ origin: 'https://hook.example' }, inner] },
    { revision: 2, rules: [inner] },
  ]);
  const line = 'http://10.1.2.3:8080 (also at 10.0.0.0/8, 127.0.0.1/32)';
  assert.deepEqual(out, [
    ...['Allowed https://hook.example', `Allowed ${line}`, 'https://hook.example', line],
    'Forbidden https://hook.example',
  ]);
  assert.equal(notes.at(-1), 'https://hook.example was not allowed');
});

test('what is said again of an origin holds in place of what was said before', async () => {
  const { run, puts } = createDesk();
  await run('allow', 'https://hook.example', '--addresses', '10.0.0.0/8');
  await run('allow', 'https://hook.example');
  assert.deepEqual(puts.at(-1), { revision: 1, rules: [{ origin: 'https://hook.example' }] });
});

test('what is no origin is not sent', async () => {
  const { run, notes, puts } = createDesk();
  for (const word of [
    'hook.example',
    'https://hook.example/path',
    'https://a@b.example',
    'ftp://hook.example',
    'https://',
  ])
    assert.equal(await run('allow', word), 2, word);
  assert.equal(await run('allow'), 2);
  assert.equal(await run('forbid'), 2);
  assert.match(notes.join(), /name an origin/);
  assert.deepEqual(puts, []);
});
