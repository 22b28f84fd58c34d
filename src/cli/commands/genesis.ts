import { cometBftOperator, genesisHash, parseGenesis } from '../../chain/genesis.ts';
import { parseCanonical } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { readNamedFile, writeNamedFile } from '../files.ts';
import { readMemberEntry } from '../member-entry.ts';
import { toleranceText } from '../network/tolerance.ts';

const reject = rejecter(CODES);
const HEX32 = /^[0-9a-f]{64}$/;

/** `aceso genesis`: writes the document that a ledger begins with, or says what one holds. */
export const genesisCommand: Command = {
  name: 'genesis',
  usage: `FILE…  |  --name NAME --operator HEX --member FILE… --out FILE [--witness NAME=HEX…]

  FILE            a genesis document to check and show
  --name          name of the new ledger
  --operator      public key that signs its heads (\`aceso keys organisation --operator\` prints it)
  --member FILE   a founding member’s public entry (written by \`aceso keys organisation\`); repeat for each
  --witness       a witness’s name and public key
  --out FILE      where the document goes; every member starts from these very bytes

A ledger that several organisations validate together begins with \`aceso network init\`.`,
  summary: 'Found a ledger of one operator: write its genesis document; or check one',
  options: {
    name: { type: 'string' },
    operator: { type: 'string' },
    member: { type: 'string', multiple: true },
    witness: { type: 'string', multiple: true },
    out: { type: 'string' },
  },
  maxArguments: 1,
  async run(context, values, [file]) {
    if (file !== undefined) return show(context, await readNamedFile(context, file));
    const { name, operator, out } = values;
    if (typeof name !== 'string' || typeof operator !== 'string' || typeof out !== 'string') {
      throw reject('ARGUMENTS_WRONG', { problem: 'give a FILE, or --name, --operator and --out' });
    }
    if (!HEX32.test(operator))
      throw reject('ARGUMENTS_WRONG', { problem: '--operator takes a public key of 64 hex digits' });
    if (listOf(values.member).length === 0) throw reject('ARGUMENTS_WRONG', { problem: '--member FILE is missing' });
    const witnesses = listOf(values.witness).map(witnessOf);
    const founders = await Promise.all(listOf(values.member).map((path) => readMemberEntry(context, path)));
    const bytes = await context.nodes.newGenesis({ name, operatorKey: operator, founders, witnesses });
    show(context, bytes);
    await writeNamedFile(context, out, bytes, { isNew: true });
    context.print(`written to ${out}`);
  },
};

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

function witnessOf(text: string): { readonly name: string; readonly publicKey: string } {
  const at = text.lastIndexOf('=');
  const [name, publicKey] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)];
  if (name === '' || !HEX32.test(publicKey)) throw reject('ARGUMENTS_WRONG', { problem: '--witness takes NAME=HEX' });
  return { name, publicKey };
}

function show(context: CliContext, bytes: Uint8Array): void {
  const value = parseCanonical(bytes);
  const genesis = value === undefined ? undefined : parseGenesis(value);
  if (genesis === undefined) throw reject('FILE_UNREADABLE', { reason: 'not a genesis document in exact bytes' });
  const { members } = (genesis.sections.membership ?? { members: [] }) as unknown as {
    members: readonly { account: string; roles: readonly string[] }[];
  };
  context.print(`ledger     ${genesisHash(genesis)}`);
  context.print(`name       ${genesis.name}`);
  if (genesis.previous !== undefined) {
    const { head } = genesis.previous;
    context.print(`goes on    from ledger ${head.genesis} at block ${head.height}`);
  }
  for (const { account, roles } of members) context.print(`member     ${account}  ${roles.join(', ')}`);
  const validators = cometBftOperator(genesis.operator)?.validators ?? [];
  for (const { account, publicKey, power, node } of validators)
    context.print(`validator  ${account}  power ${power}  key ${publicKey}  node ${node}`);
  if (validators.length > 0) context.print(`           ${toleranceText(validators.map(({ power }) => power))}`);
  else context.print(`operator   ${String(genesis.operator.publicKey)}`);
  for (const { name, publicKey } of genesis.witnesses ?? []) context.print(`witness    ${name}  ${publicKey}`);
}
