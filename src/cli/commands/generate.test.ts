import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { after, test } from 'node:test';
import { parseArgs } from 'node:util';
import { testContext } from '../../../test/support/command-line.ts';
import { isReject } from '../../std/reject.ts';
import { generateCommand } from './generate.ts';

const root = mkdtempSync(join(tmpdir(), 'aceso-generate-'));
after(() => rmSync(root, { recursive: true, force: true }));

async function generate(argv: readonly string[], output?: Writable): Promise<{ lines: string[]; notes: string[] }> {
  const { context, out, notes } = testContext({ cwd: root, ...(output !== undefined && { output }) });
  const { values } = parseArgs({ args: [...argv], options: generateCommand.options, strict: true });
  await generateCommand.run(context, values, []);
  return { lines: out, notes };
}

function collect(highWaterMark = 1): Writable & { text: string; most: number } {
  const stream = new Writable({
    highWaterMark,
    write(chunk: Buffer, _encoding, done) {
      target.text += chunk.toString();
      target.most = Math.max(target.most, stream.writableLength);
      setTimeout(done, 1);
    },
  });
  const target = Object.assign(stream, { text: '', most: 0 });
  return target;
}

function refuses(problem: RegExp) {
  return (error: unknown) =>
    isReject(error) && error.code === 'ARGUMENTS_WRONG' && problem.test(JSON.stringify(error.data));
}

test('Bundles on standard output: the organisation first, a line each, the same for the same seed', async () => {
  const output = collect();
  await generate(['--patients', '4', '--seed', 'one'], output);
  const lines = output.text.trimEnd().split('\n');
  assert.equal(lines.length, 5);
  const bundles = lines.map((line) => JSON.parse(line));
  assert.ok(bundles.every(({ resourceType, type }) => resourceType === 'Bundle' && type === 'transaction'));
  assert.equal(bundles[0].entry[0].resource.resourceType, 'Organization');
  const again = collect();
  await generate(['--patients', '4', '--seed', 'one'], again);
  assert.equal(again.text, output.text);
  const other = await generate(['--patients', '4', '--seed', 'two']);
  assert.notEqual(other.lines.join('\n'), lines.join('\n'));
});

test('a slow reader is waited for: one line at a time is under way', async () => {
  const output = collect();
  await generate(['--patients', '10'], output);
  const longest = Math.max(...output.text.split('\n').map((line) => line.length));
  assert.ok(output.most <= longest + 1, `${output.most} bytes buffered, longest line ${longest}`);
});

test('NDJSON: each reference names a resource of the stream, and staff comes once', async () => {
  const { lines } = await generate(['--patients', '5', '--format', 'ndjson', '--years', '1']);
  const resources = lines.map((line) => JSON.parse(line));
  const names = new Set(resources.map(({ resourceType, id }) => `${resourceType}/${id}`));
  assert.equal(names.size, resources.length);
  for (const [, reference] of lines.join('\n').matchAll(/"reference":"([^"]+)"/g)) {
    assert.ok(names.has(reference as string), `${reference}`);
  }
});

test('a folder of Bundles is filled up where it was cut short, and refuses other people', async () => {
  const out = join(root, 'bundles');
  await generate(['--patients', '3', '--out', out]);
  assert.deepEqual(readdirSync(out), [
    'organisationInformation.json',
    'patient-0000001.json',
    'patient-0000002.json',
    'patient-0000003.json',
    'population.txt',
  ]);
  const second = readFileSync(join(out, 'patient-0000002.json'), 'utf8');
  // As after a power cut: the second was being written.
  rmSync(join(out, 'patient-0000002.json'));
  rmSync(join(out, 'patient-0000003.json'));
  writeFileSync(join(out, 'patient-0000002.json.partial'), second.slice(0, 100));
  const { notes } = await generate(['--patients', '4', '--out', out]);
  assert.match(notes.join(), /^4 patients; /);
  assert.equal(readFileSync(join(out, 'patient-0000002.json'), 'utf8'), second);
  assert.ok(!readdirSync(out).some((name) => name.endsWith('.partial')));
  await assert.rejects(generate(['--patients', '4', '--seed', 'x', '--out', out]), refuses(/another population/));
  const taken = join(root, 'taken');
  await generate(['--patients', '1', '--out', taken]);
  rmSync(join(taken, 'population.txt'));
  await assert.rejects(generate(['--patients', '1', '--out', taken]), refuses(/not empty/));
});

test('a folder of NDJSON has a file for each type, whole or not at all', async () => {
  const out = join(root, 'ndjson');
  await generate(['--patients', '3', '--format', 'ndjson', '--out', out]);
  const files = readdirSync(out);
  assert.ok(
    files.includes('Patient.ndjson') && files.includes('Observation.ndjson') && files.includes('population.txt'),
  );
  assert.ok(!files.some((name) => name.endsWith('.partial')));
  assert.equal(readFileSync(join(out, 'Patient.ndjson'), 'utf8').trimEnd().split('\n').length, 3);
  assert.equal(readFileSync(join(out, 'Practitioner.ndjson'), 'utf8').trimEnd().split('\n').length, 24);
  await assert.rejects(generate(['--patients', '3', '--format', 'ndjson', '--out', out]), refuses(/already/));
});

test('years and dates bound what is recorded', async () => {
  const { lines } = await generate(['--patients', '8', '--to', '2020-01-01', '--from', '2019-01-01']);
  const starts = [...lines.join('').matchAll(/"period":\{"start":"([^"]+)"/g)].map(([, start]) => start as string);
  assert.ok(starts.length > 0 && starts.every((start) => start < '2020-01-01'));
});

test('what makes no sense is refused before anything is written', async () => {
  for (const [argv, problem] of [
    [['--seed', 'x'], /patients/],
    [['--patients', '0'], /number from 1/],
    [['--patients', '1e3'], /number from 1/],
    [['--patients', '2', '--format', 'xml'], /bundles or ndjson/],
    [['--patients', '2', '--to', '2020-02-30'], /date/],
    [['--patients', '2', '--from', '2027-01-01'], /recorded time/],
    [['--patients', '2', '--years', '31'], /recorded time/],
    [['--patients', '2', '--years', '3', '--from', '2020-01-01'], /say the same/],
    [['--patients', '2', '--seed', 'a\nb'], /printable/],
  ] as const) {
    const out = join(root, 'never');
    await assert.rejects(generate([...argv, '--out', out]), refuses(problem), argv.join(' '));
    assert.ok(!readdirSync(root).includes('never'));
  }
});

test('a reader that goes away is a quiet end', async () => {
  const command = new URL('./generate.ts', import.meta.url).href;
  const program = `
    import { generateCommand } from '${command}';
    const context = {
      cwd: '.', output: process.stdout, note: () => {}, print: () => {}, progress: () => ({ update() {}, stop() {} }),
    };
    await generateCommand.run(context, { patients: '100000' }, []);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, complaints);
  assert.doesNotMatch(complaints, /EPIPE/);
});
