import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLine } from '../../../test/support/command-line.ts';
import { createHospitalNode, PATIENT } from '../../../test/support/hospital-node.ts';
import { nodeAt } from '../../../test/support/no-nodes.ts';
import { EXIT } from '../exit-codes.ts';

test('the log on the terminal, and the accounting as a report in a file', async (t) => {
  const node = await createHospitalNode(t);
  const url = await node.app.listen({ port: 0, host: '127.0.0.1' });
  const folder = mkdtempSync(join(tmpdir(), 'aceso-cli-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const nodes = nodeAt({ url, node: 'test', adminTokens: { hospital: node.tokens.administrator } });
  const run = (...argv: string[]) => runLine(argv, { cwd: folder, fetch, nodes });
  assert.match((await run('access', 'log', PATIENT)).text, /create +permit/);
  const report = ['access', 'log', PATIENT, '--format', 'csv'];
  const { code, text } = await run(...report, '--out', 'report.csv');
  assert.deepEqual([code, text], [0, 'accounting of disclosures in report.csv']);
  const file = join(folder, 'report.csv');
  assert.match(readFileSync(file, 'utf8'), /,"?create of Observation\/obs-1\/_history\/1"?,permit,/);
  assert.equal(statSync(file).mode & 0o077, 0, 'for its owner alone');
  assert.equal((await run(...report, '--out', 'old.csv', '--end', '2020')).code, 0);
  assert.equal(readFileSync(join(folder, 'old.csv'), 'utf8').split('\r\n').length, 2, 'a head and no line');
  assert.equal((await run(...report)).code, EXIT.USAGE, 'without --out');
  assert.notEqual((await run('access', 'log', PATIENT, '--format', 'pdf', '--out', 'x')).code, 0);
});
