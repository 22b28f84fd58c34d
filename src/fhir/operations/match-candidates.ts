import { isReject } from '../../std/reject.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { Person } from './match-person.ts';
import type { VisibleData } from './visible-data.ts';

/** A narrow search of Patient: parameters that must all hold. */
type Block = readonly (readonly [parameter: string, value: string])[];

/** Rows that one narrow search gives, and all together. */
const ROWS_OF_BLOCK = 50;
const MAX_ROWS = 400;
/** Narrow searches of one kind. */
const MAX_IDENTIFIERS = 8;
const MAX_TELECOMS = 4;
const MAX_NAMES = 2;
/** Letters of a name that must agree. */
const NAME_CHARS = 3;

export interface Candidates {
  readonly rows: readonly VersionRow[];
  /** True when more may be alike than were looked at. */
  readonly isCut: boolean;
}

/**
 * Everybody whom the caller may see and who shares enough with `person` to be worth comparing: several narrow searches
 * (record linkage calls them blocks), so that a slip in one detail is made up for by another.
 */
export async function findCandidates(data: VisibleData, person: Person): Promise<Candidates> {
  const found = new Map<string, VersionRow>();
  let isCut = false;
  for (const block of blocksOf(person)) {
    if (found.size >= MAX_ROWS) return { rows: [...found.values()], isCut: true };
    const page = await searchBlock(data, block);
    isCut ||= page.more;
    for (const row of page.rows) found.set(row.id, row);
  }
  return { rows: [...found.values()], isCut };
}

async function searchBlock(data: VisibleData, block: Block): Promise<{ rows: VersionRow[]; more: boolean }> {
  try {
    const clauses = data.clauses('Patient', block);
    const { matches, more } = await data.find({ type: 'Patient', clauses, count: ROWS_OF_BLOCK });
    return { rows: matches.map(({ row }) => row), more };
  } catch (thrown) {
    // Another block finds the same person by what is rarer.
    if (isReject(thrown) && (thrown.code === 'SEARCH_TOO_COSTLY' || thrown.code === 'TOO_COSTLY'))
      return { rows: [], more: true };
    throw thrown;
  }
}

/** Narrow searches for a person, the most telling first; none when there is too little to go by. */
export function blocksOf({ identifiers, telecoms, birthDate, names }: Person): readonly Block[] {
  const blocks: Block[] = [];
  for (const { system, value } of identifiers.slice(0, MAX_IDENTIFIERS))
    blocks.push([['identifier', system === '' ? escaped(value) : `${escaped(system)}|${escaped(value)}`]]);
  for (const { written } of telecoms.slice(0, MAX_TELECOMS)) blocks.push([['telecom', escaped(written)]]);
  const named = names.slice(0, MAX_NAMES).map(({ written: { family, given } }) => ({
    family: escaped(beginningOf(family)),
    given: escaped(beginningOf(given)),
  }));
  const { year, month, day } = birthDate ?? {};
  const isWhole = year !== undefined && month !== undefined && day !== undefined;
  for (const { family, given } of named) {
    if (isWhole && family !== '')
      blocks.push([
        ['birthdate', dateText(year, month, day)],
        ['family', family],
      ]);
    if (isWhole && given !== '')
      blocks.push([
        ['birthdate', dateText(year, month, day)],
        ['given', given],
      ]);
    if (family !== '' && given !== '') {
      if (year !== undefined)
        blocks.push([
          ['family', family],
          ['given', given],
          ['birthdate', yearText(year)],
        ]);
      blocks.push(
        [
          ['family', family],
          ['given', given],
        ],
        [
          ['family', given],
          ['given', family],
        ],
      );
    }
    if (isWhole && month !== day && day <= 12 && family !== '')
      blocks.push([
        ['birthdate', dateText(year, day, month)],
        ['family', family],
      ]);
  }
  if (isWhole) blocks.push([['birthdate', dateText(year, month, day)]]);
  if (isWhole && month !== day && day <= 12) blocks.push([['birthdate', dateText(year, day, month)]]);
  return blocks;
}

function beginningOf(name: string): string {
  return [...name].slice(0, NAME_CHARS).join('').trim();
}

function dateText(year: number, month: number, day: number): string {
  return `${yearText(year)}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function yearText(year: number): string {
  return String(year).padStart(4, '0');
}

/** What separates values and parts of them, taken as it is (R4 §3.1.1.4.0.1). */
function escaped(value: string): string {
  return value.replace(/[\\,|$]/g, '\\$&');
}
