import { readBounded } from '../std/read-bounded.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

const TIMEOUT_MS = 60_000;

/** Sends JSON (or gets, without a body) and reads a bounded text. Throws Reject EXCHANGE_UNREACHABLE. */
export type FetchText = (
  url: string,
  body: string | undefined,
  maxBytes: number,
) => Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }>;

/** Over `fetch`, without following redirects: a call is signed for one custodian, and goes to its node alone. */
export function createFetchText(request: typeof fetch): FetchText {
  return async (url, body, maxBytes) => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: body ?? '' };
    const init = {
      ...(body === undefined ? {} : post),
      redirect: 'error' as const,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    try {
      const response = await request(url, init);
      const bytes = await readBounded(response.body, maxBytes);
      if (bytes === undefined) throw reject('EXCHANGE_ANSWER_WRONG');
      return { ok: response.ok, status: response.status, text: new TextDecoder().decode(bytes) };
    } catch (error) {
      if ((error as { code?: string }).code === 'EXCHANGE_ANSWER_WRONG') throw error;
      throw reject('EXCHANGE_UNREACHABLE');
    }
  };
}
