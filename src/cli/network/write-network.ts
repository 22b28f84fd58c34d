import { join } from 'node:path';
import type { CliContext } from '../command.ts';
import { makeNamedFolder, writeNamedFile } from '../files.ts';
import type { NetworkFiles } from '../node-starter.ts';

/** Writes a network's files into a new folder, keys first: what cannot be made again. Throws FILE_EXISTS, FILE_UNWRITABLE. */
export async function writeNetwork(
  context: CliContext,
  out: string,
  founded: Omit<NetworkFiles, 'chain'>,
): Promise<void> {
  await makeNamedFolder(context, out);
  for (const { slug, keys } of founded.organisations) {
    if (keys === undefined) continue;
    await makeNamedFolder(context, join(out, slug));
    await writeNamedFile(context, join(out, slug, 'keys.json'), keys, { isSecret: true, isNew: true });
  }
  await writeNamedFile(context, join(out, 'network.json'), founded.network, { isNew: true });
  await writeNamedFile(context, join(out, 'genesis.json'), founded.genesis, { isNew: true });
}
