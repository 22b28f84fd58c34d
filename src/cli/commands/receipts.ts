import { join } from 'node:path';
import { isReject, rejecter } from '../../std/reject.ts';
import type { Client } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { makeNamedFolder, pathOf, writeNamedFile } from '../files.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

interface Journal {
  readonly generation: number;
  readonly size: number;
  readonly anchored: number;
}

/** `aceso receipts export`: receipts of an organisation's journal, and the genesis that they are checked against. */
export const receiptsExportCommand: Command = {
  name: 'receipts export',
  usage: `--out DIR [--sample N | --all] [OPTIONS]

  --out DIR   folder for N receipts and genesis.json
  --sample N  that many, spread evenly over the journal (default 10)
  --all       every entry of the journal${NODE_USAGE}`,
  summary: 'Write receipts of journal entries and genesis.json to a folder',
  options: { ...NODE_OPTIONS, out: { type: 'string' }, sample: { type: 'string' }, all: { type: 'boolean' } },
  maxArguments: 0,
  async run(context, values) {
    if (typeof values.out !== 'string') throw reject('ARGUMENTS_WRONG', { problem: '--out DIR is missing' });
    if (values.all !== true) countOf(values.sample);
    else if (values.sample !== undefined) throw reject('ARGUMENTS_WRONG', { problem: 'give --sample or --all' });
    const out = pathOf(context, values.out);
    const written = await withNode(context, values, ({ client }) => exportReceipts(context, client, { out, values }));
    context.print(`${written} receipts and genesis.json in ${out}`);
    context.print('A version’s receipt holds salt and content hash: guard these files like the records themselves.');
    context.print(`Check them offline: aceso verify ${values.out} --trust ${join(values.out, 'genesis.json')}`);
  },
};

async function exportReceipts(
  context: CliContext,
  client: Client,
  options: { out: string; values: OptionValues },
): Promise<number> {
  const { out, values } = options;
  const journal = await anchoredJournal(context, client);
  const indices = indicesOf(journal.anchored, values);
  await makeNamedFolder(context, out);
  await writeNamedFile(context, join(out, 'genesis.json'), await client.bytes('/api/genesis'));
  const bar = context.progress('receipts');
  let written = 0;
  for (const [at, index] of indices.entries()) {
    const place = `${journal.generation}/${index}`;
    const receipt = await client.bytes(`/api/receipts/journal/${place}`).catch(unlessErased);
    if (receipt !== undefined) {
      const name = `journal-${journal.generation}-${index}.receipt.json`;
      await writeNamedFile(context, join(out, name), receipt, { isSecret: true });
      written++;
    }
    bar.update(at + 1, indices.length);
  }
  bar.stop();
  if (written < indices.length) context.note(`${indices.length - written} entries were erased and have no receipt`);
  if (journal.size === 0) context.note('the journal is empty: --organisation NAME names another one of this node');
  return written;
}

function unlessErased(error: unknown): undefined {
  if (isReject(error) && error.code === 'RECEIPT_ERASED') return undefined;
  throw error;
}

/** Waits until all that is in the journal now is anchored: a second or two while the ledger moves. */
async function anchoredJournal(context: CliContext, client: Client): Promise<Journal> {
  const first = (await client.get('/api/journal')) as Journal;
  const untilMs = context.clock() + 15_000;
  let journal = first;
  while (journal.anchored < first.size && context.clock() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    journal = (await client.get('/api/journal')) as Journal;
  }
  if (journal.anchored < first.size)
    context.note(`${first.size - journal.anchored} entries are not anchored yet and are left out`);
  return journal;
}

function indicesOf(size: number, { sample, all }: OptionValues): number[] {
  const count = all === true ? size : Math.min(size, countOf(sample));
  return Array.from({ length: count }, (_, at) => Math.floor((at * size) / count));
}

function countOf(sample: OptionValues[string]): number {
  if (sample === undefined) return 10;
  if (typeof sample !== 'string' || !/^[1-9]\d{0,6}$/.test(sample))
    throw reject('ARGUMENTS_WRONG', { problem: '--sample takes a number' });
  return Number(sample);
}
