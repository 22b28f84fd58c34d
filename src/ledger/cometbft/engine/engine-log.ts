/** Where an engine's lines go; pino and Fastify's logger fit. */
export interface EngineLog {
  debug(detail: object, message: string): void;
  info(detail: object, message: string): void;
  warn(detail: object, message: string): void;
  error(detail: object, message: string): void;
}

/** A line that an engine wrote. `message` and `detail` hold what CometBFT logged but the time, which our log adds. */
export interface EngineLine {
  readonly level: 'debug' | 'warn';
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const MAX_LINE_CHARACTERS = 8 * 1024;

/**
 * Takes text as it comes and hands on its lines, each cut to 8192 characters: what follows until the line's end is
 * dropped, not kept in memory.
 */
export function createLineSplitter(take: (line: string) => void): { write(text: string): void; end(): void } {
  let held = '';
  const flush = (): void => {
    if (held !== '') take(held);
    held = '';
  };
  const hold = (part: string): void => {
    held += part.slice(0, MAX_LINE_CHARACTERS - held.length);
  };
  return {
    write: (text) => {
      const parts = text.split('\n');
      for (const [at, part] of parts.entries()) {
        hold(part);
        if (at < parts.length - 1) flush();
      }
    },
    end: flush,
  };
}

/**
 * A line of CometBFT's JSON log (libs/log/tm_json_logger.go: `_msg`, `level`, `ts` and pairs). It says `info` of every
 * step of every block, and `error` of a peer that is away: to us debug and warn. Text that is no JSON is a panic, an
 * error before the log was set up, or a line that was cut.
 */
export function parseEngineLine(line: string): EngineLine {
  const parsed = parseObject(line);
  if (parsed === undefined) return { level: 'warn', message: line, detail: {} };
  const { _msg, level, ts: _, ...detail } = parsed;
  return { level: level === 'error' ? 'warn' : 'debug', message: String(_msg ?? ''), detail };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What an error line says, in one sentence for the health of the node; undefined for other lines. */
export function lineToReason({ level, message, detail }: EngineLine): string | undefined {
  if (level !== 'warn') return undefined;
  const { err } = detail;
  const cause = err === undefined ? '' : `: ${typeof err === 'string' ? err : JSON.stringify(err)}`;
  return `${message}${cause}`.slice(0, 500);
}
