import { Value } from 'typebox/value';
import { bytesToBase64url } from '../../std/bytes.ts';
import { type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { readBounded } from '../../std/read-bounded.ts';
import { Reject, type RejectKind, rejecter } from '../../std/reject.ts';
import { KIND_HTTP_STATUS } from '../../std/reject-status.ts';
import { CODES } from '../codes.ts';
import type { Commit, Committed, Ledger } from '../ledger.ts';
import type { SignedBlock } from '../signed-blocks.ts';
import type { SignedHead } from '../store/head-log.ts';
import type { LogEntry } from './log-entry.ts';
import {
  BlocksForm,
  CommittedForm,
  EntriesForm,
  formToLogEntry,
  formToSignedBlock,
  SignedHeadForm,
  SnapshotsForm,
} from './wire.ts';

const reject = rejecter(CODES);

/** Largest answer that is read, in bytes: blocks of 4 MiB in base64url, and then some. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** Another node's ledger over HTTP. */
export interface LedgerClient {
  /** Exact canonical genesis document. */
  genesis(): Promise<JsonObject>;
  /** The newest head with what is to prove it. Nothing is verified. */
  head(): Promise<Awaited<ReturnType<Ledger['signedHead']>>>;
  /** Heights of the snapshots that the node offers. */
  snapshots(): Promise<readonly number[]>;
  /** Blocks from a height on and the newest head; waits up to `waitMs` for a block when there is none. Nothing is verified. */
  blocks(
    from: number,
    limit: number,
    waitMs: number,
  ): Promise<{ readonly blocks: readonly SignedBlock[]; readonly newest: SignedHead }>;
  /** Entries of the log from a leaf on: none beyond its end. Nothing is verified. */
  entries(from: number, limit: number): Promise<readonly LogEntry[]>;
  /** Header and commit of a height at which validators changed. Nothing is verified. Throws LEDGER_NOT_FOUND. */
  signedHeader(height: number): Promise<JsonObject>;
  /** Throws the Reject that the other node answered with. */
  submit(wire: Uint8Array): Promise<Committed>;
  close(): void;
}

export interface LedgerClientOptions {
  /** Address of the node, without `/ledger`. */
  readonly url: string;
  /** One that signs as a member; genesis and transactions need none. */
  readonly fetch?: LedgerFetch;
}

/** `fetch`, as far as nodes call each other with it. */
export type LedgerFetch = (url: string, init: LedgerRequestInit) => Promise<Response>;
interface LedgerRequestInit extends Omit<RequestInit, 'body'> {
  readonly body?: string;
}

/** Throws LEDGER_UPSTREAM_UNREACHABLE and LEDGER_UPSTREAM_MALFORMED beside what the node itself refuses with. */
export function createLedgerClient({ url, fetch: request = fetch }: LedgerClientOptions): LedgerClient {
  const base = url.replace(/\/$/, '');
  const closing = new AbortController();

  async function call(path: string, timeoutMs: number, init: LedgerRequestInit = {}): Promise<Uint8Array> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]);
    let response: Response;
    let body: Uint8Array | undefined;
    try {
      response = await request(`${base}${path}`, { ...init, signal });
      body = await readBounded(response.body, MAX_ANSWER_BYTES);
    } catch (error) {
      if (error instanceof Reject) throw error;
      throw reject('LEDGER_UPSTREAM_UNREACHABLE');
    }
    if (body === undefined) throw reject('LEDGER_UPSTREAM_MALFORMED');
    if (!response.ok) throw refusalOf(response.status, body);
    return body;
  }

  return {
    async genesis() {
      const value = parseCanonical(await call('/ledger/genesis', REQUEST_TIMEOUT_MS));
      if (typeof value !== 'object' || Array.isArray(value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return value as JsonObject;
    },
    async head() {
      const value = parseJson(await call('/ledger/head', REQUEST_TIMEOUT_MS));
      if (!Value.Check(SignedHeadForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      const { head, commit, cosignatures } = value;
      return { head, commit: commit as Commit, cosignatures: cosignatures as JsonObject[] };
    },
    async snapshots() {
      const value = parseJson(await call('/ledger/snapshots', REQUEST_TIMEOUT_MS));
      if (!Value.Check(SnapshotsForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return value.heights;
    },
    async blocks(from, limit, waitMs) {
      const path = `/ledger/blocks?from=${from}&limit=${limit}&waitMs=${waitMs}`;
      const value = parseJson(await call(path, waitMs + REQUEST_TIMEOUT_MS));
      if (!Value.Check(BlocksForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      const blocks = value.blocks.map(formToSignedBlock);
      if (!blocks.every((block) => block !== undefined)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return { blocks, newest: { head: value.head, signature: value.signature } };
    },
    async entries(from, limit) {
      const value = parseJson(await call(`/ledger/entries?from=${from}&limit=${limit}`, REQUEST_TIMEOUT_MS));
      if (!Value.Check(EntriesForm, value)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      const entries = value.entries.map(formToLogEntry);
      if (!entries.every((entry) => entry !== undefined)) throw reject('LEDGER_UPSTREAM_MALFORMED');
      return entries;
    },
    async signedHeader(height) {
      const value = parseJson(await call(`/ledger/headers/${height}`, REQUEST_TIMEOUT_MS));
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw reject('LEDGER_UPSTREAM_MALFORMED');
      return value as JsonObject;
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
