import type { FastifyPluginAsync } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { isAdministrator } from '../../auth/caller.ts';
import type { BackupProgress, BackupRequest } from '../../cli/backup-work.ts';
import type { Authenticate } from '../../server/authenticate.ts';
import { isReject, type Reject, rejecter } from '../../std/reject.ts';
import { CODES as APP_CODES } from '../codes.ts';
import { reject } from './codes.ts';
import type { BackupSource } from './make-backup.ts';

const rejectApp = rejecter(APP_CODES);
const Path = Type.String({ minLength: 2, maxLength: 4096, pattern: '^/[^\\x00]*$' });
const Request = Type.Object(
  { out: Path, keysOut: Type.Optional(Path), withoutKeys: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
const MAX_REQUEST_BYTES = 16_384;

/**
 * `POST /api/backup` begins a backup of the whole node into new folders of its machine, `GET /api/backup` says how far it
 * is. Both are for who runs the node alone: `authenticate` must know only the tokens of this run, which lie beside the root
 * key, since a path on the machine is not an organisation's to choose. `close` waits for what is under way.
 */
export function createBackupPlugin(deps: {
  readonly source: BackupSource;
  readonly authenticate: Authenticate;
  readonly log: { error(data: object, message: string): void };
}): { readonly plugin: FastifyPluginAsync; close(): Promise<void> } {
  const { source, authenticate, log } = deps;
  let progress: BackupProgress = { state: 'none', step: '', done: 0, total: 0 };
  let running: Promise<void> | undefined;

  async function run(request: BackupRequest): Promise<void> {
    try {
      // A node starts without what makes backups.
      const { optionsOf, summaryOf } = await import('./backup-work.ts');
      const { makeBackup } = await import('./make-backup.ts');
      const report = await makeBackup(source, {
        ...optionsOf(request),
        progress: (step, done, total) => {
          progress = { state: 'running', step, done, total };
        },
      });
      progress = { ...progress, state: 'done', report: summaryOf(report) };
    } catch (error) {
      if (!isReject(error)) log.error({ err: error }, 'the backup failed');
      progress = {
        ...progress,
        state: 'failed',
        refusal: refusalOf(isReject(error) ? error : reject('BACKUP_INTERRUPTED')),
      };
    } finally {
      running = undefined;
    }
  }

  const requireOperator = async (request: Parameters<Authenticate>[0]): Promise<void> => {
    if (!isAdministrator(await authenticate(request))) throw rejectApp('ADMINISTRATOR_ONLY');
  };
  return {
    plugin: async (app) => {
      app.post('/api/backup', { bodyLimit: MAX_REQUEST_BYTES }, async (request, reply) => {
        await requireOperator(request);
        const { body } = request;
        if (!Value.Check(Request, body)) throw reject('BACKUP_FOLDER_UNFIT');
        if (running !== undefined) throw reject('BACKUP_UNDER_WAY');
        progress = { state: 'running', step: 'waiting for a pause between commits', done: 0, total: 1 };
        running = run(body as BackupRequest);
        return reply.code(202).send(progress);
      });
      app.get('/api/backup', async (request) => {
        await requireOperator(request);
        return progress;
      });
    },
    close: async () => running,
  };
}

/** A refusal as an answer that is not one itself. */
export function refusalOf({ code, kind, message, data }: Reject): NonNullable<BackupProgress['refusal']> {
  return { code, kind, sentence: message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message, data };
}
