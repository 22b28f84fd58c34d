import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { readNamedFile } from '../files.ts';
import { fetchPackage, isPackageName } from '../ig/fetch-package.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

/** A loaded package as the node describes it. */
interface PackageAnswer {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly counts: Readonly<Record<string, number>>;
  /** Profiles that cannot be used. */
  readonly withoutSnapshot: number;
  /** Packages that it names and the node does not have. */
  readonly missing: readonly string[];
}

/** `aceso ig add`: loads a FHIR package into a node, at once and for every start to come. */
export const igAddCommand: Command = {
  name: 'ig add',
  usage: `FILE|NAME[@VERSION] [OPTIONS]

  FILE  a FHIR package (.tgz)
  NAME  its name in the npm registry at hand; fetched with npm, no script of it runs${NODE_USAGE}`,
  summary: 'Load a FHIR package: profiles, value sets, search parameters',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [word]) {
    if (word === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'name a file or a package' });
    const bytes = await packageBytes(context, word);
    await withNode(context, values, async ({ client }) => {
      const added = (await client.send('/api/packages', bytes, 'application/gzip')) as PackageAnswer;
      context.print(`Loaded ${lineOf(added)}`);
      if (added.withoutSnapshot > 0) {
        context.note(
          `${added.withoutSnapshot} profiles have no snapshot and cannot be used; ask for a package with snapshots`,
        );
      }
      if (added.missing.length > 0) {
        context.note(
          `It names packages that are not loaded, so what they define cannot be told: ${added.missing.join(', ')}`,
        );
      }
    });
  },
};

/** `aceso ig list`: what is loaded. */
export const igListCommand: Command = {
  name: 'ig list',
  usage: `[OPTIONS]\n${NODE_USAGE}`,
  summary: 'Show the FHIR packages of a node',
  options: NODE_OPTIONS,
  maxArguments: 0,
  run: (context, values) =>
    withNode(context, values, async ({ client }) => {
      const { packages } = (await client.get('/api/packages')) as { packages: readonly PackageAnswer[] };
      for (const one of packages) {
        context.print(lineOf(one));
        if (one.missing.length > 0) context.print(`  not loaded: ${one.missing.join(', ')}`);
      }
      if (packages.length === 0) context.note('none; `aceso ig add FILE` loads one');
    }),
};

/** `aceso ig remove`: forgets a package. */
export const igRemoveCommand: Command = {
  name: 'ig remove',
  usage: `NAME[@VERSION] [OPTIONS]\n\n  without a version all of that name are removed${NODE_USAGE}`,
  summary: 'Remove a FHIR package from a node',
  options: NODE_OPTIONS,
  maxArguments: 1,
  async run(context, values, [word]) {
    if (word === undefined || !isPackageName(word)) throw reject('ARGUMENTS_WRONG', { problem: 'name a package' });
    const [name, version] = word.split(/[@#](?=[0-9A-Za-z])/);
    const body = { name, ...(version === undefined ? {} : { version }) };
    await withNode(context, values, async ({ client }) => {
      const { removed } = (await client.post('/api/packages/remove', body)) as { removed: number };
      context.print(`Removed ${removed} ${removed === 1 ? 'package' : 'packages'}`);
    });
  },
};

/** What has the form of a package name is one; a file is named with its ending, or by a path. */
async function packageBytes(context: CliContext, word: string): Promise<Uint8Array> {
  if (!isPackageName(word)) return readNamedFile(context, word);
  context.note(`fetching ${word} with npm`);
  return fetchPackage(word, context.env);
}

function lineOf({ name, version, title, counts }: PackageAnswer): string {
  const parts = Object.entries(counts).map(([type, count]) => `${count} ${type}`);
  return `${name}#${version}${title === undefined ? '' : ` (${title})`}: ${parts.join(', ')}`;
}
