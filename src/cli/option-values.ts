import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { OptionValues } from './command.ts';

const reject = rejecter(CODES);

/** Text of an option; undefined when it was not given. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Text of an option that the command needs. Throws Reject ARGUMENTS_WRONG. */
export function neededOption(values: OptionValues, name: string): string {
  const value = textOption(values, name);
  if (value === undefined || value === '') throw reject('ARGUMENTS_WRONG', { problem: `--${name} is missing` });
  return value;
}

/** Port that `--port` names. Throws Reject ARGUMENTS_WRONG. */
export function portOption({ port }: OptionValues, byDefault: number): number {
  if (port === undefined) return byDefault;
  const value = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (!(value <= 65_535)) throw reject('ARGUMENTS_WRONG', { problem: '--port takes a number from 0 to 65535' });
  return value;
}

/** Address without a slash at its end, of at most 255 characters. Throws Reject ARGUMENTS_WRONG. */
export function urlOption(text: string, name: string): string {
  if (!/^https?:\/\/[^\s?#]{1,240}$/.test(text) || !URL.canParse(text))
    throw reject('ARGUMENTS_WRONG', { problem: `--${name} takes an address, http://… or https://…` });
  return text.replace(/\/+$/, '');
}

/** Texts of an option that may be repeated; none when it was not given. */
export function listOption(values: OptionValues, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** Whole number from 1 on that an option names. Throws Reject ARGUMENTS_WRONG. */
export function countOption(values: OptionValues, name: string): number {
  const text = neededOption(values, name);
  const value = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw reject('ARGUMENTS_WRONG', { problem: `--${name} takes a number from 1 on` });
  return value;
}

/** Whole number from 0 on that an option names. Throws Reject ARGUMENTS_WRONG. */
export function wholeOption(values: OptionValues, name: string): number {
  return neededOption(values, name) === '0' ? 0 : countOption(values, name);
}
