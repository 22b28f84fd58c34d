/** Days on the proleptic Gregorian calendar, counted from 1970-01-01, and times within them. No time zone but UTC. */
const DAY_MS = 86_400_000;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Day number of `YYYY-MM-DD`. Throws RangeError for any other text or a day that does not exist. */
export function dateToDay(date: string): number {
  const parts = DATE.exec(date);
  const day = parts === null ? Number.NaN : Date.UTC(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3])) / DAY_MS;
  if (Number.isNaN(day) || dayToDate(day) !== date) throw new RangeError(`not a date YYYY-MM-DD: ${date}`);
  return day;
}

/** FHIR date of a day. */
export function dayToDate(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** FHIR dateTime of `minute` minutes into a day. */
export function dayToDateTime(day: number, minute: number): string {
  return `${new Date(day * DAY_MS + minute * 60_000).toISOString().slice(0, 19)}Z`;
}

/** Calendar year of a day. */
export function yearOf(day: number): number {
  return new Date(day * DAY_MS).getUTCFullYear();
}

/** Whole years lived on `day` by somebody born on `birthDay`. */
export function ageOn(birthDay: number, day: number): number {
  const [birth, now] = [new Date(birthDay * DAY_MS), new Date(day * DAY_MS)];
  const years = now.getUTCFullYear() - birth.getUTCFullYear();
  const isBeforeBirthday =
    now.getUTCMonth() < birth.getUTCMonth() ||
    (now.getUTCMonth() === birth.getUTCMonth() && now.getUTCDate() < birth.getUTCDate());
  return isBeforeBirthday ? years - 1 : years;
}
