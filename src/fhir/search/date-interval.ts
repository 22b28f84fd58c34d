/** A closed interval on a line: of time in milliseconds since 1970, or of numbers. Infinities are open ends. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,20}))?)?(Z|([+-])(\d\d):(\d\d))?)?)?)?$/;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/**
 * The time that a date, dateTime or instant (R4 §2.24.0.1) may mean: all of the year, month, day, minute or second
 * that it names. Without a zone it is taken as UTC: R4 §3.1.1.4.7 leaves that to the server, and a server that many
 * organisations reach has no place of its own. Beyond milliseconds digits are dropped. Undefined when it is no date.
 */
export function dateInterval(text: string): Interval | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  if (match[2] === undefined) return { low: dayOf(year, 1, 1) * DAY_MS, high: dayOf(year + 1, 1, 1) * DAY_MS - 1 };
  const month = Number(match[2]);
  if (month < 1 || month > 12) return undefined;
  const first = dayOf(year, month, 1);
  const next = month === 12 ? dayOf(year + 1, 1, 1) : dayOf(year, month + 1, 1);
  if (match[3] === undefined) return { low: first * DAY_MS, high: next * DAY_MS - 1 };
  const day = first + Number(match[3]) - 1;
  if (day < first || day >= next) return undefined;
  if (match[4] === undefined) return { low: day * DAY_MS, high: (day + 1) * DAY_MS - 1 };
  return timeInterval(day * DAY_MS, match);
}

function timeInterval(dayMs: number, match: readonly (string | undefined)[]): Interval | undefined {
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6] ?? 0)];
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  let offset = 0;
  if (match[9] !== undefined) {
    const [hours, minutes] = [Number(match[10]), Number(match[11])];
    if (hours > 14 || minutes > 59) return undefined;
    offset = (match[9] === '-' ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
  }
  const low = dayMs + (hour * 60 + minute) * MINUTE_MS - offset;
  if (match[6] === undefined) return { low, high: low + MINUTE_MS - 1 };
  const fraction = match[7];
  if (fraction === undefined) return { low: low + second * 1000, high: low + second * 1000 + 999 };
  const from = low + second * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'));
  return { low: from, high: from + 10 ** Math.max(0, 3 - fraction.length) - 1 };
}

/** Days from 1970-01-01 to a day of the Gregorian calendar. Years begin in March, so that the leap day comes last. */
function dayOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
