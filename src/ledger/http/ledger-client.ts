import { Value } from 'typebox/value';
import { bytesToBase64url } from '../../std/bytes.ts';
import { type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { Reject, type RejectKind, rejecter } from '../../std/reject.ts';
import { KIND_HTTP_STATUS } from '../../std/reject-status.ts';
import { CODES } from '../codes.ts';
import type { Committed } from '../ledger.ts';
import type { SignedBlock } from '../signed-blocks.ts';
import type { SignedHead } from '../store/head-log.ts';
import { BlocksForm, CommittedForm, formToSignedBlock } from './wire.ts';

const reject = rejecter(CODES);

/** Largest answer that is read, in bytes: blocks of 4 MiB in base64url, and then some. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** Another node's ledger over HTTP. */
export interface LedgerClient {
  /** Exact canonical genesis document. */
  genesis(): Promise<JsonObject>;
  /** Blocks from a height on and the newest head; waits up to `waitMs` for a block when there is none. Nothing is verified. */
  blocks(
    from: number,
    limit: number,
    waitMs: number,
  ): Promise<{ readonly blocks: readonly SignedBlock[]; readonly newest: SignedHead }>;
  /** Throws the Reject that the other node answered with. */
  submit(wire: Uint8Array): Promise<Committed>;
  close(): void;
}

export interface LedgerClientOptions {
  /** Address of the node, without `/ledger`. */
  readonly url: string;
  readonly fetch?: typeof fetch;
}

/** Throws LEDGER_UPSTREAM_UNREACHABLE and LEDGER_UPSTREAM_MALFORMED beside what the node itself refuses with. */
export function createLedgerClient({ url, fetch: request = fetch }: LedgerClientOptions): LedgerClient {
  const base = url.replace(/\/$/, '');
  const closing = new AbortController();

  async function call(path: string, timeoutMs: number, init: RequestInit = {}): Promise<Uint8Array> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
    let response: Response;
    let body: Uint8Array;
    try {
      response = await request(`${base}${path}`, { ...init, signal });
      body = await readBounded(response);
    } catch (error) {
      if (error instanceof Reject) throw error;
      throw reject('LEDGER_UPSTREAM_UNREACHABLE');
    }
    if (!response.ok) throw refusalOf(response.status, body);
    return body;
  }

  return {
    async genesis() {
      const value = parseCanonical(await call('/ledger/genesis', REQUEST_TIMEOUT_MS));
      if (typeof value !== 'object' || Array.isArray(value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return value as JsonObject;
    },
    async blocks(from, limit, waitMs) {
      const path = `/ledger/blocks?from=${from}&limit=${limit}&waitMs=${waitMs}`;
      const value = parseJson(await call(path, waitMs + REQUEST_TIMEOUT_MS));
      if (!Value.Check(BlocksForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      const blocks = value.blocks.map(formToSignedBlock);
      if (!blocks.every((block) => block !== undefined)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return { blocks, newest: { head: value.head, signature: value.signature } };
    },
    async submit(wire) {
      const body = JSON.stringify({ wire: bytesToBase64url(wire) });
      const headers = { 'content-type': 'application/json' };
      const value = parseJson(
        await call('/ledger/transactions', REQUEST_TIMEOUT_MS, { method: 'POST', headers, body }),
      );
      if (!Value.Check(CommittedForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return value as unknown as Committed;
    },
    close: () => closing.abort(),
  };
}

async function readBounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_ANSWER_BYTES) throw reject('LEDGER_UPSTREAM_MALFORMED');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** What the other node refused with, under its own code. */
function refusalOf(status: number, body: Uint8Array): Reject {
  const value = parseJson(body) as { code?: unknown; message?: unknown; data?: unknown } | undefined;
  const kind = (Object.entries(KIND_HTTP_STATUS) as [RejectKind, number][]).find(([, one]) => one === status)?.[0];
  const { code, message } = value ?? {};
  if (kind === undefined || typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{0,63}$/.test(code)) {
    return reject('LEDGER_UPSTREAM_MALFORMED', { status });
  }
  const sentence =
    typeof message === 'string' ? message.slice(0, 500).replace(`${code}: `, '') : 'The other node refused it.';
  return new Reject(code, { kind, sentence }, {});
}
