import { dirname, resolve } from 'node:path';
import { Value } from 'typebox/value';
import { type Setting, type SettingName, schemaOf } from './settings.ts';

/** What a source gave for a setting: text of the command line or environment, or JSON of a file. */
export type Given = unknown;

/**
 * A setting's value as its source gave it; undefined when it does not fit. Text becomes what the setting is, JSON has to be
 * that already. Paths of a file are taken from its folder, others from the working directory.
 */
export function settingValue(
  name: SettingName,
  { kind, isPath }: Setting,
  given: Given,
  source: { readonly isText: boolean; readonly folder: string },
): unknown {
  const value = source.isText ? textToValue(kind, given) : given;
  if (value === undefined || !Value.Check(schemaOf(name), value) || !areUrls(name, value)) return undefined;
  return isPath === true ? resolve(source.folder, value as string) : withoutSlash(name, value);
}

function textToValue(kind: Setting['kind'], given: Given): unknown {
  if (kind === 'flag') return given === true ? true : undefined;
  if (kind === 'list') return Array.isArray(given) ? given : undefined;
  if (kind === 'pairs') return Array.isArray(given) ? pairsOf(given) : undefined;
  if (typeof given !== 'string') return undefined;
  if (kind === 'text') return given;
  return /^[0-9]{1,9}$/.test(given) ? Number(given) : undefined;
}

function pairsOf(given: readonly unknown[]): Record<string, string> | undefined {
  const pairs: [string, string][] = [];
  for (const text of given) {
    const at = typeof text === 'string' ? text.indexOf('=') : -1;
    if (at < 1) return undefined;
    pairs.push([(text as string).slice(0, at), (text as string).slice(at + 1)]);
  }
  return Object.fromEntries(pairs);
}

const URLS: ReadonlySet<SettingName> = new Set([
  'baseUrl',
  'follow',
  'peer',
  'witness',
  'vaultDatabase',
  'vaultKeysDatabase',
]);
/** Addresses that others are joined to: they end without a slash. */
const JOINED: ReadonlySet<SettingName> = new Set(['baseUrl', 'follow', 'peer', 'witness']);

function areUrls(name: SettingName, value: unknown): boolean {
  if (!URLS.has(name)) return true;
  const texts = typeof value === 'string' ? [value] : Object.values(value as object);
  return texts.every((text) => URL.canParse(text));
}

function withoutSlash(name: SettingName, value: unknown): unknown {
  if (!JOINED.has(name)) return value;
  const cut = (text: string): string => text.replace(/\/+$/, '');
  if (typeof value === 'string') return cut(value);
  if (Array.isArray(value)) return value.map(cut);
  return Object.fromEntries(Object.entries(value as Record<string, string>).map(([key, text]) => [key, cut(text)]));
}

/** What was given, for people: short, printable, without the user and password of an address. */
export function givenToText(given: Given): string {
  const text = typeof given === 'string' ? given : (JSON.stringify(given) ?? String(given));
  return text
    .replace(/\/\/[^/@\s]*@/g, '//…@')
    .replace(/[^\x20-\x7e…]/g, '?')
    .slice(0, 80);
}

/** Folder that paths of a configuration file are taken from. */
export function folderOfFile(path: string): string {
  return dirname(path);
}
