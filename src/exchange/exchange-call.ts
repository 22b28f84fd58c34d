import { Value } from 'typebox/value';
import type { OrganisationContext } from '../server/organisation.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { Reject, type RejectKind, rejecter } from '../std/reject.ts';
import { KIND_HTTP_STATUS } from '../std/reject-status.ts';
import { CODES } from './codes.ts';
import type { NodeDirectory } from './directory.ts';
import type { FetchText } from './fetch-text.ts';
import type { MemberPort } from './ports.ts';
import { type CallName, readAnswer, type Signed, signedForm, signStatement } from './statement.ts';

const reject = rejecter(CODES);

/** Path of each call below /exchange/:custodian. */
export const CALL_PATHS: Readonly<Record<CallName, string>> = {
  tags: 'tags',
  offer: 'releases',
  countersign: 'releases/countersign',
};

/** A full release: 16 MiB of records, in base64url three times over, and their leaves. */
const MAX_ANSWER_CHARS = 64 * 1024 * 1024;
const AnswerForm = signedForm(MAX_ANSWER_CHARS);

/** A call to a custodian in the name of one of this node's organisations. */
export type ExchangeCall = (
  organisation: OrganisationContext,
  custodian: string,
  call: CallName,
  body: JsonObject,
) => Promise<JsonObject>;

/**
 * Calls over HTTP, also for an organisation of this very node: one path for both. Throws the Reject that the custodian
 * answered with, EXCHANGE_NODE_UNKNOWN, EXCHANGE_UNREACHABLE, EXCHANGE_ANSWER_WRONG.
 */
export function createExchangeCall(options: {
  directory: NodeDirectory;
  members: MemberPort;
  fetchText: FetchText;
}): ExchangeCall {
  const { directory, members, fetchText } = options;
  return async ({ signer, ledger, clock }, custodian, call, body) => {
    const url = `${await directory.urlOf(custodian)}/exchange/${custodian}/${CALL_PATHS[call]}`;
    const statement = { call, chain: ledger.genesisHash, audience: custodian, atMs: clock(), body };
    const { signed } = await signStatement(signer, statement);
    const { ok, status, text } = await fetchText(url, JSON.stringify(signed), MAX_ANSWER_CHARS + 1024);
    if (!ok) throw refusalOf(status, text);
    const answer = readAnswer(signed, answerOf(text), members.keysOf(custodian));
    if (answer === undefined) throw reject('EXCHANGE_ANSWER_WRONG');
    return answer;
  };
}

function answerOf(text: string): Signed {
  const value = parse(text);
  if (!Value.Check(AnswerForm, value)) throw reject('EXCHANGE_ANSWER_WRONG');
  return value;
}

const KIND_OF_STATUS = new Map(
  Object.entries(KIND_HTTP_STATUS).map(([kind, status]) => [status, kind as RejectKind] as const),
);

/** The custodian's refusal under its own code; of its words only what has the form of a code and a short sentence. */
function refusalOf(status: number, text: string): Reject {
  const { code, message, data } = (parse(text) ?? {}) as { code?: unknown; message?: unknown; data?: unknown };
  if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return reject('EXCHANGE_ANSWER_WRONG');
  const sentence = typeof message === 'string' ? message.slice(0, 300).replace(`${code}: `, '') : '';
  const rules = (data as { rules?: unknown } | undefined)?.rules;
  const named = Array.isArray(rules) && rules.every((rule) => typeof rule === 'string' && rule.length <= 128);
  return new Reject(
    code,
    { kind: KIND_OF_STATUS.get(status) ?? 'unavailable', sentence },
    named ? { rules: rules.slice(0, 32) } : {},
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
