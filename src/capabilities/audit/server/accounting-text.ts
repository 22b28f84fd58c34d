import { escapeHtml } from '../../../std/escape-html.ts';
import type { AccountingLine, AccountingReport } from './accounting-report.ts';

const COLUMNS: readonly (readonly [title: string, of: (line: AccountingLine) => string])[] = [
  ['Date', ({ date }) => date],
  ['Who', ({ who }) => who],
  ['Organisation', ({ organisation }) => organisation],
  ['App', ({ app }) => app],
  ['Purpose', ({ purpose }) => purpose],
  ['What', ({ what }) => what],
  ['Decision', ({ decision }) => decision],
  ['Why', ({ why }) => why],
  ['Disclosure (45 CFR 164.528)', ({ isDisclosure }) => (isDisclosure ? 'yes' : 'no')],
  ['AuditEvent', ({ event }) => event],
];

/** A report as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is led by an apostrophe. */
export function accountingCsv({ lines }: AccountingReport): string {
  const rows = [COLUMNS.map(([title]) => title), ...lines.map((line) => COLUMNS.map(([, of]) => of(line)))];
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Style alone, of the page's own. */
export const ACCOUNTING_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE = `body{font:11pt/1.4 system-ui,sans-serif;margin:2rem;color:#111}
table{border-collapse:collapse;width:100%}
th,td{border:1px solid #999;padding:.25rem .4rem;text-align:left;vertical-align:top;font-size:9pt;overflow-wrap:anywhere}
thead{display:table-header-group}tr{break-inside:avoid}
@media print{body{margin:0}@page{size:A4 landscape;margin:12mm}}`;

/** A report as a page to be printed, without scripts. */
export function accountingPage({ patient, custodian, start, end, lines, isWhole }: AccountingReport): string {
  const head = COLUMNS.map(([title]) => `<th scope="col">${escapeHtml(title)}</th>`).join('');
  const rows = lines.map((line) => `<tr>${COLUMNS.map(([, of]) => `<td>${escapeHtml(of(line))}</td>`).join('')}</tr>`);
  const more = isWhole
    ? ''
    : '<p><strong>There is more: ask again with an end at the date of the last line.</strong></p>';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Accounting of disclosures</title><style>${STYLE}</style></head>
<body><h1>Accounting of disclosures</h1>
<p>Patient ${escapeHtml(patient)}, records kept by ${escapeHtml(custodian)}, from ${start} to ${end}: ${lines.length} lines.</p>
<p>Who read, wrote, received, or asked in vain. The column on 45 CFR 164.528 marks what the law asks to be accounted for.
Each line is an entry of the custodian’s journal; <code>/audit/AuditEvent/&lt;id&gt;/$receipt</code> proves it.</p>${more}
<table><thead><tr>${head}</tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}
