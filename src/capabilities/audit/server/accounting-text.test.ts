import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountingReport } from './accounting-report.ts';
import { accountingCsv, accountingPage } from './accounting-text.ts';

const REPORT: AccountingReport = {
  ...{
    patient: 'p1',
    custodian: 'Hospital <North>',
    start: '2020-01-01T00:00:00.000Z',
    end: '2026-01-01T00:00:00.000Z',
  },
  lines: [
    {
      ...{
        event: '0-1',
        date: '2025-01-01T00:00:00.000Z',
        who: '=HYPERLINK("http://evil")',
        organisation: 'Oak, "Elm" & Co',
        app: 'app-1',
      },
      ...{ purpose: 'research (HRESCH)', what: 'release, 2 versions', why: '<script>alert(1)</script>' },
      ...{ decision: 'permit', isDisclosure: true },
    },
  ],
  isWhole: false,
};

test('a cell of CSV is quoted where it must be, and never a formula', () => {
  const [head, line] = accountingCsv(REPORT).split('\r\n');
  assert.equal(head, 'Date,Who,Organisation,App,Purpose,What,Decision,Why,Disclosure (45 CFR 164.528),AuditEvent');
  assert.match(line ?? '', /^2025-01-01T00:00:00\.000Z,"'=HYPERLINK\(""http:\/\/evil""\)","Oak, ""Elm"" & Co",/);
  assert.match(line ?? '', /,yes,0-1$/);
});

test('the page holds no markup but its own, and says when there is more', () => {
  const page = accountingPage(REPORT);
  assert.ok(!page.includes('<script'));
  assert.ok(page.includes('Hospital &lt;North&gt;'));
  assert.match(page, /There is more/);
  assert.ok(!accountingPage({ ...REPORT, isWhole: true }).includes('There is more'));
});
