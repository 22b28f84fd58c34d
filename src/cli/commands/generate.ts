import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { access, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { rejecter } from '../../std/reject.ts';
import { dateToDay } from '../../synthetic/calendar.ts';
import { DEFAULT_YEARS, generatePatients } from '../../synthetic/generate.ts';
import { generateOrganisation, type OrganisationOptions } from '../../synthetic/organisation.ts';
import { bundleToLines } from '../../synthetic/resource-lines.ts';
import { bundleToText } from '../../synthetic/written-number.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command, OptionValues } from '../command.ts';
import { makeNamedFolder, pathOf } from '../files.ts';
import { countOption, textOption } from '../option-values.ts';

const reject = rejecter(CODES);

type Bundle = ReturnType<typeof generateOrganisation>;

/** Standard output itself: `print` knows nothing of a reader that is slow or gone. */
interface GenerateContext extends CliContext {
  readonly output?: Writable;
}

/** The same people for the same words: so these have fixed defaults, and none of them is today. */
const DEFAULTS = { seed: 'aceso', to: '2026-06-30', organisation: 'Riverside Community Hospital' } as const;
const MAX_YEARS = 30;
const PRACTITIONERS = 24;

/** What says which population a folder holds; no `.json`, so that an import passes it by. */
const LABEL = 'population.txt';
/** The name tells `aceso import` to take it first. */
const ORGANISATION_FILE = 'organisationInformation.json';

/** `aceso generate`: invented patients for load and demonstrations, one after the other in constant memory. */
export const generateCommand: Command = {
  name: 'generate',
  usage: `--patients N [OPTIONS]

  --patients N         how many
  --seed TEXT          other words give other people; ${DEFAULTS.seed} by default
  --out DIR|-          folder, made if need be, or standard output, which is the default
  --format FORM        bundles: a transaction Bundle for each patient, the organisation's first; a file or a line each
                       ndjson: a resource a line, in a folder a file for each type
  --to DATE            day that the records are of; ${DEFAULTS.to} by default
  --years N            how many years before it are recorded; ${DEFAULT_YEARS} by default
  --from DATE          instead of --years: the first recorded day
  --organisation NAME  where they are patients

A folder of Bundles that was cut short is filled up by the same command, and a larger N adds to it.`,
  summary: 'Generate synthetic patients as FHIR Bundles or NDJSON',
  options: {
    patients: { type: 'string' },
    seed: { type: 'string' },
    out: { type: 'string' },
    format: { type: 'string' },
    to: { type: 'string' },
    from: { type: 'string' },
    years: { type: 'string' },
    organisation: { type: 'string' },
  },
  maxArguments: 0,
  async run(context: GenerateContext, values) {
    const asked = readOptions(values);
    const out = textOption(values, 'out') ?? '-';
    const sink = out === '-' ? streamSink(context, asked.format) : await folderSink(context, out, asked);
    const bar = context.progress('generating');
    let resources = 0;
    let done = sink.already;
    try {
      if (done === 0) await sink.write(generateOrganisation(asked.organisation), 0);
      const { seed, to: asOf, years, organisation, patients } = asked;
      const count = Math.max(0, patients - done);
      for (const bundle of generatePatients({ seed, asOf, years, organisation, from: done, count })) {
        if (!(await sink.write(bundle, done + 1))) break;
        done++;
        resources += bundle.entry?.length ?? 0;
        bar.update(done, patients);
        // Signals, the bar, and a reader that went away are seen between patients.
        await setImmediate();
      }
      await sink.end();
    } finally {
      bar.stop();
    }
    context.note(`${done} patients; ${resources} resources written`);
  },
};

interface Asked {
  readonly patients: number;
  readonly seed: string;
  readonly format: 'bundles' | 'ndjson';
  readonly to: string;
  readonly years: number;
  readonly organisation: OrganisationOptions;
}

function readOptions(values: OptionValues): Asked {
  const patients = countOption(values, 'patients');
  const format = textOption(values, 'format') ?? 'bundles';
  if (format !== 'bundles' && format !== 'ndjson') throw wrong('--format takes bundles or ndjson');
  const to = textOption(values, 'to') ?? DEFAULTS.to;
  const toDay = dayOf(to, 'to');
  const from = textOption(values, 'from');
  if (from !== undefined && values.years !== undefined) throw wrong('--from and --years say the same');
  const years =
    from !== undefined
      ? (toDay - dayOf(from, 'from')) / 365.25
      : values.years === undefined
        ? DEFAULT_YEARS
        : countOption(values, 'years');
  if (!(years > 0 && years <= MAX_YEARS))
    throw wrong(`the recorded time is more than 0 and at most ${MAX_YEARS} years`);
  const seed = textOption(values, 'seed') ?? DEFAULTS.seed;
  const name = textOption(values, 'organisation') ?? DEFAULTS.organisation;
  for (const [option, text] of Object.entries({ seed, organisation: name })) {
    if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/.test(text)) {
      throw wrong(`--${option} takes 1 to 100 printable ASCII characters`);
    }
  }
  return { patients, seed, format, to, years, organisation: { seed, name, practitionerCount: PRACTITIONERS } };
}

function dayOf(text: string, name: string): number {
  try {
    return dateToDay(text);
  } catch {
    throw wrong(`--${name} takes a date, YYYY-MM-DD`);
  }
}

function wrong(problem: string) {
  return reject('ARGUMENTS_WRONG', { problem });
}

/** Where patients go, in order; number 0 is the organisation. */
interface Sink {
  /** Patients that are there from an earlier call. */
  readonly already: number;
  /** Resolves to false when nobody wants more. */
  write(bundle: Bundle, number: number): Promise<boolean>;
  end(): Promise<void>;
}

/** Lines of a bundle: itself, or its resources; the staff comes once, with the organisation. */
function linesOf(bundle: Bundle, format: Asked['format'], number: number): { type: string; text: string }[] {
  if (format === 'bundles') return [{ type: 'Bundle', text: bundleToText(bundle) }];
  const isStaff = (type: string) => type === 'Organization' || type === 'Practitioner';
  return bundleToLines(bundle).filter(({ type }) => number === 0 || !isStaff(type));
}

/** Standard output. Waits while its reader is slow; a reader that goes away (EPIPE) is a quiet end. */
function streamSink({ output, print }: GenerateContext, format: Asked['format']): Sink {
  let failure: NodeJS.ErrnoException | undefined;
  output?.on('error', (error) => {
    failure = error;
  });
  const isGone = () => failure !== undefined || output?.destroyed === true;
  return {
    already: 0,
    async write(bundle, number) {
      for (const { text } of linesOf(bundle, format, number)) {
        if (output === undefined) print(text);
        else if (!isGone() && !output.write(`${text}\n`)) await drained(output);
      }
      return !isGone();
    },
    async end() {
      if (output !== undefined && !isGone()) await new Promise((resolve) => output.write('', resolve));
      if (failure !== undefined && failure.code !== 'EPIPE') {
        throw reject('FILE_UNWRITABLE', { reason: failure.code ?? 'unknown' });
      }
    },
  };
}

/** Resolves when a stream takes more, or never will. */
async function drained(stream: Writable): Promise<void> {
  const stop = new AbortController();
  const either = ['drain', 'close', 'error'].map((event) =>
    once(stream, event, { signal: stop.signal }).catch(() => {}),
  );
  if (!stream.destroyed) await Promise.race(either);
  stop.abort();
}

/** A folder. What stands at its final name is whole: everything is written beside it first. */
async function folderSink(context: CliContext, name: string, asked: Asked): Promise<Sink> {
  const folder = pathOf(context, name);
  await makeNamedFolder(context, name);
  const label = labelOf(asked);
  const held = await readFile(join(folder, LABEL), 'utf8').catch(() => undefined);
  if (held !== undefined && held !== label) throw wrong('the folder of --out holds another population, as it says');
  const isTaken = (await readdir(folder)).some((file) => !file.endsWith('.partial'));
  if (held === undefined && isTaken) throw wrong('the folder of --out is not empty');
  if (asked.format === 'bundles') return bundleFiles(folder, label);
  if (held !== undefined) throw wrong('the folder of --out holds this population already');
  return typeFiles(folder, label);
}

/** What the population depends on. The number of patients is not in it: more of them are the same ones and others. */
function labelOf({ seed, format, to, years, organisation }: Asked): string {
  const lines = { seed, format, to, years: years.toFixed(4), organisation: organisation.name };
  return Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/** A Bundle a file. Goes on where the last call was cut short. */
async function bundleFiles(folder: string, label: string): Promise<Sink> {
  const pathOfNumber = (number: number) =>
    join(folder, number === 0 ? ORGANISATION_FILE : `patient-${String(number).padStart(7, '0')}.json`);
  await writeWhole(join(folder, LABEL), label);
  let already = 0;
  const isThere = (number: number) =>
    access(pathOfNumber(number)).then(
      () => true,
      () => false,
    );
  if (await isThere(0)) while (await isThere(already + 1)) already++;
  return {
    already,
    async write(bundle, number) {
      await writeWhole(pathOfNumber(number), bundleToText(bundle));
      return true;
    },
    end: async () => {},
  };
}

async function writeWhole(path: string, text: string): Promise<void> {
  try {
    await writeFile(`${path}.partial`, text);
    await rename(`${path}.partial`, path);
  } catch (error) {
    throw unwritable(error);
  }
}

/** A file for each type, as bulk exports have them. They get their names when all of them are whole. */
function typeFiles(folder: string, label: string): Sink {
  const streams = new Map<string, WriteStream>();
  let failure: unknown;
  const streamOf = (type: string): WriteStream => {
    let stream = streams.get(type);
    if (stream === undefined) {
      stream = createWriteStream(join(folder, `${type}.ndjson.partial`));
      stream.on('error', (error) => {
        failure = error;
      });
      streams.set(type, stream);
    }
    return stream;
  };
  return {
    already: 0,
    async write(bundle, number) {
      for (const { type, text } of linesOf(bundle, 'ndjson', number)) {
        const stream = streamOf(type);
        if (!stream.destroyed && !stream.write(`${text}\n`)) await drained(stream);
        if (failure !== undefined) throw unwritable(failure);
      }
      return true;
    },
    async end() {
      for (const stream of streams.values()) await new Promise<void>((resolve) => stream.end(resolve));
      if (failure !== undefined) throw unwritable(failure);
      for (const type of streams.keys()) {
        await rename(join(folder, `${type}.ndjson.partial`), join(folder, `${type}.ndjson`));
      }
      await writeWhole(join(folder, LABEL), label);
    },
  };
}

function unwritable(error: unknown) {
  return reject('FILE_UNWRITABLE', { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' });
}
