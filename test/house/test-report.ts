import { inspect } from 'node:util';

/** What the report needs of node:test's events `test:pass`, `test:fail`, `test:stderr`, `test:diagnostic`, `test:summary`. */
export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly message?: string;
    readonly nesting?: number;
    readonly file?: string | undefined;
    readonly line?: number | undefined;
    readonly skip?: string | boolean | undefined;
    readonly todo?: string | boolean | undefined;
    readonly details?: { readonly type?: string | undefined; readonly error?: { readonly cause?: unknown } };
    readonly duration_ms?: number;
    readonly counts?: { readonly tests: number; readonly failed: number; readonly cancelled: number };
  };
}

export interface TestReportOptions {
  readonly root: string;
  /** With ACESO_CI a skip is a failure where the machine was meant to have what the test needs. */
  readonly isCi: boolean;
  /** Whether the data beside the project is there; a test that says it is not, is wrong. */
  readonly hasSharedData: boolean;
  /** Whether what tests say of their figures is shown, as long forms do. */
  readonly isLong?: boolean;
}

export interface TestReport {
  /** Lines to print for an event, none for most. */
  add(event: TestEvent): string[];
  /** Closing lines, the counts last, and whether the run is good. */
  close(): { readonly lines: string[]; readonly isGood: boolean };
}

const MAX_STDERR_CHARACTERS = 4000;

/** A concise account of a run: one line for each file, failures in full, skips with their reasons, counts. */
export function createTestReport(options: TestReportOptions): TestReport {
  const counts = { passed: 0, failed: 0, skipped: 0, todo: 0 };
  const skips: string[] = [];
  const forbiddenSkips: string[] = [];
  const stderr = new Map<string, string>();
  let files = 0;

  const place = (event: TestEvent) => (event.data.file ?? '').replace(`${options.root}/`, '');

  const addResult = (event: TestEvent): string[] => {
    const { name = '', file, details, skip, todo, line } = event.data;
    if (details?.type === 'suite' && event.type === 'test:pass') return [];
    if (skip !== undefined && skip !== false) {
      counts.skipped++;
      const entry = `${place(event)}: ${name}: ${skip === true || skip === '' ? 'no reason given' : skip}`;
      (isForbiddenSkip(entry, options) ? forbiddenSkips : skips).push(entry);
      return [];
    }
    if (todo !== undefined && todo !== false) {
      counts.todo++;
      return [];
    }
    if (event.type === 'test:pass') {
      counts.passed++;
      return [];
    }
    counts.failed++;
    const error = details?.error?.cause ?? details?.error;
    // A file that failed as a whole, before or between its tests, has said why on stderr alone.
    const said = name === file ? (stderr.get(file) ?? '') : '';
    return [
      `FAIL ${place(event)}:${line ?? 1} ${name}`,
      indent(said === '' ? inspect(error, { depth: 4 }) : said.trimEnd()),
    ];
  };

  const addSummary = ({ data, ...event }: TestEvent): string[] => {
    if (data.file === undefined) return [];
    files++;
    const { tests = 0, failed = 0, cancelled = 0 } = data.counts ?? {};
    const seconds = ((data.duration_ms ?? 0) / 1000).toFixed(1);
    const word = failed + cancelled === 0 ? 'ok  ' : 'FAIL';
    return [`${word} ${place({ data, ...event })} (${tests} tests, ${seconds} s)`];
  };

  const addStderr = ({ data: { file = '', message = '' } }: TestEvent): string[] => {
    stderr.set(file, `${stderr.get(file) ?? ''}${message}`.slice(-MAX_STDERR_CHARACTERS));
    return [];
  };

  return {
    add: (event) => {
      if (event.type === 'test:stderr') return addStderr(event);
      // Those without a file are the runner's own counts.
      if (event.type === 'test:diagnostic')
        return options.isLong === true && event.data.file !== undefined ? [`     ${event.data.message ?? ''}`] : [];
      if (event.type === 'test:pass' || event.type === 'test:fail') return addResult(event);
      return event.type === 'test:summary' ? addSummary(event) : [];
    },
    close: () => {
      const { passed, failed, skipped, todo } = counts;
      const total = passed + failed + skipped + todo;
      const lines = skips.map((skip) => `skip ${skip}`);
      lines.push(...forbiddenSkips.map((skip) => `FAIL skipped where it must run: ${skip}`));
      if (total === 0) lines.push('FAIL no test was seen');
      const figures = `${total} tests in ${files} files: ${passed} passed, ${failed} failed, ${skipped} skipped`;
      lines.push(`test: ${figures}${todo > 0 ? `, ${todo} to do` : ''}`);
      return { lines, isGood: total > 0 && failed === 0 && forbiddenSkips.length === 0 };
    },
  };
}

function isForbiddenSkip(entry: string, { isCi, hasSharedData }: TestReportOptions): boolean {
  return isCi && (/chromium|cometbft is not installed/i.test(entry) || (hasSharedData && entry.includes('../shared')));
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
