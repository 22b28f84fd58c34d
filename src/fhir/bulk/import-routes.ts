import type { FastifyRequest } from 'fastify';
import { isAdministrator } from '../../auth/caller.ts';
import { hexToBytes } from '../../std/bytes.ts';
import { instant } from '../resource-text.ts';
import { requirePatience, retryAfterSeconds, sendAccepted, sendUnderWay } from './bulk-answer.ts';
import type { BulkJob } from './bulk-job.ts';
import { createBulkJobs } from './bulk-jobs.ts';
import type { BulkParts, BulkRoutes } from './bulk-parts.ts';
import { rejectBulk } from './codes.ts';
import { countOf, firstPass, type ImportProgress, type ImportRequest, INPUT_FILE } from './import-job.ts';
import { runImport } from './run-import.ts';
import { createSealedFiles, type SealedFiles } from './sealed-file.ts';
import { NDJSON, sendFile } from './sent-file.ts';
import { spoolLines } from './spool-lines.ts';

/** Where imports are, below the FHIR server's base. */
const IMPORTS = '/bulk-imports';
/** Name of the manifest's extension that counts. */
const COUNT_EXTENSION = 'urn:aceso:import';
const ERRORS = 'errors.ndjson';

interface Named {
  readonly Params: { readonly id: string };
}

type ImportJob = BulkJob<ImportRequest>;

/**
 * `POST $import` of NDJSON by the organisation's administrator: the body is kept, and imported beside requests as
 * `POST /api/import` imports Bundles; status, errors and deletion as those of an export. HL7's own drafts of an import
 * let the server fetch files from addresses in the request; here it fetches nothing.
 */
export function importRoutes(parts: BulkParts): BulkRoutes {
  const { storage, limits, authenticate } = parts;
  const filesOf = ({ custodian, id, key }: ImportJob): SealedFiles =>
    createSealedFiles(storage, { custodian, job: id }, hexToBytes(key) as Uint8Array, limits.frameBytes);
  const jobs = createBulkJobs<ImportRequest, ImportProgress>({
    ...parts,
    kind: 'bulk-import',
    prefix: 'i',
    clock: () => parts.server().clock(),
    reportFailure: (error) => parts.server().reportFailure(error),
    // What was sent goes when it is imported; refusals name lines.
    mayHold: () => false,
    async run(job, progress, save, signal) {
      const server = parts.server();
      const vault = parts.vaults.find(({ custodian }) => custodian === job.custodian)?.vault;
      if (vault === undefined) throw rejectBulk('EXPORT_UNKNOWN');
      const { registration, baseUrl, clock } = server;
      const options = { vault, conformance: server, registration, baseUrl, clock };
      const files = filesOf(job);
      try {
        return await runImport({ files, options, limits, save, signal }, progress);
      } finally {
        await files.release();
      }
    },
  });

  async function administratorOf(request: FastifyRequest) {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw rejectBulk('IMPORT_ADMINISTRATOR_ONLY');
    return caller;
  }

  return {
    jobs,
    register(app) {
      const types = [NDJSON, 'application/ndjson', 'application/x-ndjson'];
      // As a stream: it is kept piece by piece, and never in memory as a whole.
      app.addContentTypeParser(types, (_request, payload, done) => done(null, payload));
      app.post('/$import', { bodyLimit: limits.importBytes }, async (request, reply) => {
        // What is refused before it was read to its end leaves bytes on the connection that are no request.
        reply.header('connection', 'close');
        const caller = await administratorOf(request);
        const body = request.body as AsyncIterable<Uint8Array> | Uint8Array | undefined;
        if (body === undefined || body instanceof Uint8Array) throw rejectBulk('IMPORT_BODY_MISSING');
        const url = `${parts.server().baseUrl}/$import`;
        const asked = { interaction: '$import', request: request.id, query: '' };
        const job = await jobs.make(caller, asked, { url });
        const files = filesOf(job);
        try {
          const input = await spoolLines(body, files, INPUT_FILE, limits);
          await jobs.start(job, firstPass(input));
        } catch (thrown) {
          await jobs.remove(job);
          throw thrown;
        } finally {
          await files.release();
        }
        reply.removeHeader('connection');
        return sendAccepted(reply, 'The import is under way.', `${parts.server().baseUrl}${IMPORTS}/${job.id}`);
      });
      app.get<Named>(`${IMPORTS}/:id`, { exposeHeadRoute: false }, async (request, reply) => {
        const entry = jobs.find(await administratorOf(request), request.params.id);
        const { job, progress } = entry;
        const { ended } = progress;
        const nowMs = parts.server().clock();
        if (ended === undefined) {
          requirePatience(entry, nowMs, limits.pollMs);
          const text = `line ${progress.line}, ${progress.failed} refused, pass ${progress.pass}`;
          return sendUnderWay(reply, text, retryAfterSeconds(nowMs - job.startedMs, limits.pollMs));
        }
        if (ended.status === 'failed') throw rejectBulk('EXPORT_FAILED', { cause: ended.cause ?? '' });
        reply.header('expires', new Date(jobs.expiresMs(ended)).toUTCString()).header('cache-control', 'no-store');
        return reply
          .type('application/json')
          .send(JSON.stringify(importManifest(job, progress, parts.server().baseUrl)));
      });
      app.get<Named>(`${IMPORTS}/:id/${ERRORS}`, { exposeHeadRoute: false }, async (request, reply) => {
        const entry = jobs.find(await administratorOf(request), request.params.id);
        if (entry.progress.ended?.status !== 'complete' || entry.progress.failed === 0)
          throw rejectBulk('EXPORT_UNKNOWN');
        return sendFile(request, reply, filesOf(entry.job), entry.progress.errors, entry);
      });
      app.delete<Named>(`${IMPORTS}/:id`, async (request, reply) => {
        await jobs.remove(jobs.find(await administratorOf(request), request.params.id).job);
        return sendAccepted(reply, 'The import is ended; what it wrote stays.');
      });
    },
  };
}

/** In the form of an export's manifest: nothing was put out but, where lines were refused, a file of why. */
function importManifest({ id, request, startedMs }: ImportJob, progress: ImportProgress, baseUrl: string): object {
  const { failed } = progress;
  const url = `${baseUrl}${IMPORTS}/${id}/${ERRORS}`;
  return {
    transactionTime: instant(startedMs),
    request: request.url,
    requiresAccessToken: true,
    output: [],
    error: failed === 0 ? [] : [{ type: 'OperationOutcome', url, count: failed }],
    extension: { [COUNT_EXTENSION]: { ...countOf(progress), failed } },
  };
}
