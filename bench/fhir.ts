import { parseArgs } from 'node:util';
import { costTable, type Section, sectionToJson, sectionToTable } from './fhir/result-table.ts';
import { runNode, type Setup } from './fhir/run-node.ts';

/*
 * `npm run bench:fhir [-- --json] [-- --patients 1000,10000] [-- --databases sqlite,postgres] [-- --switches none]
 * [-- --fast]`: the FHIR server as clients meet it. The node is a process of its own, of the product as it is; 8 clients
 * in this process ask over HTTP, each as soon as it is answered, and share the machine with it. Beside each figure stands
 * what a bare HTTP server does with bodies as long. Every answer's content is checked before the clock starts.
 *
 * For the smallest number of patients the same is done with a part switched off, to show what the part costs:
 *   encryption  pages and blobs in the clear; hashes, MACs and leaves stay
 *   journal     reads, searches and writes leave no entry; the leaf of a version stays, it is how a version is stored
 *   consent     no policy is looked up, everything is permitted
 */

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    patients: { type: 'string' },
    databases: { type: 'string', default: 'sqlite,postgres' },
    switches: { type: 'string', default: 'encryption,journal,consent' },
    fast: { type: 'boolean' },
  },
});
const isFast = values.fast === true;
const sizes = listOf(values.patients ?? (isFast ? '100' : '1000,10000')).map(Number);
const databases = listOf(values.databases);
const switches = values.switches === 'none' ? [] : listOf(values.switches);
const problem = problemOf();
if (problem === undefined) await main();
else {
  console.error(problem);
  process.exitCode = 64;
}

function listOf(text: string): string[] {
  return text.split(',').filter((word) => word !== '');
}

function problemOf(): string | undefined {
  if (sizes.length === 0 || sizes.some((size) => !Number.isInteger(size) || size < 20)) {
    return '--patients takes numbers from 20 on, with commas';
  }
  const unknown = [
    ...databases.filter((name) => name !== 'sqlite' && name !== 'postgres'),
    ...switches.filter((name) => !['encryption', 'journal', 'consent'].includes(name)),
  ];
  return unknown.length === 0 ? undefined : `not known: ${unknown.join(', ')}`;
}

async function main(): Promise<void> {
  const smallest = Math.min(...sizes);
  const pace = isFast ? { warmUpSeconds: 0.5, seconds: 1 } : { warmUpSeconds: 2, seconds: 5 };
  const bounds = new Map<string, number>();
  for (const database of databases as Setup['database'][]) {
    for (const patients of sizes) {
      const run = async (off: readonly string[]): Promise<Section> => {
        const label = `${database}, ${patients} patients${off.length === 0 ? '' : `, no ${off.join(', no ')}`}`;
        const section = await runNode({ database, patients, off, pace, bounds, note: (text) => note(label, text) });
        note();
        if (values.json === true) print(sectionToJson(section));
        return section;
      };
      const all = await run([]);
      if (values.json !== true) print(sectionToTable(all));
      if (patients !== smallest || switches.length === 0) continue;
      const sections = [all];
      for (const name of switches) sections.push(await run([name]));
      if (switches.length > 1) sections.push(await run(switches));
      if (values.json !== true) print(costTable(sections));
    }
  }
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

/** What is under way, on a line that is overwritten; nothing where nobody looks on. */
function note(label?: string, text = ''): void {
  if (process.stderr.isTTY !== true) return;
  process.stderr.write(`\r\x1b[K${label === undefined ? '' : `${label}: ${text}`}`);
}
