import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { pathOf, readNamedFile } from '../files.ts';
import { portOption } from '../option-values.ts';

const reject = rejecter(CODES);
const DEFAULT_PORT = 8104;

/** `aceso witness`: cosigns the ledgers that it is given, and never two histories of one. */
export const witnessCommand: Command = {
  name: 'witness',
  usage: `--name NAME [--genesis FILE…] [--data DIR] [--port N] [--host ADDRESS]

  --name NAME     name of the witness’s key, e.g. witness.example.org/aceso
  --genesis FILE  a ledger to witness; repeat for each. Without any, only the key is made and shown
  --data DIR      where it remembers what it cosigned (default ./witness)
  --port N        port to listen on (default 8104)`,
  summary: 'Run a witness, which makes a rewritten ledger show (C2SP tlog-witness)',
  options: {
    name: { type: 'string' },
    genesis: { type: 'string', multiple: true },
    data: { type: 'string' },
    port: { type: 'string' },
    host: { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    const { name, genesis, data, host } = values;
    if (typeof name !== 'string' || !/^[^\s+=]{1,255}$/.test(name))
      throw reject('ARGUMENTS_WRONG', { problem: '--name NAME is missing' });
    const files = Array.isArray(genesis) ? (genesis as string[]) : [];
    const documents = await Promise.all(files.map((file) => readNamedFile(context, file)));
    const witness = await context.nodes.witness({
      name,
      folder: pathOf(context, typeof data === 'string' ? data : 'witness'),
      host: typeof host === 'string' ? host : '127.0.0.1',
      port: portOption(values, DEFAULT_PORT),
      genesis: documents,
    });
    context.print(`witness  ${name}  ${witness.publicKey}\nkey      ${witness.keyFile}`);
    if (documents.length > 0) {
      context.print(
        `listening at ${witness.url} for ${documents.length} ${documents.length === 1 ? 'ledger' : 'ledgers'}. Stop with Ctrl-C.`,
      );
      await context.untilStopped();
    }
    await witness.close();
  },
};
