import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../auth/caller.ts';
import { type Receipt, receiptToBytes } from '../../../chain/receipt/receipt.ts';
import type { AccessPort } from '../../../fhir/ports.ts';
import type { Job } from '../../../jobs/job.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type JournalLook, OVERSIGHT } from '../../../server/journal-look.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import { canonicalBytes } from '../../../std/canonical-json.ts';
import { rejecter } from '../../../std/reject.ts';
import type { OpenedEntry } from '../../../vault/vault.ts';
import { OWN_ACCESS } from '../../consent/contract/decide.ts';
import { ANCHOR_INTERVAL_MS, anchorJournal } from './anchor-journal.ts';
import { CODES } from './codes.ts';
import { createErasures } from './erasure-plugin.ts';
import {
  issueJournalReceipt,
  issueStateReceipt,
  issueTransactionReceipt,
  type ReceiptOptions,
} from './issue-receipt.ts';
import { versionEntry } from './version-entry.ts';

const reject = rejecter(CODES);

/** Says on a response that the receipt holds salt and content hash, and so must be guarded like the record. */
const PERSONAL_DATA_HEADER = 'aceso-personal-data';

/** Receipts, the anchoring that makes them possible, and erasure. */
export function createRecordsServer(deps: {
  organisations: readonly OrganisationContext[];
  ledger: Ledger;
  authenticate: Authenticate;
  access: AccessPort;
  look: JournalLook;
}): { readonly plugin: FastifyPluginAsync; readonly jobs: readonly Job[] } {
  const { organisations, ledger, authenticate, access, look } = deps;
  const erasures = createErasures({ organisations, authenticate });
  const plugin: FastifyPluginAsync = async (app) => {
    await app.register(erasures.plugin);
    const genesis = canonicalBytes(ledger.genesis);
    app.get('/api/genesis', async (_request, reply) => reply.type('application/json').send(Buffer.from(genesis)));
    // What is on the ledger is every member's already, and still personal data: for callers only.
    app.get<{ Params: { id: string } }>('/api/receipts/transactions/:id', async (request, reply) => {
      await authenticate(request);
      const { id } = request.params;
      if (!/^[0-9a-f]{64}$/.test(id)) throw reject('RECEIPT_SUBJECT_UNKNOWN');
      return send(reply, await issueTransactionReceipt(ledger, id, optionsOf(request)));
    });
    app.get<{ Params: { map: string; '*': string } }>('/api/receipts/state/:map/*', async (request, reply) => {
      await authenticate(request);
      const { map, '*': rest } = request.params;
      const key = rest.split('/');
      if (key.length > 8 || ![map, ...key].every((part) => /^[A-Za-z0-9._:-]{1,128}$/.test(part))) {
        throw reject('RECEIPT_SUBJECT_UNKNOWN');
      }
      return send(reply, await issueStateReceipt(ledger, map, key, optionsOf(request)));
    });
    app.get<{ Params: VersionParams }>('/api/receipts/versions/:type/:id/:version', async (request, reply) => {
      const caller = await authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const entry = await receiptEntry(organisation, access, caller, request.params);
      return send(
        reply.header(PERSONAL_DATA_HEADER, 'receipt'),
        await issueJournalReceipt(ledger, organisation.vault, entry, optionsOf(request)),
      );
    });
    app.get('/api/journal', async (request) => {
      const caller = await authenticate(request);
      const { vault, account } = organisationOf(organisations, caller.custodian);
      if (caller.kind !== 'system' || caller.organisation !== account) throw reject('RECEIPT_SUBJECT_UNKNOWN');
      const { custodian, generation, size, root } = vault.journalHead();
      return { custodian, generation, size, root: bytesToHex(root), anchored: vault.lastAnchor()?.size ?? 0 };
    });
    app.get<{ Params: EntryParams }>('/api/receipts/journal/:generation/:index', async (request, reply) => {
      const caller = await authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const { generation, index } = request.params;
      const entry = await journalEntry(organisation, caller, request.params);
      const { account } = entry.entry.header;
      await look(organisation, caller, {
        account,
        rule: caller.kind === 'patient' ? OWN_ACCESS : OVERSIGHT,
        // What the look is at is the event, as under /audit.
        asked: { interaction: '$receipt', request: String(request.id), query: `AuditEvent/${generation}-${index}` },
      });
      return send(
        reply.header(PERSONAL_DATA_HEADER, 'receipt'),
        await issueJournalReceipt(ledger, organisation.vault, entry, optionsOf(request)),
      );
    });
  };
  const jobs = organisations.map((one) => ({
    name: `anchor ${one.slug}`,
    intervalMs: ANCHOR_INTERVAL_MS,
    run: () => anchorJournal(one),
  }));
  return { plugin, jobs: [...jobs, ...erasures.jobs] };
}

interface VersionParams {
  readonly type: string;
  readonly id: string;
  readonly version: string;
}

interface EntryParams {
  readonly generation: string;
  readonly index: string;
}

function send(reply: FastifyReply, receipt: Receipt): FastifyReply {
  return reply.type('application/json').send(Buffer.from(receiptToBytes(receipt)));
}

/** `?extends=N`: the reader holds a checkpoint of the log at size N. */
function optionsOf({ query }: Pick<FastifyRequest, 'query'>): ReceiptOptions {
  const { extends: size } = query as { readonly extends?: unknown };
  if (size === undefined) return {};
  if (typeof size !== 'string') throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return { extendsSize: countOf(size) };
}

function countOf(text: string): number {
  // No journal has more entries in a generation than fit 32 bits, nor a resource more versions.
  const count = /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (count > 0xffffffff) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return count;
}

/** Who may not read a version gets no receipt of it, and is not told that there is one. */
async function receiptEntry(
  { vault, clock }: OrganisationContext,
  access: AccessPort,
  caller: Caller,
  { type, id, version }: VersionParams,
): Promise<OpenedEntry> {
  const row = await vault.version(type, id, countOf(version));
  const entry = row && (await versionEntry({ vault, access, clock }, caller, row));
  if (entry === undefined) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return entry;
}

/** An entry about a patient's account is for that patient and for the custodian's own administration. */
async function journalEntry(
  { vault, account }: OrganisationContext,
  caller: Caller,
  params: EntryParams,
): Promise<OpenedEntry> {
  const entry = await vault.entry(countOf(params.generation), countOf(params.index));
  const isOwn = caller.kind === 'patient' && caller.account === entry?.entry.header.account;
  const isCustodian = caller.kind === 'system' && caller.organisation === account;
  if (entry === undefined || !(isOwn || isCustodian)) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return entry;
}
