import type { FastifyInstance, FastifyRequest } from 'fastify';
import { bytesToBase64url } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { Ledger } from '../ledger.ts';
import type { SignedBlockSource } from '../signed-blocks.ts';
import { CODES as HTTP_CODES } from './codes.ts';
import type { EntrySource, HeaderSource, LogEntry, SnapshotSource } from './log-entry.ts';
import { wholeNumber } from './whole-number.ts';
import {
  type BlocksForm,
  type EntriesForm,
  MAX_BLOCKS,
  MAX_ENTRIES,
  MAX_WAIT_MS,
  type SnapshotsForm,
  signedBlockToForm,
} from './wire.ts';

const reject = rejecter(CODES);
const rejectHttp = rejecter(HTTP_CODES);

/** Followers that wait for a new block at once; further ones are answered right away. */
const MAX_WAITING = 256;
/** Leaves and transactions in one answer, in bytes; it holds at least one entry. */
const MAX_ENTRIES_BYTES = 4 * 1024 * 1024;

/** A request as it came: what a member signs. */
export interface RawRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Exact bytes of the body; empty when there is none. */
  readonly bodyBytes: Uint8Array;
}

/** The member account in whose name a request is made; throws a Reject of the kind `unauthenticated` or `limit`. */
export type RequireMember = (request: RawRequest) => string;

export type ServedLedger = Ledger & Partial<SignedBlockSource & EntrySource & HeaderSource & SnapshotSource>;

/**
 * What one member's node tells another's: GET /ledger/blocks?from&limit&waitMs, /ledger/leaves/:index,
 * /ledger/entries?from&limit, /ledger/headers/:height, /ledger/snapshots. They hold what every member has a copy of, pseudonymous and still
 * personal data, so whoever asks is a member.
 */
export function addMemberRoutes(app: FastifyInstance, ledger: ServedLedger, requireMember: RequireMember): void {
  const waiting = new Set<() => void>();
  const wakeAll = (): void => {
    for (const done of [...waiting]) done();
  };
  const unsubscribe = ledger.subscribe(wakeAll);
  // Waiting followers must not hold up the end.
  app.addHook('preClose', async () => {
    unsubscribe();
    wakeAll();
  });

  function newBlock(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      waiting.add(done);
    });
  }

  async function blocks(from: number, limit: number, waitMs: number): Promise<BlocksForm> {
    if (ledger.signedBlocks === undefined || ledger.operatorHead === undefined)
      throw rejectHttp('LEDGER_NOT_FOLLOWABLE');
    if (ledger.head().height < from && waitMs > 0 && waiting.size < MAX_WAITING) await newBlock(waitMs);
    const signed = await ledger.signedBlocks(from, limit);
    const { head, signature } = await ledger.operatorHead();
    return { blocks: signed.map(signedBlockToForm), head, signature };
  }

  app.get<{ Querystring: Query }>('/ledger/blocks', async (request) => {
    requireMember(rawGet(request));
    const { query } = request;
    const from = wholeNumber(query.from, 1, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(query.limit ?? '64', 1, MAX_BLOCKS);
    return blocks(from, limit, wholeNumber(query.waitMs ?? '0', 0, MAX_WAIT_MS));
  });

  app.get<{ Params: { index: string } }>('/ledger/leaves/:index', async (request) => {
    requireMember(rawGet(request));
    const leaf = await ledger.leaf(wholeNumber(request.params.index, 0, Number.MAX_SAFE_INTEGER));
    if (leaf === undefined) throw reject('LEDGER_NOT_FOUND');
    return { leaf: bytesToBase64url(leaf) };
  });

  app.get<{ Querystring: Query }>('/ledger/entries', async (request): Promise<EntriesForm> => {
    requireMember(rawGet(request));
    const { query } = request;
    const from = wholeNumber(query.from, 0, Number.MAX_SAFE_INTEGER);
    const limit = wholeNumber(query.limit ?? '1024', 1, MAX_ENTRIES);
    if (ledger.entries === undefined) throw reject('LEDGER_NOT_FOUND');
    return { entries: entriesToForm(await ledger.entries(from, limit)) };
  });

  app.get<{ Params: { height: string } }>('/ledger/headers/:height', async (request) => {
    requireMember(rawGet(request));
    const height = wholeNumber(request.params.height, 1, Number.MAX_SAFE_INTEGER);
    const header = await ledger.signedHeader?.(height);
    if (header === undefined) throw reject('LEDGER_NOT_FOUND');
    return header;
  });

  app.get('/ledger/snapshots', async (request): Promise<SnapshotsForm> => {
    requireMember(rawGet(request));
    return { heights: [...((await ledger.snapshotHeights?.()) ?? [])] };
  });
}

type Query = Readonly<Record<string, string | undefined>>;

const NO_BYTES = new Uint8Array();

function rawGet({ method, url, headers }: FastifyRequest): RawRequest {
  return { method, url, headers, bodyBytes: NO_BYTES };
}

function entriesToForm(entries: readonly LogEntry[]): EntriesForm['entries'] {
  const forms: EntriesForm['entries'] = [];
  let sizeBytes = 0;
  for (const { leaf, wire } of entries) {
    sizeBytes += leaf.length + (wire?.length ?? 0);
    if (forms.length > 0 && sizeBytes > MAX_ENTRIES_BYTES) break;
    forms.push({ leaf: bytesToBase64url(leaf), ...(wire === undefined ? {} : { wire: bytesToBase64url(wire) }) });
  }
  return forms;
}
