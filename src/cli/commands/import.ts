import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { rejecter } from '../../std/reject.ts';
import type { Client } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { pathOf, readNamedFile, readNamedFolder } from '../files.ts';
import { type ImportCount, importLines } from '../import-lines.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

/**
 * `aceso import DIR`: FHIR R4 transaction Bundles, a file each, all of a file or nothing, and NDJSON files, each of whose
 * lines is a resource that is taken or refused by itself. Importing again changes nothing.
 */
export const importCommand: Command = {
  name: 'import',
  usage: `DIR|FILE… [OPTIONS]\n\n  DIR  folder with FHIR R4 Bundles (*.json) or resources (*.ndjson)${NODE_USAGE}`,
  summary: 'Import FHIR transaction Bundles or NDJSON into an organisation’s vault',
  options: NODE_OPTIONS,
  maxArguments: 10_000,
  async run(context, values, paths) {
    if (paths.length === 0) throw reject('ARGUMENTS_WRONG', { problem: 'name a folder or files to import' });
    const files = await bundleFiles(context, paths);
    if (files.length === 0) throw reject('FILE_UNREADABLE', { reason: 'no *.json or *.ndjson file there' });
    const count = await withNode(context, values, ({ client }) => importFiles(context, client, files), {
      mayMake: true,
    });
    context.print(
      `${files.length} files: ${count.created} resources created, ${count.updated} updated, ${count.unchanged} unchanged`,
    );
  },
};

/** Bundles of organisations and practitioners first, since those of patients refer to them. */
async function bundleFiles(context: CliContext, paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths.map((one) => pathOf(context, one))) {
    const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw reject('FILE_UNREADABLE', { reason: error.code ?? 'unknown' });
    });
    if (!entry.isDirectory()) files.push(path);
    else
      for (const name of await readNamedFolder(context, path))
        if (/\.(?:nd)?json$/.test(name)) files.push(join(path, name));
  }
  const isDirectory = (file: string): boolean =>
    /(?:hospital|practitioner|organi[sz]ation)Information\d*\.json$/i.test(file);
  return [...files.filter(isDirectory), ...files.filter((file) => !isDirectory(file))];
}

async function importFiles(context: CliContext, client: Client, files: readonly string[]): Promise<ImportCount> {
  const bar = context.progress('importing');
  let total: ImportCount = { created: 0, updated: 0, unchanged: 0 };
  for (const [at, file] of files.entries()) {
    const bytes = await readNamedFile(context, file);
    const count = file.endsWith('.ndjson')
      ? await importLines(client, bytes, (text) => context.print(text))
      : ((await client.send('/api/import', bytes, 'application/fhir+json')) as ImportCount);
    total = {
      created: total.created + count.created,
      updated: total.updated + count.updated,
      unchanged: total.unchanged + count.unchanged,
    };
    bar.update(at + 1, files.length);
  }
  bar.stop();
  return total;
}
