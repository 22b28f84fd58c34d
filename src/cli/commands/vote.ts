import type { MemberMessage, MemberMessageAnswer, ProposalList } from '../../capabilities/membership/api.ts';
import { MEMBER_ROLES } from '../../capabilities/membership/contract/state.ts';
import type { Json } from '../../std/canonical-json.ts';
import { msToInstant } from '../../std/instant.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { readMemberEntry } from '../member-entry.ts';
import { countOption, listOption, neededOption, wholeOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);
const ACCOUNT = /^[0-9a-f]{32}$/;
const HASH = /^[0-9a-f]{64}$/;
const NODE_ID = /^[0-9a-f]{40}$/;

type Message = MemberMessage['message'];

/** One thing that members propose: its words on the command line and the message that they become. */
interface Matter {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: Command['options'];
  toMessage(values: OptionValues, context: CliContext): Message | Promise<Message>;
}

const SIGNED_BY = `

Proposed and approved in the name of the organisation whose node this is; it takes effect once more than two thirds of
the members have approved it (\`aceso vote approve\`).${NODE_USAGE}`;

const MATTERS: readonly Matter[] = [
  {
    name: 'vote admit',
    usage: `--entry FILE [OPTIONS]

  --entry FILE  what \`aceso keys organisation\` printed at the organisation that is to join`,
    summary: 'Propose that an organisation becomes a member',
    options: { entry: { type: 'string' } },
    toMessage: async (values, context) => ({
      ...(await readMemberEntry(context, neededOption(values, 'entry'))),
      type: 'membership.admit',
    }),
  },
  {
    name: 'vote remove',
    usage: `--account A --successor B [OPTIONS]

  --account A    member that leaves; its validator goes with it
  --successor B  member that answers for its accounts from then on`,
    summary: 'Propose that a member leaves',
    options: { account: { type: 'string' }, successor: { type: 'string' } },
    toMessage: (values) => ({
      type: 'membership.remove',
      account: hexOption(values, 'account', ACCOUNT),
      successor: hexOption(values, 'successor', ACCOUNT),
    }),
  },
  {
    name: 'vote roles',
    usage: `--account A --role ROLE… [OPTIONS]

  --account A  the member
  --role ROLE  ${MEMBER_ROLES.join(', ')}; repeat for each, they replace those it has`,
    summary: 'Propose what a member is',
    options: { account: { type: 'string' }, role: { type: 'string', multiple: true } },
    toMessage(values) {
      const roles = [...new Set(listOption(values, 'role'))].sort();
      if (roles.length === 0 || !roles.every((role) => MEMBER_ROLES.some((one) => one === role)))
        throw reject('ARGUMENTS_WRONG', { problem: '--role is missing or unknown', roles: [...MEMBER_ROLES] });
      return { type: 'membership.setRoles', account: hexOption(values, 'account', ACCOUNT), roles };
    },
  },
  {
    name: 'vote set-validator',
    usage: `--account A --public-key HEX --node ID --power N [OPTIONS]

  --account A       the member that validates; a new one is admitted first
  --public-key HEX  key that signs its votes, and
  --node ID         id of its engine: both from \`aceso keys organisation --validator\` there
  --power N         voting power; begin with 0, start its node, and give it power once it has caught up`,
    summary: 'Propose that a member validates, with another key, or with another voting power',
    options: {
      account: { type: 'string' },
      'public-key': { type: 'string' },
      node: { type: 'string' },
      power: { type: 'string' },
    },
    toMessage: (values) => ({
      type: 'membership.setValidator',
      account: hexOption(values, 'account', ACCOUNT),
      publicKey: hexOption(values, 'public-key', HASH),
      node: hexOption(values, 'node', NODE_ID),
      power: wholeOption(values, 'power'),
    }),
  },
  {
    name: 'vote drop-validator',
    usage: `--account A [OPTIONS]

  --account A  the member that validates no more; it stays a member`,
    summary: 'Propose that a member no longer validates',
    options: { account: { type: 'string' } },
    toMessage: (values) => ({ type: 'membership.dropValidator', account: hexOption(values, 'account', ACCOUNT) }),
  },
  {
    name: 'vote rules',
    usage: `--capability NAME --version N --from-height H [OPTIONS]

  --capability NAME  whose rules change, e.g. membership
  --version N        version of its rules; every node has to run software that knows it
  --from-height H    block from which they hold, ten at least after the vote is through`,
    summary: 'Propose other rules from a block on',
    options: { capability: { type: 'string' }, version: { type: 'string' }, 'from-height': { type: 'string' } },
    toMessage: (values) => ({
      type: 'rules.activate',
      capability: neededOption(values, 'capability'),
      version: countOption(values, 'version'),
      fromHeight: countOption(values, 'from-height'),
    }),
  },
  {
    name: 'vote restart-journal',
    usage: `--account A --generation G --kept-size N [OPTIONS]

  --account A     the member whose journal lost entries
  --generation G  the generation to close, and
  --kept-size N   entries that it still has: its node's log names both when it starts`,
    summary: 'Propose that a journal that was restored from an old backup begins anew',
    options: { account: { type: 'string' }, generation: { type: 'string' }, 'kept-size': { type: 'string' } },
    toMessage: (values) => ({
      type: 'journal.restart',
      custodian: hexOption(values, 'account', ACCOUNT),
      generation: wholeOption(values, 'generation'),
      keptSize: wholeOption(values, 'kept-size'),
    }),
  },
];

/** `aceso vote …`: what the members decide together. */
export const voteCommands: readonly Command[] = [
  {
    name: 'vote list',
    usage: `[OPTIONS]${NODE_USAGE}`,
    summary: 'Show what is open for the members to vote on',
    options: NODE_OPTIONS,
    maxArguments: 0,
    async run(context, values) {
      const { proposals } = await listOf(context, values);
      if (proposals.length === 0) context.print('Nothing is open.');
      for (const { id, kind, body, proposer, expiresAtMs, votes, needed, approved } of proposals) {
        context.print(`${id}  ${votes} of ${needed} votes${approved ? ', ours among them' : ''}`);
        context.print(`  ${kind} ${JSON.stringify(body, shortened)}`);
        context.print(`  proposed by ${proposer}, open until ${msToInstant(expiresAtMs)}`);
      }
    },
  },
  ...MATTERS.map(matterCommand),
  {
    name: 'vote approve',
    usage: `PROPOSAL [OPTIONS]

  PROPOSAL  its id, as \`aceso vote list\` shows it; look at what it would do before you approve it${NODE_USAGE}`,
    summary: 'Approve a proposal in the name of the organisation',
    options: NODE_OPTIONS,
    maxArguments: 1,
    async run(context, values, [proposal]) {
      const id = proposalOf(proposal);
      // What is not listed may be executed or expired; the ledger says which.
      const found = (await listOf(context, values)).proposals.find((one) => one.id === id);
      const type = found?.kind === 'journal.restart' ? 'journal.approveRestart' : 'membership.approve';
      print(context, await send(context, values, { type, proposal: id }));
    },
  },
  {
    name: 'vote withdraw',
    usage: `PROPOSAL [OPTIONS]

  PROPOSAL  id of a proposal of the organisation's own${NODE_USAGE}`,
    summary: 'Take a proposal of the organisation’s own back',
    options: NODE_OPTIONS,
    maxArguments: 1,
    async run(context, values, [proposal]) {
      await send(context, values, { type: 'membership.withdraw', proposal: proposalOf(proposal) });
      context.print('withdrawn');
    },
  },
];

function matterCommand({ name, usage, summary, options, toMessage }: Matter): Command {
  return {
    name,
    usage: `${usage}${SIGNED_BY}`,
    summary,
    options: { ...NODE_OPTIONS, ...options },
    maxArguments: 0,
    async run(context, values) {
      print(context, await send(context, values, await toMessage(values, context)));
    },
  };
}

async function send(context: CliContext, values: OptionValues, message: Message): Promise<MemberMessageAnswer> {
  const post = withNode(context, values, ({ client }) => client.post('/api/members/messages', { message }));
  return (await post) as MemberMessageAnswer;
}

async function listOf(context: CliContext, values: OptionValues): Promise<ProposalList> {
  return (await withNode(context, values, ({ client }) => client.get('/api/members/proposals'))) as ProposalList;
}

function print(context: CliContext, { data }: MemberMessageAnswer): void {
  const { proposal, votes, needed, executed } = data as { [name: string]: Json | undefined };
  context.print(`proposal ${proposal}`);
  context.print(`${votes} of ${needed} votes needed: ${executed === true ? 'reached, and done' : 'open'}`);
  if (executed !== true)
    context.print(`The other members approve it, each at its own node: aceso vote approve ${proposal}`);
}

/** A sealing key would fill the screen; nobody reads it. */
function shortened(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > 80 ? `${value.slice(0, 16)}…` : value;
}

function hexOption(values: OptionValues, name: string, form: RegExp): string {
  const text = neededOption(values, name);
  if (!form.test(text)) {
    const digits = form === ACCOUNT ? 32 : form === NODE_ID ? 40 : 64;
    throw reject('ARGUMENTS_WRONG', { problem: `--${name} takes ${digits} hexadecimal digits` });
  }
  return text;
}

function proposalOf(text: string | undefined): string {
  if (text === undefined || !HASH.test(text))
    throw reject('ARGUMENTS_WRONG', { problem: 'PROPOSAL is an id of 64 hexadecimal digits' });
  return text;
}
