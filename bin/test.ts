import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { createTestReport, type TestEvent } from '../test/house/test-report.ts';

// `npm test` runs the checks and every test; `npm test -- FILE…` those files alone.
const root = join(import.meta.dirname, '..');
const chosen = process.argv.slice(2);
const EVERY_TEST = ['src/**/*.test.ts', 'test/**/*.test.ts'];
const FILE_TIMEOUT_MS = 10 * 60_000;

const checked =
  chosen.length > 0 || spawnSync(process.execPath, [join(root, 'bin/check.ts')], { stdio: 'inherit' }).status === 0;

const report = createTestReport({
  root,
  isCi: process.env.ACESO_CI === '1',
  hasSharedData: existsSync(join(root, '../shared/data')),
  isLong: process.env.ACESO_LONG === '1',
});
const events = run({
  cwd: root,
  globPatterns: chosen.length > 0 ? chosen : EVERY_TEST,
  concurrency: 2,
  timeout: process.env.ACESO_LONG === '1' ? Number.POSITIVE_INFINITY : FILE_TIMEOUT_MS,
});
for await (const event of events) for (const line of report.add(event as TestEvent)) console.log(line);

const { lines, isGood } = report.close();
for (const line of lines) console.log(line);
if (!checked) console.log('check: failed, see above');
process.exitCode = checked && isGood ? 0 : 1;
