import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Message } from '../../src/chain/transaction.ts';
import { careful, cast, clinician, createNotesChain, hospital, patient, sensor } from '../support/notes-chain.ts';
import { type TestSigner, testSigner } from '../support/test-signer.ts';
import { contractsOf } from '../vectors/chain/contracts.ts';
import { blocksToInput, replay, type Vector } from '../vectors/chain/vector.ts';

const seed = Number(process.env.ACESO_SEED ?? 1);
const blockCount = process.env.ACESO_LONG === '1' ? 2_000 : 25;

/** A small generator (SplitMix32), so that a failure names the seed that repeats it. */
function createRandom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}

/** Blocks of random messages, valid and not, by random signers, at random times. */
function randomBlocks(): Pick<Vector, 'contracts' | 'genesis' | 'blocks'> {
  const random = createRandom(seed);
  const crowd = Array.from({ length: 40 }, (_, at) => testSigner(`crowd ${at}`));
  const sponsored = Object.fromEntries(
    crowd.map(({ account, record }) => [
      account,
      { kind: 'patient' as const, status: 'active' as const, sponsor: hospital.account, keys: [record] },
    ]),
  );
  const limits = { workPerMinute: 200_000, bytesPerMinute: 40_000, urgentPerAccount: 2 };
  const chain = createNotesChain({ limits, accounts: { ...cast, ...sponsored }, onInternalError: () => undefined });
  const signers = [hospital, clinician, patient, careful, sensor, ...crowd];
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const message = (): Message => {
    const name = `n${random(200)}`;
    return pick<Message>([
      { type: 'note.put', name, text: 'x'.repeat(random(300)) },
      { type: 'note.put', name, text: 'y' },
      { type: 'note.drop', name },
      { type: 'note.burn', units: random(100_000) },
      { type: 'note.fail', how: pick(['reject', 'type', 'text', 'data']) },
      { type: 'note.revoke' },
      { type: 'note.sensitive' },
      { type: 'no.such' },
    ]);
  };
  for (let height = 1; height <= blockCount; height++) {
    const wires = Array.from({ length: random(12) }, () => chain.wire(message(), { by: pick<TestSigner>(signers) }));
    if (random(4) === 0 && wires.length > 0) wires.push(pick(wires));
    chain.block(wires);
    chain.advance(random(20_000));
  }
  return { contracts: ['notes'], genesis: chain.genesis, blocks: blocksToInput(chain.blocks) as Vector['blocks'] };
}

const folder = new URL('../vectors/chain/', import.meta.url);
const committed = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Vector);
const lists = [randomBlocks(), ...committed];
const expected = lists.map((list) => replay(contractsOf(list.contracts), list));

const PROCESSES = [
  {
    timeZone: 'Pacific/Kiritimati',
    locale: 'tr-TR',
    lang: 'tr_TR.UTF-8',
    flags: ['--max-old-space-size=96', '--stack-size=500'],
  },
  {
    timeZone: 'America/St_Johns',
    locale: 'sv-SE',
    lang: 'sv_SE.UTF-8',
    flags: ['--no-sparkplug', '--no-opt', '--regexp-interpret-all'],
  },
  {
    timeZone: 'Australia/Lord_Howe',
    locale: 'ar-EG',
    lang: 'ar_EG.UTF-8',
    flags: ['--always-sparkplug', '--hash-seed=4711', '--random-seed=42'],
  },
] as const;

for (const { timeZone, locale, lang, flags } of PROCESSES) {
  test(`the same roots in ${timeZone}, ${locale}, ${flags.join(' ')} (ACESO_SEED=${seed})`, () => {
    const child = spawnSync(
      process.execPath,
      [...flags, fileURLToPath(new URL('./replay-child.ts', import.meta.url))],
      {
        input: JSON.stringify(lists),
        env: { TZ: timeZone, LANG: lang, LC_ALL: lang, PATH: process.env.PATH },
        encoding: 'utf8',
        maxBuffer: 256 * 1024 * 1024,
      },
    );
    assert.equal(child.status, 0, child.stderr);
    const answer = JSON.parse(child.stdout) as {
      timeZone: string;
      locale: string;
      flags: string[];
      roots: typeof expected;
    };
    assert.deepEqual([answer.timeZone, answer.locale, answer.flags], [timeZone, locale, flags]);
    assert.deepEqual(answer.roots, expected);
  });
}

test('the random block list does what it is for: accepted, rejected, budgets used up', () => {
  const codes = new Set(expected[0]?.blocks.flatMap(({ codes: list }) => list));
  for (const code of [
    'OK',
    'NOTE_REFUSED',
    'INTERNAL',
    'TRANSACTION_REPLAYED',
    'BUDGET_EXCEEDED',
    'MESSAGE_INACTIVE',
  ]) {
    assert.ok(codes.has(code), code);
  }
});
