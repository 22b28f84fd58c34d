/** A figure, or why there is none. */
export interface Row {
  readonly name: string;
  readonly value: number | null;
  readonly unit: string;
  readonly bound: number | null;
  readonly ratio: number | null;
  /** Latency that 99 of 100 requests stay below, in milliseconds. */
  readonly p99Ms?: number;
  readonly note?: string;
}

/** One node: on a database, with so many patients, with something switched off or not. */
export interface Section {
  readonly database: string;
  readonly patients: number;
  /** What is off; empty for the product as it is. */
  readonly off: readonly string[];
  readonly rows: readonly Row[];
}

export function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}

/** Lines `{name, value, unit, bound, ratio}`; the name says the node: `fhir.sqlite.1000.no-journal.read`. */
export function sectionToJson({ database, patients, off, rows }: Section): string[] {
  const without = off.length === 0 ? '' : `.no-${off.join('-')}`;
  return rows.map(({ name, value, unit, bound, ratio, note }) => {
    const full = `fhir.${database}.${patients}${without}.${name.replace(/ /g, '-')}`;
    return JSON.stringify({ name: full, value, unit, bound, ratio, ...(note !== undefined && { note }) });
  });
}

/** The product as it is: each figure beside its bound. */
export function sectionToTable({ database, patients, rows }: Section): string[] {
  const lines = [
    '',
    `${databaseName(database)}, ${patients.toLocaleString('en-US')} patients: encryption, journal and consent on`,
    cells(['', 'per second', 'bare HTTP', 'share', '99 % within']),
  ];
  for (const { name, value, unit, bound, ratio, note, p99Ms } of rows) {
    if (value === null) lines.push(`  ${name.padEnd(NAME_WIDTH)}${note ?? ''}`);
    else if (unit !== '1/s') lines.push(cells([name, `${value} ${unit}`]));
    else {
      const share = ratio === null ? '' : `${Math.round(ratio * 100)} %`;
      const latency = p99Ms === undefined ? '' : `${p99Ms.toFixed(1)} ms`;
      lines.push(cells([name, String(value), String(bound ?? ''), share, latency]));
    }
  }
  return lines;
}

/** What each part costs: a column for each node on the same database with something off. */
export function costTable(sections: readonly Section[]): string[] {
  const [all] = sections;
  if (all === undefined || sections.length < 2) return [];
  const heads = sections.map(({ off }) => (off.length === 0 ? 'all on' : off.length > 1 ? 'all off' : `no ${off[0]}`));
  const lines = [
    '',
    `What it costs, ${databaseName(all.database)}, ${all.patients.toLocaleString('en-US')} patients (per second)`,
    cells(['', ...heads]),
  ];
  for (const { name, unit } of all.rows) {
    const values = sections.map(({ rows }) => rows.find((row) => row.name === name)?.value ?? null);
    if (values.every((value) => value === null)) continue;
    lines.push(cells([unit === '1/s' ? name : `${name}, ${unit}`, ...values.map((value) => String(value ?? '-'))]));
  }
  return lines;
}

const NAME_WIDTH = 24;

function cells([name = '', ...values]: readonly string[]): string {
  return `  ${name.padEnd(NAME_WIDTH)}${values.map((value) => value.padStart(15)).join('')}`.trimEnd();
}

function databaseName(database: string): string {
  return database === 'postgres' ? 'PostgreSQL' : 'SQLite';
}
