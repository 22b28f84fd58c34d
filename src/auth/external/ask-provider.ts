import type { Outgoing, OutgoingRequest } from '../../outgoing/outgoing.ts';
import { utf8ToText } from '../../std/bytes.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

const MAX_BYTES = 128 * 1024;
/** Somebody waits before the page. */
const TIMEOUT_MS = 5000;

/** Asks a provider on behalf of an organisation; only its JSON and status come back. */
export type AskProvider = (
  custodian: string,
  request: Pick<OutgoingRequest, 'url' | 'method' | 'headers' | 'body'>,
) => Promise<{ readonly status: number; readonly json: unknown }>;

/**
 * By way of the guard of outgoing requests, under the organisation's rules. The person who waits is told that the
 * service cannot be asked, and why is in `data.reason`, for the log. Throws Reject EXTERNAL_PROVIDER_UNAVAILABLE.
 */
export function createAskProvider(outgoing: Outgoing): AskProvider {
  return async (custodian, { headers = {}, ...request }) => {
    try {
      const answer = await outgoing.request(custodian, {
        ...request,
        headers: { accept: 'application/json', ...headers },
        maxBytes: MAX_BYTES,
        timeoutMs: TIMEOUT_MS,
      });
      return { status: answer.status, json: jsonOf(answer.body) };
    } catch (error) {
      if (isReject(error)) throw reject('EXTERNAL_PROVIDER_UNAVAILABLE', { reason: error.code });
      throw error;
    }
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8ToText(bytes));
  } catch {
    return undefined;
  }
}
