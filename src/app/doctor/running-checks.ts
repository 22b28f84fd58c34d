import type { Finding } from '../../cli/node-starter.ts';
import type { RuntimeInfo } from '../runtime-file.ts';
import { fail, ok, warn } from './finding.ts';

const ANSWER_MS = 5000;
const WARN_SKEW_MS = 5000;
const FAIL_SKEW_MS = 60_000;

type Fetch = typeof fetch;

interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly headers: Headers;
}

async function ask(request: Fetch, url: string): Promise<Answer | undefined> {
  try {
    const answer = await request(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: 'manual' });
    const json: unknown = await answer.json().catch(() => undefined);
    return { status: answer.status, json, headers: answer.headers };
  } catch {
    return undefined;
  }
}

/** The node that runs on the folder: whether it answers, is the installed version, and is ready. `isRunning`: it answered. */
export async function checkRunning(
  { url, node }: RuntimeInfo,
  environment: { readonly fetch: Fetch; readonly version: string },
): Promise<{ readonly findings: readonly Finding[]; readonly isRunning: boolean }> {
  const health = await ask(environment.fetch, `${url}/health`);
  const { node: answered, version } = (health?.json ?? {}) as { node?: string; version?: string };
  if (health === undefined || answered !== node) {
    const what = `a node left word that it is at ${url}, and does not answer there`;
    return { findings: [warn('health', what, 'it was killed: start it again, and look at its log')], isRunning: false };
  }
  const findings = [ok('health', `answers at ${url}`)];
  if (version !== environment.version)
    findings.push(
      warn(
        'version',
        `${version} runs, ${environment.version} is installed`,
        'restart the node to run what is installed',
      ),
    );
  findings.push(...judgeReady(await ask(environment.fetch, `${url}/ready`)));
  return { findings, isRunning: true };
}

function judgeReady(ready: Answer | undefined): Finding[] {
  if (ready?.status === 200) return [ok('ready', 'ledger, vaults and indexes serve')];
  const {
    data,
    code = 'no answer',
    message,
  } = (ready?.json ?? {}) as {
    data?: { reasons?: Record<string, unknown>[] };
    code?: string;
    message?: string;
  };
  const reasons = data?.reasons;
  if (reasons === undefined) return [fail('ready', code, message ?? 'look at the log of the node')];
  return reasons.map(({ code: name, message: text, ...about }) =>
    fail('ready', `${name} ${JSON.stringify(about)}`, String(text).replace(/^[A-Z_]+: /, '')),
  );
}

/** When a node's newest backup was made; `timeMs` undefined where nothing is known of one. */
export function checkBackup(timeMs: number | undefined, nowMs: number): Finding {
  const advice = 'make one: `aceso backup`';
  if (timeMs === undefined)
    return warn('backup', 'nothing is known of one', `name its folder with --backup DIR, or ${advice}`);
  const hours = (nowMs - timeMs) / 3_600_000;
  const text = hours < 48 ? `${hours.toFixed(1)} hours old` : `${(hours / 24).toFixed(1)} days old`;
  if (hours < 0) return warn('backup', 'it is from the future', 'check the clock of this machine');
  if (hours > 7 * 24) return fail('backup', text, advice);
  return hours > 26 ? warn('backup', text, advice) : ok('backup', text);
}

/** This machine's clock beside those of the nodes that it talks to, by the `Date` of their answers (whole seconds). */
export async function checkClocks(
  urls: readonly string[],
  environment: { readonly fetch: Fetch; readonly clock: () => number },
): Promise<Finding[]> {
  return Promise.all(
    urls.map(async (url) => {
      const beforeMs = environment.clock();
      const answer = await ask(environment.fetch, `${url}/health`);
      const afterMs = environment.clock();
      const date = Date.parse(answer?.headers.get('date') ?? '');
      const check = `peer ${url}`;
      if (Number.isNaN(date))
        return warn(check, 'does not answer', 'check the address, the network between, and the node there');
      // A date of whole seconds is half a second behind on average.
      const skewMs = Math.round(date + 500 - (beforeMs + afterMs) / 2);
      const text = `clocks differ by ${(Math.abs(skewMs) / 1000).toFixed(1)} s`;
      const advice = 'set both machines by NTP (`timedatectl`): signed calls and transactions go by the clock';
      if (Math.abs(skewMs) > FAIL_SKEW_MS) return fail(check, text, advice);
      return Math.abs(skewMs) > WARN_SKEW_MS ? warn(check, text, advice) : ok(check, text);
    }),
  );
}

/** Whether what clients send is encrypted on its way: a node speaks plain HTTP and leaves TLS to what stands before it. */
export async function checkTls(
  { host, baseUrl }: { readonly host: string; readonly baseUrl?: string | undefined },
  environment: { readonly fetch: Fetch },
): Promise<Finding> {
  const advice = 'put a proxy with TLS before the node and give its address as --base-url https://…';
  const isLocal = host === 'localhost' || host === '::1' || /^127\./.test(host);
  if (baseUrl === undefined)
    return isLocal ? ok('tls', 'reached from this machine alone') : warn('tls', `plain HTTP on ${host}`, advice);
  if (!baseUrl.startsWith('https://')) {
    const isLocalUrl = /^http:\/\/(?:localhost|127\.|\[::1\])/.test(baseUrl);
    return isLocalUrl ? ok('tls', 'reached from this machine alone') : warn('tls', `clients use ${baseUrl}`, advice);
  }
  const answer = await ask(environment.fetch, `${baseUrl}/health`);
  if (answer?.status === 200) return ok('tls', `${baseUrl} answers`);
  return warn('tls', `${baseUrl} does not answer from here`, 'check the proxy, its certificate and the name in DNS');
}
