import { startBareServer } from '../child-server.ts';
import { closedLoop, connectHttp } from '../http-clients.ts';
import type { MeasuredOperation } from './operations.ts';

/** What a measurement came to: a rate, or why there is none. */
export type Measured =
  | { readonly perSecond: number; readonly p99Ms: number; readonly answerBytes: number }
  | { readonly none: string };

const CLIENTS = 8;
/** Answers that are read and compared before anything is timed. */
const CHECKED = 24;

/** How long each operation is loaded: until its code is compiled, and while the clock runs. */
export interface Pace {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/**
 * Requests per second of 8 clients in a closed loop, warm. Answers are checked first: an operation that the server
 * refuses is `not supported`, one that is answered wrongly says what is wrong, and neither is timed.
 */
export async function measureOperation(url: string, operation: MeasuredOperation, pace: Pace): Promise<Measured> {
  const checked = await checkAnswers(url, operation);
  if (typeof checked === 'string') return { none: checked };
  try {
    let from = CHECKED;
    const load = async (count: number) => {
      const first = from;
      from += count;
      const { status } = operation;
      return closedLoop({ url, clients: CLIENTS, count, status, request: (at) => operation.request(first + at) });
    };
    const first = await load(100);
    const warm = await load(Math.ceil(Math.max(100, first.perSecond * pace.warmUpSeconds)));
    const { perSecond, latenciesMs } = await load(Math.ceil(Math.max(100, warm.perSecond * pace.seconds)));
    const p99Ms = latenciesMs[Math.floor(latenciesMs.length * 0.99)] as number;
    return { perSecond, p99Ms, answerBytes: checked };
  } catch (error) {
    return { none: `failed: ${String((error as Error).message).slice(0, 80)}` };
  }
}

/** Mean bytes of an answer's body, or what is wrong. */
async function checkAnswers(url: string, operation: MeasuredOperation): Promise<number | string> {
  const client = await connectHttp(url);
  let bytes = 0;
  try {
    for (let at = 0; at < CHECKED; at++) {
      const { status, body } = await client.send(operation.request(at));
      const answer = JSON.parse(body.toString()) as Record<string, unknown>;
      if (status !== operation.status) return refusal(status, answer);
      const fault = operation.fault(at, answer);
      if (fault !== undefined) return `wrong: ${fault}`;
      bytes += body.length;
    }
    return Math.round(bytes / CHECKED);
  } catch (error) {
    return `failed: ${String((error as Error).message).slice(0, 80)}`;
  } finally {
    client.close();
  }
}

/** What a server has not learned it refuses as a client's fault or as not implemented; a 500 is a fault of its own. */
function refusal(status: number, answer: Record<string, unknown>): string {
  const issue = (answer.issue as { diagnostics?: string; details?: { text?: string } }[] | undefined)?.[0];
  const text = (issue?.details?.text ?? issue?.diagnostics ?? '').slice(0, 70);
  return [400, 403, 404, 405, 422, 501].includes(status) ? `not supported (${status} ${text})` : `failed: ${status}`;
}

/** The same requests, per second, to a server that answers each with as many bytes and does nothing else. */
export async function boundOf(operation: MeasuredOperation, answerBytes: number, pace: Pace): Promise<number> {
  const server = await startBareServer(answerBytes);
  try {
    const load = (count: number) =>
      closedLoop({ url: server.url, clients: CLIENTS, count, status: 200, request: operation.request });
    const { perSecond } = await load(1500);
    return (await load(Math.ceil(perSecond * Math.min(2, pace.seconds)))).perSecond;
  } finally {
    await server.stop();
  }
}
