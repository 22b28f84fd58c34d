import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { pathOf } from '../files.ts';
import type { Finding } from '../node-starter.ts';
import { textOption } from '../option-values.ts';
import { SETTING_OPTIONS } from './start.ts';

const reject = rejecter(CODES);

const MARKS: Readonly<Record<Finding['level'], string>> = { ok: 'ok  ', warn: 'WARN', fail: 'FAIL' };

/** `aceso doctor`: what is wrong with a node, and what to do. */
export const doctorCommand: Command = {
  name: 'doctor',
  usage: `[--config FILE] [--data DIR] [--port N] [--host ADDRESS] [--base-url URL] [--backup DIR] [--json]

  --config FILE, --data, --port, --host, --base-url   settings of the node, as \`aceso start\` takes them
  --backup DIR    folder of the newest backup, to tell its age
  --json          one JSON object: {"healthy", "findings": [{"check", "level", "what", "advice"}]}

  Looks, and changes nothing. Exit code 0 when nothing failed (warnings are no failure), 1 otherwise.`,
  summary: 'Look a node over: settings, machine, folder, keys, database, peers, backup; and say what to do',
  options: { ...SETTING_OPTIONS, backup: { type: 'string' }, json: { type: 'boolean' } },
  maxArguments: 0,
  async run(context, values) {
    const findings = await context.nodes.examine(examineOptions(context, values));
    const failed = findings.filter(({ level }) => level === 'fail').length;
    if (values.json === true) context.print(JSON.stringify({ healthy: failed === 0, findings }, undefined, 2));
    else printFindings(context, findings);
    if (failed > 0) throw reject('NODE_NOT_SOUND', { failed });
  },
};

function examineOptions(context: CliContext, values: OptionValues) {
  const { backup, json: _json, ...options } = values;
  const { env: variables, cwd } = context;
  const folder = textOption(values, 'backup');
  const sources = { options, variables, cwd };
  return folder === undefined ? { sources } : { sources, backup: pathOf(context, folder) };
}

function printFindings({ print }: CliContext, findings: readonly Finding[]): void {
  const width = Math.max(...findings.map(({ check }) => check.length));
  for (const { check, level, what, advice } of findings) {
    print(`${MARKS[level]} ${check.padEnd(width)}  ${what}`);
    if (advice !== undefined) print(`     ${' '.repeat(width)}  → ${advice}`);
  }
  const count = (level: Finding['level']): number => findings.filter((one) => one.level === level).length;
  print(`${count('ok')} well, ${count('warn')} to look at, ${count('fail')} failed`);
}
