import type {
  ConfigurationFault,
  ConfigurationSources,
  ExamineOptions,
  Finding,
  StartSettings,
} from '../../cli/node-starter.ts';
import { findCometBft } from '../../ledger/cometbft/engine/find-cometbft.ts';
import { isManifestOf } from '../backup/manifest.ts';
import { readBackupFolder } from '../backup/open-backup.ts';
import { readConfiguration } from '../configuration/read-configuration.ts';
import { nodeAddress } from '../listen.ts';
import type { NodeEnvironment } from '../node-environment.ts';
import type { NodeFile } from '../node-folder.ts';
import { readRuntimeFile } from '../runtime-file.ts';
import { checkDatabases } from './database-checks.ts';
import { fail, ok, thrown } from './finding.ts';
import { checkFolder } from './folder-checks.ts';
import { checkDisk, checkPort, checkRuntime } from './machine-checks.ts';
import { checkBackup, checkClocks, checkRunning, checkTls } from './running-checks.ts';

/**
 * Looks at a node from the outside: settings, machine, data folder, database, engine, and the running node where there is
 * one. Changes nothing, and starts nothing. Where one thing is broken the others are looked at all the same.
 */
export async function examineNode(environment: NodeEnvironment, options: ExamineOptions): Promise<readonly Finding[]> {
  const { faults, settings = await plainSettings(options.sources) } = await readConfiguration(options.sources);
  const findings: Finding[] = [checkRuntime(process.versions.node), ...settingsFindings(faults)];
  if (settings === undefined) return findings;
  const { vaultDatabase, keyFolder } = environment;
  const { folder } = settings;
  findings.push(await checkDisk(folder));
  const database = { vault: vaultDatabase !== undefined, keys: vaultDatabase?.keysUrl !== undefined };
  const { findings: inFolder, node, master } = await checkFolder({ folder, keyFolder, database });
  findings.push(...inFolder);
  if (vaultDatabase !== undefined) findings.push(...(await checkDatabases(vaultDatabase)));
  if (node?.consortium !== undefined) findings.push(await checkEngine(environment));
  findings.push(...(await checkProcess(environment, settings, node)));
  findings.push(...(await checkClocks(peersOf(settings, node), environment)));
  if (node !== undefined) findings.push(await findBackup(environment, options.backup, node, master));
  findings.push(await checkTls(settings, environment));
  return findings;
}

/** Settings that do not hold keep nobody from looking at the folder that they name. */
async function plainSettings({ options: { data }, cwd }: ConfigurationSources): Promise<StartSettings | undefined> {
  const { settings } = await readConfiguration({ options: data === undefined ? {} : { data }, variables: {}, cwd });
  return settings;
}

function settingsFindings(faults: readonly ConfigurationFault[]): Finding[] {
  if (faults.length === 0) return [ok('settings', 'they hold')];
  return faults.map(({ code, name, message, allowed, nearest }) => {
    const more = [
      ...(allowed === undefined ? [] : [`takes ${allowed}`]),
      ...(nearest === undefined ? [] : [`did you mean ${nearest}?`]),
    ];
    return fail('settings', `${name} ${code}`, [message, ...more].join(' '));
  });
}

async function checkEngine({ engine }: NodeEnvironment): Promise<Finding> {
  const { program, searchPath } = engine;
  try {
    return ok('engine', await findCometBft({ override: program, searchPath }));
  } catch (error) {
    return thrown('engine', error, 'install it with `npm run cometbft:install`');
  }
}

/** The running node where there is one; else whether one could listen. */
async function checkProcess(
  environment: NodeEnvironment,
  { host, port, baseUrl }: StartSettings,
  node: NodeFile | undefined,
): Promise<readonly Finding[]> {
  const info = node === undefined ? undefined : await readRuntimeFile(environment.keyFolder, node.node);
  const { hosts } = nodeAddress(host, port, baseUrl);
  if (info === undefined) return [ok('health', 'no node runs on this folder'), await checkPort(hosts, port)];
  const { findings, isRunning } = await checkRunning(info, environment);
  return isRunning ? findings : [...findings, await checkPort(hosts, port)];
}

/** Addresses of the nodes that this one talks to. */
function peersOf({ peers = [], follow }: StartSettings, node: NodeFile | undefined): string[] {
  const own = new Set(node?.organisations.map(({ account }) => account));
  const members = (node?.consortium?.peers ?? []).filter(({ account }) => !own.has(account));
  const urls = [node?.follows ?? follow, ...members.map(({ url }) => url), ...peers];
  return [...new Set(urls.filter((url) => url !== undefined))];
}

/** The newest backup that is known: the one in a named folder. One of another node, or changed since, is none. */
async function findBackup(
  { clock }: NodeEnvironment,
  folder: string | undefined,
  { node }: NodeFile,
  master: Uint8Array | undefined,
): Promise<Finding> {
  if (folder === undefined) return checkBackup(undefined, clock());
  try {
    const { manifest } = await readBackupFolder(folder);
    const isOwn = manifest.node === node && (master === undefined || isManifestOf(master, manifest));
    if (!isOwn) return fail('backup', 'it is of another node', 'name a backup of this one with --backup DIR');
    return checkBackup(manifest.timeMs, clock());
  } catch (error) {
    return thrown('backup', error, 'check the path of the backup');
  }
}
