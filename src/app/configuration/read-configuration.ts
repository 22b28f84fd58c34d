import { access, constants, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConfigurationFault, ConfigurationSources, ReadConfiguration } from '../../cli/node-starter.ts';
import { readNodeFile } from '../node-folder.ts';
import { CODES } from './codes.ts';
import { nearestName } from './nearest-name.ts';
import { folderOfFile, givenToText, settingValue } from './setting-value.ts';
import { type Configuration, DEFAULTS, SETTING_NAMES, SETTINGS, type SettingName } from './settings.ts';
import { toStartSettings } from './start-settings.ts';

const MAX_FILE_BYTES = 64 * 1024;
/** Options of `aceso start` that are no settings of the node. */
const OWN_OPTIONS: ReadonlySet<string> = new Set(['config', 'check']);
const FILE_VARIABLE = 'ACESO_CONFIG';
/** Variables of other commands and of the project's tests, which are near to settings and none. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['ACESO_LONG', 'ACESO_CI', 'ACESO_WALLET_PASSPHRASE']);

interface Found {
  readonly value: unknown;
  readonly from: string;
}

/**
 * Reads all settings of a node from the command line, the environment and a file, in this order of precedence, and judges
 * all of them: whoever starts a node is told of every fault at once. Nothing is changed, and no secret is shown.
 */
export async function readConfiguration(sources: ConfigurationSources): Promise<ReadConfiguration> {
  const faults: ConfigurationFault[] = [];
  const found = new Map<SettingName, Found>();
  const take = (name: SettingName, from: ConfigurationFault['from'], shown: string, given: unknown, folder: string) => {
    const setting = SETTINGS[name];
    const value = settingValue(name, setting, given, { isText: from !== 'file', folder });
    if (value === undefined)
      faults.push(
        fault('SETTING_WRONG', from, shown, {
          ...(setting.isSecret === true ? {} : { given: givenToText(given) }),
          allowed: setting.allowed,
        }),
      );
    // The first source that says something has the word, also where it is wrong.
    if (!found.has(name)) found.set(name, { value, from: shown });
  };

  takeOptions(sources, take, faults);
  takeVariables(sources, take, faults);
  await takeFile(sources, take, faults);
  for (const [name, value] of Object.entries(DEFAULTS))
    if (!found.has(name as SettingName))
      found.set(name as SettingName, {
        value: name === 'data' ? resolve(sources.cwd, DEFAULTS.data) : value,
        from: 'default',
      });
  await judgeTogether(found, faults);

  const effective = SETTING_NAMES.flatMap((name) => {
    const one = found.get(name);
    if (one === undefined) return [];
    return [{ name, from: one.from, value: SETTINGS[name].isSecret === true ? 'set' : givenToText(one.value) }];
  });
  if (faults.length > 0) return { faults, effective };
  const configuration = Object.fromEntries([...found].map(([name, { value }]) => [name, value])) as Configuration;
  return { faults, effective, settings: toStartSettings(configuration) };
}

type Take = (
  name: SettingName,
  from: ConfigurationFault['from'],
  shown: string,
  given: unknown,
  folder: string,
) => void;

function fault(
  code: keyof typeof CODES,
  from: ConfigurationFault['from'],
  name: string,
  more: Pick<ConfigurationFault, 'given' | 'allowed' | 'nearest'> = {},
): ConfigurationFault {
  return { code, from, name, message: CODES[code].sentence, ...more };
}

function nearest(given: string, names: readonly string[]): { nearest?: string } {
  const name = nearestName(given, names);
  return name === undefined ? {} : { nearest: name };
}

function takeOptions({ options, cwd }: ConfigurationSources, take: Take, faults: ConfigurationFault[]): void {
  const byOption = new Map(SETTING_NAMES.flatMap((name) => optionOf(name).map((option) => [option, name] as const)));
  for (const [option, given] of Object.entries(options)) {
    if (given === undefined || OWN_OPTIONS.has(option)) continue;
    const name = byOption.get(option);
    const shown = `--${givenToText(option)}`;
    if (name !== undefined) take(name, 'option', shown, given, cwd);
    else
      faults.push(
        fault(
          'SETTING_UNKNOWN',
          'option',
          shown,
          nearest(
            shown,
            [...byOption.keys(), ...OWN_OPTIONS].map((one) => `--${one}`),
          ),
        ),
      );
  }
}

function optionOf(name: SettingName): string[] {
  const { option } = SETTINGS[name];
  return option === undefined ? [] : [option];
}

function takeVariables({ variables, cwd }: ConfigurationSources, take: Take, faults: ConfigurationFault[]): void {
  const names = new Map(
    SETTING_NAMES.flatMap((name) => {
      const { variable } = SETTINGS[name];
      return variable === undefined ? [] : [[variable, name] as const];
    }),
  );
  const known = [...names.keys(), FILE_VARIABLE];
  for (const [variable, given] of Object.entries(variables)) {
    if (given === undefined || !variable.startsWith('ACESO_') || OTHER_VARIABLES.has(variable)) continue;
    const name = names.get(variable);
    // Set to nothing means not set, as scripts do it.
    if (name !== undefined && given !== '') take(name, 'environment', variable, given, cwd);
    if (name !== undefined || variable === FILE_VARIABLE) continue;
    // Others put variables of such names there too, so only what was probably meant for the node is a fault.
    const near = nearest(variable, known);
    if (near.nearest !== undefined) faults.push(fault('SETTING_UNKNOWN', 'environment', variable, near));
  }
}

/** Path of the configuration file; undefined where none is named. */
function filePath({ options, variables, cwd }: ConfigurationSources): string | true | undefined {
  const named = options.config ?? (variables[FILE_VARIABLE] === '' ? undefined : variables[FILE_VARIABLE]);
  if (named === undefined) return undefined;
  return typeof named === 'string' && named !== '' ? resolve(cwd, named) : true;
}

async function takeFile(sources: ConfigurationSources, take: Take, faults: ConfigurationFault[]): Promise<void> {
  const path = filePath(sources);
  if (path === undefined) return;
  if (path === true) {
    faults.push(fault('SETTING_WRONG', 'option', '--config', { allowed: 'a file' }));
    return;
  }
  const settings = await readFileSettings(path, faults);
  if (settings === undefined) return;
  const folder = folderOfFile(path);
  for (const [key, given] of Object.entries(settings)) {
    const shown = givenToText(key);
    if (!isSettingName(key)) {
      const names = SETTING_NAMES.filter((name) => SETTINGS[name].inFile);
      faults.push(fault('SETTING_UNKNOWN', 'file', shown, nearest(shown, names)));
      continue;
    }
    const { inFile, variable, option } = SETTINGS[key];
    if (inFile) take(key, 'file', shown, given, folder);
    else faults.push(fault('SETTING_ELSEWHERE', 'file', shown, { allowed: variable ?? `--${option}` }));
  }
}

function isSettingName(key: string): key is SettingName {
  return Object.hasOwn(SETTINGS, key);
}

async function readFileSettings(path: string, faults: ConfigurationFault[]): Promise<object | undefined> {
  const malformed = (given: string) => {
    faults.push(fault('CONFIGURATION_FILE_MALFORMED', 'file', givenToText(path), { given }));
    return undefined;
  };
  let text: string;
  try {
    if ((await stat(path)).size > MAX_FILE_BYTES) return malformed('too large');
    text = await readFile(path, 'utf8');
  } catch (error) {
    const given = (error as NodeJS.ErrnoException).code ?? 'unknown';
    faults.push(fault('CONFIGURATION_FILE_UNREADABLE', 'file', givenToText(path), { given }));
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    return malformed('not an object');
  } catch (error) {
    // Only the place: what stands there may be a secret that does not belong there.
    const place = /position \d+/.exec((error as Error).message)?.[0];
    return malformed(place === undefined ? 'no JSON' : `no JSON from ${place} on`);
  }
}

/** Pairs of settings of which the first means nothing without one of the others; `isFirst` where only a first start asks. */
const NEEDS: readonly {
  readonly name: SettingName;
  readonly needs: readonly SettingName[];
  readonly isFirst: boolean;
}[] = [
  { name: 'vaultKeysDatabase', needs: ['vaultDatabase'], isFirst: false },
  { name: 'keys', needs: ['genesis', 'follow'], isFirst: true },
  { name: 'genesis', needs: ['keys'], isFirst: true },
  { name: 'follow', needs: ['keys'], isFirst: true },
  { name: 'network', needs: ['keys'], isFirst: true },
  { name: 'carry', needs: ['genesis'], isFirst: true },
  // Half of a limit would go together with the other half of what holds by itself, and be another than was meant.
  { name: 'requestsPerToken', needs: ['burstPerToken'], isFirst: false },
  { name: 'burstPerToken', needs: ['requestsPerToken'], isFirst: false },
  { name: 'requestsPerUser', needs: ['burstPerUser'], isFirst: false },
  { name: 'burstPerUser', needs: ['requestsPerUser'], isFirst: false },
  { name: 'requestsPerSource', needs: ['burstPerSource'], isFirst: false },
  { name: 'burstPerSource', needs: ['requestsPerSource'], isFirst: false },
];

/** What can only be judged by looking at settings together, and at the folder: files matter while there is no node yet. */
async function judgeTogether(found: ReadonlyMap<SettingName, Found>, faults: ConfigurationFault[]): Promise<void> {
  const folder = found.get('data')?.value;
  const hasNode = typeof folder === 'string' && (await readNodeFile(folder).catch(() => true)) !== undefined;
  for (const { name, needs, isFirst } of NEEDS) {
    const one = found.get(name);
    if (one === undefined || (isFirst && hasNode) || needs.some((other) => found.has(other))) continue;
    const allowed = needs.map(shownName).join(' or ');
    faults.push(fault('SETTING_INCOMPLETE', fromOf(one), one.from, { allowed }));
  }
  if (hasNode) return;
  for (const [name, one] of found) {
    if (SETTINGS[name].isInput !== true || typeof one.value !== 'string') continue;
    const reason = await access(one.value, constants.R_OK).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? 'unknown',
    );
    if (reason !== undefined)
      faults.push(
        fault('SETTING_FILE_UNREADABLE', fromOf(one), one.from, { given: `${givenToText(one.value)} (${reason})` }),
      );
  }
}

/** A setting as whoever has to give it too would write it. */
function shownName(name: SettingName): string {
  const { variable, option } = SETTINGS[name];
  return variable ?? (option === undefined ? name : `--${option}`);
}

function fromOf({ from }: Found): ConfigurationFault['from'] {
  if (from.startsWith('--')) return 'option';
  return from.startsWith('ACESO_') ? 'environment' : 'file';
}
