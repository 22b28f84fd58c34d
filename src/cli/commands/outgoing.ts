import { rejecter } from '../../std/reject.ts';
import type { Client } from '../client.ts';
import { CODES } from '../codes.ts';
import type { Command } from '../command.ts';
import { textOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

/** An origin that the node may ask, as it says it. */
interface RuleAnswer {
  readonly origin: string;
  /** Ranges of private or special addresses that it may have. */
  readonly addresses?: readonly string[];
}

interface RulesAnswer {
  readonly revision: number;
  readonly rules: readonly RuleAnswer[];
}

const ORIGIN_USAGE = `
  ORIGIN  scheme, host and port, e.g. https://hooks.example or http://10.1.2.3:8080`;

/** `aceso outgoing …`: which addresses a node may ask in an organisation's name; none but these. */
export const outgoingCommands: readonly Command[] = [
  {
    name: 'outgoing list',
    usage: `[OPTIONS]\n${NODE_USAGE}`,
    summary: 'Show which origins the node may ask: hooks, key sets, sign-in providers',
    options: NODE_OPTIONS,
    maxArguments: 0,
    run: (context, values) =>
      withNode(context, values, async ({ client }) => {
        const { rules } = await rulesOf(client);
        for (const rule of rules) context.print(lineOf(rule));
        if (rules.length === 0) context.note('none, so nothing is asked; `aceso outgoing allow ORIGIN` allows one');
      }),
  },
  {
    name: 'outgoing allow',
    usage: `ORIGIN [--addresses RANGE,…] [OPTIONS]
${ORIGIN_USAGE}

  --addresses RANGE,…  private or special addresses that it may have, e.g. 10.0.0.0/8; without it public ones alone.
                       Only who runs the node adds these, with --data on its machine${NODE_USAGE}`,
    summary: 'Let the node ask an origin that others name',
    options: { ...NODE_OPTIONS, addresses: { type: 'string' } },
    maxArguments: 1,
    async run(context, values, [word]) {
      const origin = originOf(word);
      const addresses = textOption(values, 'addresses')?.split(',');
      const rule: RuleAnswer = addresses === undefined ? { origin } : { origin, addresses };
      await withNode(context, values, async ({ client }) => {
        const { revision, rules } = await rulesOf(client);
        const others = rules.filter((one) => one.origin !== origin);
        await client.put('/api/outgoing', { revision, rules: [...others, rule] });
        context.print(`Allowed ${lineOf(rule)}`);
        if (origin.startsWith('http:')) context.note('plain HTTP: whoever is on the way reads along');
      });
    },
  },
  {
    name: 'outgoing forbid',
    usage: `ORIGIN [OPTIONS]\n${ORIGIN_USAGE}${NODE_USAGE}`,
    summary: 'Let the node no longer ask an origin',
    options: NODE_OPTIONS,
    maxArguments: 1,
    async run(context, values, [word]) {
      const origin = originOf(word);
      await withNode(context, values, async ({ client }) => {
        const { revision, rules } = await rulesOf(client);
        const others = rules.filter((one) => one.origin !== origin);
        if (others.length === rules.length) {
          context.note(`${origin} was not allowed`);
          return;
        }
        await client.put('/api/outgoing', { revision, rules: others });
        context.print(`Forbidden ${origin}`);
      });
    },
  },
];

async function rulesOf(client: Client): Promise<RulesAnswer> {
  return (await client.get('/api/outgoing')) as RulesAnswer;
}

/** The node says the last word on it; this brings it into the form that rules have. */
function originOf(word: string | undefined): string {
  const url = word === undefined ? null : URL.parse(word);
  const isBare = url !== null && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
  if (!isBare) throw reject('ARGUMENTS_WRONG', { problem: 'name an origin: https://host or https://host:port' });
  return url.origin;
}

function lineOf({ origin, addresses }: RuleAnswer): string {
  return addresses === undefined ? origin : `${origin} (also at ${addresses.join(', ')})`;
}
