import { utf8, utf8ToText } from '../../std/bytes.ts';
import { msToInstant } from '../../std/instant.ts';
import { rejecter } from '../../std/reject.ts';
import type { Client } from '../client.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { writeNamedFile } from '../files.ts';
import { listOption, neededOption, textOption } from '../option-values.ts';
import { NODE_OPTIONS, NODE_USAGE, withNode } from '../use-node.ts';

const reject = rejecter(CODES);

interface RequestAnswer {
  readonly decision: 'permit' | 'deny';
  readonly rules: readonly string[];
  readonly transaction: string;
  readonly resources: number;
}

/** `aceso access request`: asks another organisation for a patient's records. */
const accessRequestCommand: Command = {
  name: 'access request',
  usage: `--custodian NAME --identifier SYSTEM|VALUE [--purpose CODE] [--type TYPE…] [--out FILE] [OPTIONS]

  --custodian NAME   organisation that keeps the records: its account, or its name on this node
  --identifier S|V   the patient’s identifier there, exactly
  --purpose CODE     purpose of use, an HL7 v3 ActReason code (default: the caller’s first)
  --type TYPE        resource type to ask for; repeat for each (default: all)
  --out FILE         where a Bundle of what was released is written, byte for byte${NODE_USAGE}`,
  summary: 'Ask another organisation for a patient’s records; the ledger decides',
  options: {
    ...NODE_OPTIONS,
    custodian: { type: 'string' },
    identifier: { type: 'string' },
    purpose: { type: 'string' },
    type: { type: 'string', multiple: true },
    out: { type: 'string' },
  },
  maxArguments: 0,
  async run(context, values) {
    const identifier = neededOption(values, 'identifier');
    const custodian = neededOption(values, 'custodian');
    const { answer, bundle } = await withNode(context, values, async ({ client }) => {
      const purpose = textOption(values, 'purpose');
      const caller = purpose === undefined ? client : client.withPurpose(purpose);
      const body = { custodian: await accountOf(client, custodian), identifier, ...typesOf(values) };
      return splitAnswer(await caller.postBytes('/api/access/requests', body));
    });
    context.print(`${answer.decision}   rules: ${answer.rules.join(', ')}`);
    context.print(`transaction ${answer.transaction}`);
    if (bundle === undefined) return;
    context.print(`${answer.resources} resources released, each verified against the custodian’s journal leaf`);
    const out = textOption(values, 'out');
    if (out !== undefined) await writeOut(context, out, bundle);
  },
};

/** `aceso access break-glass`: opens one patient's records in an emergency. */
const accessBreakGlassCommand: Command = {
  name: 'access break-glass',
  usage: `PATIENT --reason N --stated TEXT [OPTIONS]

  PATIENT        id of the Patient resource
  --reason N     number of the reason, as the members agreed on them
  --stated TEXT  why, in words; it stays in the organisation’s vault${NODE_USAGE}`,
  summary: 'Break the glass of one patient, as a clinician; the patient and a reviewer will see it',
  options: { ...NODE_OPTIONS, reason: { type: 'string' }, stated: { type: 'string' } },
  maxArguments: 1,
  async run(context, values, [patientId]) {
    const [reason, statedReason] = [neededOption(values, 'reason'), neededOption(values, 'stated')];
    if (patientId === undefined || !/^\d{1,3}$/.test(reason))
      throw reject('ARGUMENTS_WRONG', { problem: 'a patient and --reason N are needed' });
    const body = { patientId, reason: Number(reason), statedReason };
    const act = (await withNode(context, values, ({ client }) => client.post('/api/access/break-glass', body))) as {
      act: string;
      origin: string;
      expiresAtMs: number;
    };
    context.print(`glass broken until ${msToInstant(act.expiresAtMs)}   ${act.origin}`);
    context.print(`act ${act.act}`);
    context.print('Read with the header Aceso-Purpose: BTG. The act is told to the patient and will be reviewed.');
  },
};

interface LogEntry {
  readonly timeMs: number;
  readonly kind: string;
  readonly decision: string;
  readonly purpose: string;
  readonly actor: string;
  readonly organisation: string;
  readonly versions: number;
  readonly rules: readonly string[];
}

interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly next?: string;
  readonly breakGlass: readonly {
    atMs: number;
    act: string;
    practitioner: string;
    statedReason?: string;
    reviews: number;
  }[];
}

/** `aceso access log`: who saw what of a patient. */
const accessLogCommand: Command = {
  name: 'access log',
  usage: `PATIENT [--limit N] [OPTIONS]
PATIENT --format json|csv|html --out FILE [--start DATE] [--end DATE] [OPTIONS]

  PATIENT        id of the Patient resource
  --limit N      so many entries, newest first (default 50)
  --format FORM  the accounting of disclosures as a report: json, csv, or html to be printed
  --out FILE     where the report is written, for its owner alone
  --start DATE   first day of the report (default: six years ago)
  --end DATE     last day of the report (default: now)${NODE_USAGE}`,
  summary: 'Show who read, wrote and asked in vain for a patient’s records, or write it down as a report',
  options: {
    ...NODE_OPTIONS,
    limit: { type: 'string' },
    format: { type: 'string' },
    out: { type: 'string' },
    start: { type: 'string' },
    end: { type: 'string' },
  },
  maxArguments: 1,
  async run(context, values, [patientId]) {
    if (patientId === undefined) throw reject('ARGUMENTS_WRONG', { problem: 'a patient is needed' });
    if (['format', 'out', 'start', 'end'].some((name) => textOption(values, name) !== undefined)) {
      await writeReport(context, values, patientId);
      return;
    }
    const limit = Number(textOption(values, 'limit') ?? 50);
    if (!Number.isInteger(limit) || limit < 1) throw reject('ARGUMENTS_WRONG', { problem: '--limit takes a number' });
    await withNode(context, values, ({ client }) => printLog(context, client, patientId, limit));
  },
};

export const accessCommands: readonly Command[] = [accessRequestCommand, accessBreakGlassCommand, accessLogCommand];

/** Writes the accounting of disclosures (45 CFR 164.528) as the node answers it. */
async function writeReport(context: CliContext, values: OptionValues, patientId: string): Promise<void> {
  const [format, out] = [neededOption(values, 'format'), neededOption(values, 'out')];
  const query = new URLSearchParams({ format });
  for (const name of ['start', 'end']) {
    const bound = textOption(values, name);
    if (bound !== undefined) query.set(name, bound);
  }
  const path = `/api/patients/${encodeURIComponent(patientId)}/accounting?${query}`;
  const report = await withNode(context, values, ({ client }) => client.bytes(path));
  await writeNamedFile(context, out, report, { isSecret: true });
  context.print(`accounting of disclosures in ${out}`);
}

async function printLog(context: CliContext, client: Client, patientId: string, limit: number): Promise<void> {
  const path = `/api/patients/${encodeURIComponent(patientId)}/accounting`;
  let after: string | undefined;
  let left = limit;
  do {
    const page = (await client.get(
      after === undefined ? path : `${path}?after=${encodeURIComponent(after)}`,
    )) as LogPage;
    for (const { atMs, act, practitioner, statedReason, reviews } of page.breakGlass) {
      const reason = statedReason === undefined ? '' : `   “${statedReason}”`;
      context.print(`${msToInstant(atMs)}  glass broken by ${practitioner}, ${reviews} reviews, act ${act}${reason}`);
    }
    for (const entry of page.entries.slice(0, left)) context.print(logLine(entry));
    left -= page.entries.length;
    after = page.next;
  } while (after !== undefined && left > 0);
}

function logLine({ timeMs, kind, decision, purpose, actor, organisation, versions, rules }: LogEntry): string {
  const who = organisation === '' || organisation === actor ? actor : `${actor} of ${organisation}`;
  const why = rules.length === 0 ? '' : `  by ${rules.join(', ')}`;
  return `${msToInstant(timeMs)}  ${kind.padEnd(11)} ${decision.padEnd(6)} ${purpose.padEnd(8)} ${versions} versions  ${who}${why}`;
}

/** The answer, and its Bundle as it came: a parser would take `1.10` for `1.1`. Nothing before it holds that mark. */
function splitAnswer(bytes: Uint8Array): { answer: RequestAnswer; bundle: string | undefined } {
  const text = utf8ToText(bytes);
  const at = text.indexOf(',"bundle":');
  if (at < 0) return { answer: JSON.parse(text), bundle: undefined };
  return { answer: JSON.parse(`${text.slice(0, at)}}`), bundle: text.slice(at + ',"bundle":'.length, -1) };
}

async function writeOut(context: CliContext, file: string, bundle: string): Promise<void> {
  await writeNamedFile(context, file, utf8(bundle), { isSecret: true });
  context.print(`Bundle in ${file}`);
}

/** A member account as it is; anything else is a name or slug on the node. */
async function accountOf(client: Client, custodian: string): Promise<string> {
  if (/^[0-9a-f]{32}$/.test(custodian)) return custodian;
  const { organisations } = (await client.get('/')) as {
    organisations: { slug: string; name: string; account: string }[];
  };
  const found = organisations.find(({ slug, name }) => slug === custodian || name === custodian);
  if (found === undefined)
    throw reject('ARGUMENTS_WRONG', {
      problem: 'no such custodian',
      organisations: organisations.map(({ slug }) => slug),
    });
  return found.account;
}

function typesOf(values: OptionValues): { resourceTypes?: readonly string[] } {
  const resourceTypes = listOption(values, 'type');
  return resourceTypes.length === 0 ? {} : { resourceTypes };
}
