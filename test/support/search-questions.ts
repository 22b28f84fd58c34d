import {
  BASE_URL,
  numbersOf,
  slowAddress,
  slowDates,
  slowQuantities,
  slowStrings,
  slowTokens,
  spanOf,
} from './slow-search.ts';
import type { SlowValue } from './slow-values.ts';

/** One value of a parameter to search for, with its modifier ('' for none). */
export interface Question {
  readonly modifier: string;
  readonly text: string;
}

const PREFIXES = ['eq', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const UCUM = 'http://unitsofmeasure.org';

/** What may be asked after having seen a value: the value itself, in every form, and things close by. */
export function questionsAbout(kind: string, value: SlowValue): Question[] {
  const makers: Record<string, (value: SlowValue) => Question[]> = {
    token: aboutToken,
    string: aboutString,
    uri: aboutUri,
    reference: aboutReference,
    date: aboutDate,
    number: aboutNumber,
    quantity: aboutQuantity,
  };
  return (makers[kind]?.(value) ?? []).filter(({ text }) => text !== '' && text.length < 500 && !text.includes('\\'));
}

/** As it stands in a URL's value, with commas and dollar signs quoted. */
export function escaped(text: string): string {
  return text.replace(/[,$]/g, '\\$&');
}

function ask(...texts: (string | undefined)[]): Question[] {
  return texts.flatMap((text) => (text === undefined ? [] : [{ modifier: '', text }]));
}

function aboutToken(value: SlowValue): Question[] {
  const questions = slowTokens(value).flatMap(({ system, code, literal }) => {
    if (`${system}${code}`.replace(/^undefined/, '').includes('|')) return [];
    const asked = ask(code, code && `|${code}`, code && `${code}x`, code?.toUpperCase(), code && `urn:x|${code}`);
    if (code !== undefined) asked.push({ modifier: 'not', text: code });
    if (system !== undefined && literal !== true) {
      asked.push(...ask(`${system}|`), { modifier: 'not', text: `${system}|${code ?? 'x'}` });
      if (code !== undefined) asked.push(...ask(`${system}|${code}`, `${system}|${code}x`, `${system}x|${code}`));
    }
    return asked;
  });
  const text: unknown = value.value.text ?? value.value.display ?? value.value.type?.text;
  if (typeof text === 'string' && /^[A-Za-z ]{3}/.test(text))
    questions.push({ modifier: 'text', text: text.slice(0, 6) });
  for (const { system, code } of value.value.type?.coding ?? []) {
    questions.push({ modifier: 'of-type', text: `${system}|${code}|${value.value.value}` });
  }
  return questions;
}

function aboutString(value: SlowValue): Question[] {
  return slowStrings(value).flatMap((text) => {
    if (!/[A-Za-z0-9]/.test(text.slice(0, 3))) return [];
    const part = /[A-Za-z0-9][\s\S]{0,5}/.exec(text.slice(Math.floor(text.length / 2)))?.[0];
    return [
      ...ask(text, text.slice(0, 3), text.toUpperCase(), `${text.slice(0, 4)}\u0301`, `${text.slice(0, 5)}x`, part),
      { modifier: 'exact', text },
      { modifier: 'exact', text: text.toLowerCase() },
      ...(part === undefined ? [] : [{ modifier: 'contains', text: part }]),
    ];
  });
}

function aboutUri({ value }: SlowValue): Question[] {
  const text = String(value);
  return [
    ...ask(text, `${text}x`, text.split('|')[0]),
    { modifier: 'below', text: text.slice(0, text.lastIndexOf('/') + 1) },
    { modifier: 'below', text: `${text}/x` },
    { modifier: 'above', text: `${text}/x/y` },
    { modifier: 'above', text },
  ];
}

function aboutReference(value: SlowValue): Question[] {
  const address = slowAddress(value);
  const identified = value.type === 'Reference' && value.value.identifier;
  const questions = identified
    ? aboutToken({ type: 'Identifier', value: identified })
        .filter(({ modifier }) => modifier === '')
        .map(({ text }) => ({ modifier: 'identifier', text }))
    : [];
  if (address === undefined || address.startsWith('#')) return questions;
  const [, type, id] = /^([A-Z]\w+)\/([^/]+)$/.exec(address) ?? [];
  if (type === undefined || id === undefined)
    return [...questions, ...ask(address, `${address}x`, address.split('|')[0])];
  return [
    ...questions,
    ...ask(
      id,
      `${id}x`,
      address,
      `${BASE_URL}/${address}`,
      `${address}/_history/1`,
      `https://other.example/${address}`,
    ),
    { modifier: type, text: id },
  ];
}

function aboutDate(value: SlowValue): Question[] {
  const texts = slowDates(value).flatMap(({ from, to }) =>
    [from, to].filter(Number.isFinite).flatMap((end) => {
      const instant = new Date(end).toISOString();
      const late = new Date(end + 86_400_000).toISOString();
      return [
        instant,
        instant.slice(0, 4),
        instant.slice(0, 7),
        instant.slice(0, 10),
        late.slice(0, 10),
        `${instant.slice(0, 16)}+00:00`,
        `${instant.slice(0, 19)}-05:00`,
      ];
    }),
  );
  return [...new Set(texts)].filter((text) => Number.isFinite(spanOf(text).from)).flatMap(withPrefixes);
}

function withPrefixes(text: string): Question[] {
  return PREFIXES.flatMap((prefix) => ask(prefix + text));
}

function aboutNumber(value: SlowValue): Question[] {
  return numbersOf(value).flatMap(({ low, high }) =>
    [low, high].flatMap((end) => (end === undefined ? [] : nearNumber(end))),
  );
}

function nearNumber(value: number): Question[] {
  return numbersNear(value).flatMap(withPrefixes);
}

function numbersNear(value: number): string[] {
  return [...new Set([String(value), value.toFixed(2), value.toPrecision(1), String(value * 2 + 1), String(-value)])];
}

function aboutQuantity(value: SlowValue): Question[] {
  return slowQuantities(value).flatMap(({ low, high, system, code, unit }) =>
    [low, high].flatMap((end) => {
      if (end === undefined) return [];
      const units = ['', ...(code === undefined ? [] : [`||${code}`, `|${system ?? UCUM}|${code}`, `|urn:x|${code}`])];
      if (unit !== undefined && !unit.includes('|')) units.push(`||${unit}`);
      const near = numbersNear(end).flatMap((number) => units.map((suffix) => number + suffix));
      const [kilo, milli] = [`${end / 1000}|${UCUM}|k${code}`, `${end * 1000}|${UCUM}|m${code}`];
      return [...near, kilo, milli].flatMap(withPrefixes);
    }),
  );
}
