import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../cli/node-starter.ts';
import { compactPackage, parseCompact } from '../../fhir/packages/package-cache.ts';
import { type NodeFile, readGenesisFile, readNodeFile, readSecrets } from '../node-folder.ts';
import { openMasterKey, rootKeyFiles } from '../rotation/master-key-file.ts';
import { fail, ok, thrown, warn } from './finding.ts';

/** What was found in a data folder, and the node in it where there is one. */
export interface FolderFindings {
  readonly findings: readonly Finding[];
  readonly node?: NodeFile;
  /** The master key, where the root key opens it. */
  readonly master?: Uint8Array;
}

/** The data folder: whether a node is in it, who may read it, whether the root key opens it, and whether its parts are there. */
export async function checkFolder(options: {
  readonly folder: string;
  readonly keyFolder: string;
  /** Vaults that are in a database have no file of rows here, and may have none of keys. */
  readonly database: { readonly vault: boolean; readonly keys: boolean };
}): Promise<FolderFindings> {
  const { folder, keyFolder, database } = options;
  const findings: Finding[] = [];
  let node: NodeFile | undefined;
  try {
    node = await readNodeFile(folder);
  } catch (error) {
    return { findings: [thrown('data-folder', error, 'check the path of the data folder and its rights')] };
  }
  if (node === undefined) {
    const advice = 'name the folder with --data DIR; `aceso start --data DIR` makes a node in a new one';
    return { findings: [fail('data-folder', 'there is no node in this folder', advice)] };
  }
  findings.push(ok('data-folder', `${node.node} with ${node.organisations.map(({ slug }) => slug).join(', ')}`));
  findings.push(await checkRights('data-folder-rights', folder), await checkRights('key-folder-rights', keyFolder));
  const { findings: keys, master } = await checkKeys(folder, keyFolder, node);
  findings.push(...keys, await checkGenesis(folder));
  for (const { slug } of node.organisations) findings.push(await checkVaultFiles(folder, slug, database));
  findings.push(await checkPackages(join(folder, 'packages')));
  return { findings, node, ...(master === undefined ? {} : { master }) };
}

/** A folder of secrets or records: for its owner alone, and writable by whoever asks. */
async function checkRights(check: string, folder: string): Promise<Finding> {
  try {
    const { mode } = await stat(folder);
    const bits = (mode & 0o777).toString(8);
    // Windows has no such bits.
    if (process.platform !== 'win32' && (mode & 0o022) !== 0)
      return fail(check, `others may write to it (mode ${bits})`, `chmod 700 ${folder}`);
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    if (process.platform !== 'win32' && (mode & 0o055) !== 0)
      return warn(check, `others may look into it (mode ${bits})`, `chmod 700 ${folder}`);
    return ok(check, `mode ${bits}`);
  } catch (error) {
    return thrown(check, error, `run as the user whom ${folder} belongs to`);
  }
}

async function checkKeys(
  folder: string,
  keyFolder: string,
  { node }: NodeFile,
): Promise<{ findings: Finding[]; master?: Uint8Array }> {
  const { current, next } = rootKeyFiles(keyFolder, node);
  const advice = 'give the key file that was printed at the first start, or its backup';
  try {
    const master = await openMasterKey({ folder, keyFolder, node });
    await readSecrets(folder, master);
    const findings = [ok('root-key', `${current} opens the folder`)];
    const names = await readdir(keyFolder);
    if (names.includes(`${node}.key.next`))
      findings.push(warn('root-key-change', `${next} is there`, 'finish the change: `aceso keys rotate-root`'));
    const old = names.filter((name) => name.startsWith(`${node}.key.old-`));
    if (old.length > 0)
      findings.push(
        warn('root-key-old', `${old.length} old root keys`, 'destroy them once no backup is left that needs them'),
      );
    return { findings, master };
  } catch (error) {
    return { findings: [thrown('root-key', error, advice)] };
  }
}

async function checkGenesis(folder: string): Promise<Finding> {
  try {
    await readGenesisFile(folder);
    return ok('genesis', 'it can be read');
  } catch (error) {
    return thrown('genesis', error, 'restore genesis.json from a backup, or get it from a member, byte for byte');
  }
}

async function checkVaultFiles(
  folder: string,
  slug: string,
  database: { readonly vault: boolean; readonly keys: boolean },
): Promise<Finding> {
  const check = `vault-files ${slug}`;
  const there = new Set(await readdir(join(folder, 'vaults', slug)).catch(() => []));
  if (there.size === 0) return ok(check, 'none yet: the first start makes them');
  const wanted = ['key-check', ...(database.vault ? [] : ['vault.db']), ...(database.keys ? [] : ['keys.db'])];
  const missing = wanted.filter((name) => !there.has(name));
  if (missing.length > 0)
    return fail(
      check,
      `${missing.join(' and ')} is not there`,
      'restore the vault from a backup; start nothing before',
    );
  if (database.vault && there.has('vault.db'))
    return warn(check, 'vault.db lies beside a vault in PostgreSQL', 'make sure which of the two holds the records');
  return ok(check, wanted.join(', '));
}

/** Largest package that is looked into; the node itself refuses larger ones when they are added. */
async function checkPackages(folder: string): Promise<Finding> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.tgz'));
  const broken: string[] = [];
  for (const name of names) {
    const isReadable = await readsAsPackage(join(folder, name)).catch(() => false);
    if (!isReadable) broken.push(name);
  }
  if (broken.length === 0) return ok('packages', `${names.length} FHIR packages`);
  return fail(
    'packages',
    `cannot be read: ${broken.join(', ')}`,
    'add them again with `aceso ig add`, or remove the files',
  );
}

async function readsAsPackage(tgz: string): Promise<boolean> {
  const archive = await readFile(tgz);
  const compact = await readFile(tgz.replace(/\.tgz$/, '.jsonl')).catch(() => undefined);
  if (compact !== undefined && parseCompact(compact, archive) !== undefined) return true;
  // What a start would do: the compact form is made anew.
  return parseCompact(await compactPackage(archive)) !== undefined;
}
