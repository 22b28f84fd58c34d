import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { cometBftForTest } from '../../src/ledger/cometbft/engine/engine-for-test.ts';
import { type Ended, endOf } from '../support/ended-process.ts';

/* A consortium of one machine as people run it: processes of their own, with real engines. */

const MAIN = join(import.meta.dirname, '../../bin/aceso.ts');

interface Running {
  /** Resolves once it has printed a match. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<Ended>;
}

interface Shell {
  readonly root: string;
  run(...argv: readonly string[]): Promise<Ended>;
  launch(...argv: readonly string[]): Running;
}

function createShell(t: TestContext, env: NodeJS.ProcessEnv = {}): Shell {
  const root = mkdtempSync(join(tmpdir(), 'aceso-up-'));
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
  const launch = (argv: readonly string[]) => {
    const own = { XDG_CONFIG_HOME: join(root, 'config'), XDG_RUNTIME_DIR: tmpdir(), ACESO_LOG: 'error' };
    const child = spawn(process.execPath, [MAIN, ...argv], {
      cwd: root,
      env: { ...process.env, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = endOf(child);
    t.after(async () => {
      // In good order, for its engines end with it.
      child.kill('SIGTERM');
      await ended;
    });
    return { child, ended };
  };
  return {
    root,
    run: (...argv) => launch(argv).ended,
    launch(...argv) {
      const { child, ended } = launch(argv);
      let out = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      return {
        async printed(pattern) {
          for (;;) {
            const found = pattern.exec(out);
            if (found !== null) return found;
            const over = await Promise.race([ended, once(child.stdout as NodeJS.ReadableStream, 'data')]);
            if ('notes' in over) assert.fail(`it ended: ${over.out}${over.notes}`);
          }
        },
        stop() {
          child.kill('SIGINT');
          return ended;
        },
      };
    },
  };
}

const ORGANISATIONS = ['st-brigid', 'riverside', 'meridian', 'northgate'];

test('the whole story over four nodes, each receipt checked with nothing but genesis', {
  timeout: 120_000,
}, async (t) => {
  if ((await cometBftForTest(t, process.env)) === undefined) return;
  const { root, run } = createShell(t);
  const { code, out, notes } = await run('demo', '--network', '--out', 'story');
  assert.equal(code, 0, notes);
  assert.match(out, /^5\. Riverside asks for treatment: permit .* resources released, sealed to it/m);
  assert.match(out, /^6\. Meridian asks for research: deny /m);
  assert.match(out, /^8\. The physician breaks the glass, stating why, for an hour: permitted\.$/m);
  assert.match(out, /^stands behind each: (?:[34] of 4 members(?:, or )?)+$/m);
  const receipts = join(root, 'story', 'receipts');
  const names = readdirSync(receipts).filter((name) => name.endsWith('.receipt.json'));
  assert.ok(names.length >= 12, `${names.length} receipts`);
  const verified = await run('verify', receipts, '--trust', join(receipts, 'genesis.json'));
  assert.equal(verified.code, 0, verified.notes);
  const other = await run('demo', '--network', '--out', 'story');
  assert.equal(other.code, EXIT.UNAVAILABLE);
  assert.match(other.notes, /^error DEMO_FOLDER_TAKEN: /);
  for (const slug of ORGANISATIONS)
    assert.ok(!existsSync(join(root, 'story', 'network', slug, 'keys.json')), 'sealed, and taken away');
});

test('a network goes up, votes, goes down, and comes up again without one of its nodes', {
  timeout: 120_000,
}, async (t) => {
  if ((await cometBftForTest(t, process.env)) === undefined) return;
  const { root, run, launch } = createShell(t);
  const network = launch('network', 'up', '--out', 'net', '--port', '0', '--empty');
  await network.printed(/Stop them all/);
  const dataOf = (slug: string): string => join('net', slug, 'data');

  const status = await run('network', 'status', '--data', dataOf('meridian'));
  assert.equal(status.code, 0, status.notes);
  assert.match(status.out, /^ledger {3}ok, block \d+/);
  assert.match(status.out, /^Meridian Research Institute +[0-9a-f]{8} +1 +this node +http:/m);
  assert.equal(status.out.match(/ connected {2}/g)?.length, 3, status.out);

  const second = await run('network', 'up', '--out', 'net');
  assert.match(second.notes, /^error NETWORK_PORT_TAKEN: .*\n {2}ports: \[/);
  const others = await run('network', 'up', '--out', 'net', '--validators', '5');
  assert.match(others.notes, /^error NETWORK_MADE_ALREADY: /);

  const made = await run(
    'keys',
    'organisation',
    ...words('--name East --slug east --role payer --validator --out east'),
  );
  assert.equal(made.code, 0, made.notes);
  const { entry, validator } = JSON.parse(made.out) as {
    entry: { account: string };
    validator: { publicKey: string; node: string };
  };
  writeFileSync(join(root, 'east.json'), made.out);
  assert.equal(statSync(join(root, 'east')).mode & 0o777, 0o600);
  const proposed = await run('vote', 'admit', '--entry', 'east.json', '--data', dataOf('st-brigid'));
  assert.equal(proposed.code, 0, proposed.notes);
  const proposal = /^proposal ([0-9a-f]{64})\n1 of 3 votes needed: open$/m.exec(proposed.out)?.[1] ?? '';
  const listed = await run('vote', 'list', '--data', dataOf('riverside'));
  assert.match(listed.out, new RegExp(`^${proposal} {2}1 of 3 votes$`, 'm'));
  const approved = await run('vote', 'approve', proposal, '--data', dataOf('riverside'));
  assert.match(approved.out, /^2 of 3 votes needed: open$/m);
  const again = await run('vote', 'approve', proposal, '--data', dataOf('riverside'));
  assert.match(again.notes, /^error VOTE_REPEATED: /);
  const done = await run('vote', 'approve', proposal, '--data', dataOf('northgate'));
  assert.match(done.out, /^3 of 3 votes needed: reached, and done$/m);
  const set = await run(
    ...['vote', 'set-validator', '--account', entry.account, '--public-key', validator.publicKey],
    ...['--node', validator.node, '--power', '0', '--data', dataOf('meridian')],
  );
  assert.match(set.out, /^1 of 4 votes needed: open$/m);

  const stopped = await network.stop();
  assert.equal(stopped.code, 0, stopped.notes);
  const down = await run('network', 'status', '--data', dataOf('st-brigid'));
  assert.equal(down.code, EXIT.UNAVAILABLE);
  assert.match(down.notes, /^error NODE_NOT_RUNNING: /);

  const three = launch('network', 'up', '--out', 'net', '--without', 'northgate');
  await three.printed(/Stop them all/);
  const without = await run('network', 'status', '--data', dataOf('st-brigid'));
  assert.equal(without.code, 0, without.notes);
  assert.match(without.out, /^Missing: Northgate Health Authority\.$/m);
  const voted = await run('vote', 'list', '--data', dataOf('riverside'));
  assert.match(voted.out, /membership\.setValidator/);
  const withdrawn = await run(
    ...['vote', 'withdraw', /^[0-9a-f]{64}/m.exec(voted.out)?.[0] ?? '', '--data', dataOf('meridian')],
  );
  assert.equal(withdrawn.out, 'withdrawn\n', withdrawn.notes);
  assert.equal((await three.stop()).code, 0);
});

function words(text: string): readonly string[] {
  return text.split(' ');
}

test('without CometBFT it is said at once, and nothing is made', async (t) => {
  const { root, run } = createShell(t, { ACESO_COMETBFT: '/nowhere/cometbft' });
  for (const line of [
    ['network', 'up'],
    ['demo', '--network'],
  ]) {
    const { code, notes } = await run(...line);
    assert.equal(code, EXIT.UNAVAILABLE);
    assert.match(notes, /^error ENGINE_MISSING: .*npm run cometbft:install/);
  }
  assert.deepEqual(readdirSync(root), []);
});
