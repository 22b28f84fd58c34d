import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrust } from '../../chain/receipt/trust.ts';
import { verdictLines } from '../../chain/receipt/verdict-text.ts';
import { verifyReceipt } from '../../chain/receipt/verify.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { makeNamedFolder, pathOf, writeNamedFile } from '../files.ts';
import { writeNetwork } from '../network/write-network.ts';
import type { NetworkFiles } from '../node-starter.ts';
import { neededOption, textOption } from '../option-values.ts';
import { createStepProgress } from '../step-progress.ts';
import { dataFolder } from '../use-node.ts';
import { readPlan } from './network-init.ts';

const reject = rejecter(CODES);

/** Where an export lies in the folder that `ledger export` writes, beside what ties the new ledger to it. */
const LEDGER_PART = 'ledger';
const TIE_FILE = 'tie.receipt.json';

/** `aceso ledger export`: the end of a ledger that one node kept, for the consortium that goes on from it. */
const ledgerExportCommand: Command = {
  name: 'ledger export',
  usage: `--out DIR [--data DIR]

  --out DIR   new folder: ledger/ (state, log and transactions), ${TIE_FILE}, genesis.json
  --data DIR  data folder of the node that keeps the ledger (default ./data); stop it first

What is committed after the export is not in it: keep the node stopped until it is moved. ${TIE_FILE} proves with
genesis.json that the export's head is what the old ledger came to; the new genesis names that head.`,
  summary: 'Export an embedded ledger, to go on as a consortium',
  options: { out: { type: 'string' }, data: { type: 'string' } },
  maxArguments: 0,
  async run(context, values) {
    const out = neededOption(values, 'out');
    if ((await readdir(pathOf(context, out)).catch(() => [])).length > 0) throw reject('NETWORK_FOLDER_TAKEN');
    await makeNamedFolder(context, out);
    const steps = createStepProgress(context);
    const exported = await context.nodes.exportLedger({
      folder: dataFolder(context, values),
      out: join(pathOf(context, out), LEDGER_PART),
      progress: steps.update,
    });
    steps.stop();
    await writeNamedFile(context, join(out, TIE_FILE), exported.tie, { isNew: true });
    await writeNamedFile(context, join(out, 'genesis.json'), exported.genesis, { isNew: true });
    const verdict = await verifyReceipt(exported.tie, parseTrust(exported.genesis));
    context.print(`exported to ${out}; ${TIE_FILE} verified:`);
    for (const line of verdictLines(verdict)) context.print(`  ${line}`);
    context.print(`Next: aceso network move PLAN --export ${out} --out NEW`);
  },
};

/** `aceso network move`: the consortium that goes on from an export. */
export const networkMoveCommand: Command = {
  name: 'network move',
  usage: `PLAN --export DIR --out NEW

  PLAN          JSON as for \`network init\`, but every organisation is a member of the old ledger: "account" in place of
                "roles" and "entry"; "validator" where it made its keys itself (\`aceso keys organisation --validator\`)
  --export DIR  what \`aceso ledger export\` wrote
  --out NEW     new folder for genesis.json, network.json and each validator's keys.json`,
  summary: 'Found the consortium that goes on from an exported ledger',
  options: { export: { type: 'string' }, out: { type: 'string' } },
  maxArguments: 1,
  async run(context, values, [file]) {
    if (file === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'PLAN is missing' });
    const [exported, out] = [neededOption(values, 'export'), neededOption(values, 'out')];
    const plan = await readPlan(context, file);
    if ((await readdir(pathOf(context, out)).catch(() => [])).length > 0) throw reject('NETWORK_FOLDER_TAKEN');
    const moved = await context.nodes.foundMovedNetwork(plan, {
      exported: join(pathOf(context, exported), LEDGER_PART),
      oldGenesis: join(pathOf(context, exported), 'genesis.json'),
    });
    await writeNetwork(context, out, moved);
    for (const line of nextSteps({ exported, out, moved })) context.print(line);
  },
};

function nextSteps({ exported, out, moved }: { exported: string; out: string; moved: NetworkFiles }): string[] {
  return [
    `ledger ${moved.chain}, going on from the export`,
    '',
    'Next, at each organisation, its node stopped:',
    '',
    ...moved.organisations.map(
      ({ slug, keys }) =>
        `  aceso ledger move --data DATA --genesis ${join(out, 'genesis.json')} --network ${join(out, 'network.json')} --keys ${keys === undefined ? 'KEYS' : join(out, slug, 'keys.json')} --export ${exported}`,
    ),
    '',
    'then `aceso start --data DATA`. An organisation without a node of its own yet starts one with --genesis, --network,',
    `--keys and --carry ${join(exported, LEDGER_PART)}.`,
  ];
}

/** `aceso ledger move`: a node becomes a validator of the consortium that goes on from its ledger. */
const ledgerMoveCommand: Command = {
  name: 'ledger move',
  usage: `--genesis FILE --network FILE --keys FILE --export DIR [--data DIR] [--p2p ADDRESS]

  --genesis, --network, --keys   what \`aceso network move\` wrote
  --export DIR   what \`aceso ledger export\` wrote
  --data DIR     data folder of the node (default ./data); stop it first
  --p2p ADDRESS  tcp://HOST:PORT to listen on for the others, where it is not the one in the network file

Vaults and keys stay. The old ledger's folder stays too and is not used any more.`,
  summary: 'Turn a node into a validator of the consortium that goes on from its ledger',
  options: {
    genesis: { type: 'string' },
    network: { type: 'string' },
    keys: { type: 'string' },
    export: { type: 'string' },
    data: { type: 'string' },
    p2p: { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    const path = (name: string): string => pathOf(context, neededOption(values, name));
    const p2pListen = textOption(values, 'p2p');
    const { chain } = await context.nodes.moveNode({
      folder: dataFolder(context, values),
      genesis: path('genesis'),
      network: path('network'),
      keys: path('keys'),
      exported: join(path('export'), LEDGER_PART),
      ...(p2pListen === undefined ? {} : { p2pListen }),
    });
    context.print(`This node validates ledger ${chain} from its next start on: aceso start --data DATA`);
  },
};

export const ledgerCommands: readonly Command[] = [ledgerExportCommand, ledgerMoveCommand];
