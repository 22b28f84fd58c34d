import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { hexToBytes } from '../../std/bytes.ts';
import type { AskedInteraction } from '../asked.ts';
import { rejectFhir } from '../codes.ts';
import type { FhirContext } from '../context.ts';
import { exactJson } from '../exact-json.ts';
import { judgeForm } from '../http-request.ts';
import { mediaType, preferenceOf } from '../negotiate.ts';
import { prefersAsync, requirePatience, retryAfterSeconds, sendAccepted, sendUnderWay } from './bulk-answer.ts';
import { BEGIN, type ExportJob, type ExportProgress, type ExportRequest } from './bulk-job.ts';
import { createBulkJobs } from './bulk-jobs.ts';
import type { BulkParts, BulkRoutes } from './bulk-parts.ts';
import { rejectBulk } from './codes.ts';
import { coversFile } from './export-coverage.ts';
import { exportManifest, exportProgressText } from './export-manifest.ts';
import { type Given, postedParameters } from './export-parameters.ts';
import { exportRequest } from './export-request.ts';
import { runExport } from './run-export.ts';
import { createSealedFiles } from './sealed-file.ts';
import { sendFile } from './sent-file.ts';

/** Where exports are, below the FHIR server's base. */
const EXPORTS = '/bulk-exports';
/** What one search of an export may look at: the walk goes in small steps, and each is a search of its own. */
const WIDE = { openedRows: 1_000_000, scannedRows: 1_000_000 };

interface Named {
  readonly Params: { readonly id: string; readonly file: string };
}

/** Kick-off, status, files and deletion of exports. */
export function exportRoutes(parts: BulkParts): BulkRoutes {
  const { storage, limits, authenticate } = parts;
  const jobs = createBulkJobs<ExportRequest, ExportProgress>({
    ...parts,
    kind: 'bulk-export',
    prefix: 'e',
    clock: () => parts.server().clock(),
    reportFailure: (error) => parts.server().reportFailure(error),
    async run(job, progress, save, signal) {
      // Writes that were stamped before the export was asked for may still be on their way to the vault.
      if (progress.resources === 0) await delay(limits.settleMs, undefined, { signal }).catch(() => undefined);
      const contextNow = async () => {
        const caller = await parts.ownerNow(job.caller);
        if (caller === undefined) throw rejectBulk('EXPORT_OWNER_GONE');
        return contextOf({ caller, asked: job.asked });
      };
      const begun = { ...progress, begunMs: progress.begunMs ?? parts.server().clock() };
      return runExport({ job, contextNow, storage, limits, save, signal }, begun);
    },
    // What was written after the export began is erased there as well: a chunk under way may have it.
    mayHold: ({ request, custodian }, rows) =>
      rows.some(
        ({ type, account }) =>
          request.types.includes(type) && (account === custodian || request.accounts?.includes(account) !== false),
      ),
  });

  function contextOf({ caller, asked }: Pick<ExportJob, 'caller' | 'asked'>): FhirContext {
    const server = parts.server();
    const vault = parts.vaults.find(({ custodian }) => custodian === caller.custodian)?.vault;
    if (vault === undefined) throw rejectBulk('EXPORT_UNKNOWN');
    return { ...server, limits: { ...server.limits, ...WIDE }, vault, caller, asked };
  }

  async function kickOff(request: FastifyRequest, reply: FastifyReply, level: ExportRequest['level'], group?: string) {
    const server = parts.server();
    const { query } = judgeForm(request, server.limits);
    const caller = await authenticate(request);
    const isLenient = preferenceOf(request.headers.prefer).lenient;
    if (!isLenient && !prefersAsync(request)) throw rejectBulk('EXPORT_ASYNC_ONLY');
    const isPost = request.method === 'POST';
    const path = [...(level === 'system' ? [] : [level]), ...(group === undefined ? [] : [group])].join('/');
    const asked: AskedInteraction = { interaction: '$export', request: request.id, query: path };
    const made = await exportRequest(contextOf({ caller, asked }), {
      ...{ level, isPost, isLenient, given: [...query, ...postedOf(request)] },
      ...(group === undefined ? {} : { group }),
      url: `${server.baseUrl}${path === '' ? '' : `/${path}`}/$export${isPost ? '' : searchOf(request.url)}`,
    });
    const job = await jobs.make(caller, asked, made);
    await jobs.start(job, BEGIN);
    return sendAccepted(reply, 'The export is under way.', `${server.baseUrl}${EXPORTS}/${job.id}`);
  }

  async function status(request: FastifyRequest<Named>, reply: FastifyReply) {
    const caller = await authenticate(request);
    const entry = jobs.find(caller, request.params.id);
    const { job, progress } = entry;
    const { ended } = progress;
    const { baseUrl, clock } = parts.server();
    const nowMs = clock();
    if (ended === undefined) {
      requirePatience(entry, nowMs, limits.pollMs);
      return sendUnderWay(
        reply,
        exportProgressText(job, progress),
        retryAfterSeconds(nowMs - job.startedMs, limits.pollMs),
      );
    }
    if (ended.status === 'failed') throw rejectBulk('EXPORT_FAILED', { cause: ended.cause ?? '' });
    const addressOf = (file: number) => `${baseUrl}${EXPORTS}/${job.id}/files/${file}.ndjson`;
    return reply
      .code(200)
      .type('application/json')
      .header('cache-control', 'no-store')
      .header('expires', new Date(jobs.expiresMs(ended)).toUTCString())
      .send(JSON.stringify(exportManifest(job, progress, addressOf)));
  }

  /**
   * A file is for the caller who began the export, with the roles of then and a token that holds now and covers its type. What is in it was
   * decided when it was written: a consent that was revoked since does not reach it, as it does not reach what was fetched.
   */
  async function askedFile(request: FastifyRequest<Named>) {
    const caller = await authenticate(request);
    const entry = jobs.find(caller, request.params.id);
    const { job, progress } = entry;
    const number = /^(0|[1-9][0-9]{0,5})\.ndjson$/.exec(request.params.file)?.[1];
    const found = progress.files.find((one) => one.number === Number(number));
    const isThere = progress.ended?.status === 'complete' && number !== undefined && found !== undefined;
    if (!isThere) throw rejectBulk('EXPORT_UNKNOWN');
    const types = found.list === 'deleted' ? job.request.types : found.list === 'error' ? [] : [found.type];
    if (!types.every((type) => coversFile(caller.grant, job.caller.grant, type))) throw rejectBulk('EXPORT_UNKNOWN');
    // By a role that ended since, nothing that it opened is given out any more.
    const now = await parts.ownerNow(job.caller);
    if (now === undefined || !job.caller.roles.every((role) => now.roles.includes(role)))
      throw rejectBulk('EXPORT_OWNER_GONE');
    return { entry, job, found };
  }

  async function file(request: FastifyRequest<Named>, reply: FastifyReply) {
    const { entry, job, found } = await askedFile(request);
    const place = { custodian: job.custodian, job: job.id };
    const files = createSealedFiles(storage, place, hexToBytes(job.key) as Uint8Array, limits.frameBytes);
    return sendFile(request, reply, files, found, entry);
  }

  /** What proves offline that the custodian's journal holds the file's hash; once the ledger has its anchor. */
  async function receipt(request: FastifyRequest<Named>, reply: FastifyReply) {
    const { job, found } = await askedFile(request);
    const { vault } = contextOf(job);
    const opened = found.entry && (await vault.entry(found.entry.generation, found.entry.index));
    if (opened === undefined) throw rejectBulk('EXPORT_UNKNOWN');
    return reply.type('application/json').send(Buffer.from(await parts.receiptOf(vault, opened)));
  }

  return {
    jobs,
    register(app) {
      const common = { exposeHeadRoute: false, bodyLimit: parts.server().limits.resourceBytes };
      const method = ['GET', 'POST'];
      app.route({ ...common, method, url: '/$export', handler: (request, reply) => kickOff(request, reply, 'system') });
      app.route({
        ...{ ...common, method, url: '/Patient/$export' },
        handler: (request, reply) => kickOff(request, reply, 'Patient'),
      });
      app.route<Named>({
        ...{ ...common, method, url: '/Group/:id/$export' },
        handler: (request, reply) => kickOff(request, reply, 'Group', request.params.id),
      });
      app.route<Named>({ ...common, method: 'GET', url: `${EXPORTS}/:id`, handler: status });
      app.route<Named>({ ...common, method: 'GET', url: `${EXPORTS}/:id/files/:file`, handler: file });
      app.route<Named>({ ...common, method: 'GET', url: `${EXPORTS}/:id/files/:file/receipt`, handler: receipt });
      app.route<Named>({
        ...{ ...common, method: 'DELETE', url: `${EXPORTS}/:id` },
        handler: async (request, reply) => {
          const caller = await authenticate(request);
          await jobs.remove(jobs.find(caller, request.params.id).job);
          return sendAccepted(reply, 'The export is cancelled, and its files are destroyed.');
        },
      });
    },
  };
}

function postedOf(request: FastifyRequest): Given {
  const body = request.body as Uint8Array | undefined;
  if (request.method !== 'POST' || body === undefined || body.length === 0) return [];
  const type = mediaType(request.headers['content-type'] ?? '');
  if (type !== 'application/fhir+json' && type !== 'application/json') throw rejectFhir('MEDIA_TYPE_UNSUPPORTED');
  return postedParameters(exactJson(body));
}

function searchOf(url: string): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark);
}
