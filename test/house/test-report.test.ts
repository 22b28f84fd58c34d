import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestReport, type TestEvent, type TestReportOptions } from './test-report.ts';

const ROOT = '/project';
const LOCAL: TestReportOptions = { root: ROOT, isCi: false, hasSharedData: true };

function passed(data: Partial<TestEvent['data']> = {}): TestEvent {
  return { type: 'test:pass', data: { name: 'a', file: `${ROOT}/src/a.test.ts`, details: { type: 'test' }, ...data } };
}

function closed(options: TestReportOptions, ...events: TestEvent[]) {
  const report = createTestReport(options);
  const printed = events.flatMap((event) => report.add(event));
  const { lines, isGood } = report.close();
  return { printed, lines, isGood, last: lines.at(-1) };
}

test('a run that passed is good, and its last line counts', () => {
  const { isGood, last } = closed(LOCAL, passed(), passed({ details: { type: 'suite' } }), passed());
  assert.ok(isGood);
  assert.equal(last, 'test: 2 tests in 0 files: 2 passed, 0 failed, 0 skipped');
});

test('a failure is printed with its place and cause, and the run is bad', () => {
  const error = { cause: new Error('the tide is out') };
  const failed: TestEvent = { ...passed({ line: 7, details: { type: 'test', error } }), type: 'test:fail' };
  const { printed, isGood } = closed(LOCAL, passed(), failed);
  assert.ok(!isGood);
  assert.equal(printed[0], 'FAIL src/a.test.ts:7 a');
  assert.match(printed[1] ?? '', /the tide is out/);
});

test('a file that fails as a whole is shown with what it said on stderr', () => {
  const file = `${ROOT}/src/a.test.ts`;
  const said: TestEvent = { type: 'test:stderr', data: { file, message: 'SyntaxError: the moon\n' } };
  const failed: TestEvent = {
    ...passed({ name: file, details: { error: { cause: 'test failed' } } }),
    type: 'test:fail',
  };
  const { printed, isGood } = closed(LOCAL, said, failed);
  assert.ok(!isGood);
  assert.equal(printed[1], '  SyntaxError: the moon');
});

test('a run without a test is bad', () => {
  const { isGood, lines } = closed(LOCAL);
  assert.ok(!isGood);
  assert.ok(lines.includes('FAIL no test was seen'));
});

test('a skip is listed with its reason, and no failure', () => {
  const { isGood, lines } = closed(LOCAL, passed(), passed({ name: 'page', skip: 'needs Chromium' }));
  assert.ok(isGood);
  assert.equal(lines[0], 'skip src/a.test.ts: page: needs Chromium');
});

test('in CI a skip for want of Chromium or CometBFT, or of data that is there, is a failure', () => {
  const chromium = passed({ skip: 'there is no chromium' });
  const engine = passed({ skip: 'CometBFT is not installed: npm run cometbft:install' });
  const data = passed({ skip: 'needs ../shared/data/synthea' });
  const other = passed({ skip: 'set ACESO_LONG=1' });
  const ci = { ...LOCAL, isCi: true };
  assert.ok(!closed(ci, chromium).isGood);
  assert.ok(!closed(ci, engine).isGood);
  assert.ok(!closed(ci, data).isGood);
  assert.ok(closed({ ...ci, hasSharedData: false }, data).isGood);
  assert.ok(closed(ci, other).isGood);
  assert.ok(closed(LOCAL, chromium, data, other).isGood);
});

test('what a test says of its figures is shown in long forms alone', () => {
  const said = { type: 'test:diagnostic', data: { file: `${ROOT}/src/a.test.ts`, message: 'recovery 2 s' } };
  const own = { type: 'test:diagnostic', data: { message: 'tests 1' } };
  assert.deepEqual(closed(LOCAL, said, own).printed, []);
  assert.deepEqual(closed({ ...LOCAL, isLong: true }, said, own).printed, ['     recovery 2 s']);
});

test('a file is one line', () => {
  const counts = { tests: 3, failed: 1, cancelled: 0 };
  const { printed } = closed(LOCAL, {
    type: 'test:summary',
    data: { file: `${ROOT}/src/a.test.ts`, duration_ms: 1234, counts },
  });
  assert.deepEqual(printed, ['FAIL src/a.test.ts (3 tests, 1.2 s)']);
});
