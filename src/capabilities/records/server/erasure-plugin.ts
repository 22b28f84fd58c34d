import type { FastifyPluginAsync } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Caller, isAdministrator } from '../../../auth/caller.ts';
import { createExclusive, type Exclusive } from '../../../jobs/exclusive.ts';
import type { Job } from '../../../jobs/job.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { isReject, rejecter } from '../../../std/reject.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { CODES } from './codes.ts';
import { beginErasure, carryOut, type Erasure, findErasure, openErasures } from './erase-versions.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Id = Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' });
const Confirm = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 }));
const VersionPlace = Type.Object(
  {
    type: Type.String({ pattern: '^[A-Z][A-Za-z0-9]{0,63}$' }),
    id: Id,
    version: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
  },
  strict,
);
const OfPatient = Type.Object({ patientId: Id, confirm: Confirm }, strict);
const OfVersions = Type.Object(
  { versions: Type.Array(VersionPlace, { minItems: 1, maxItems: 500 }), confirm: Confirm },
  strict,
);

const RETRY_MS = 5_000;
const ENTRIES_PER_PAGE = 500;

/**
 * `POST /api/erasures` and `GET /api/erasures/:id`, for the custodian's administration, and the job that ends what a
 * crash or a ledger that stood still left open.
 */
export function createErasures(deps: { organisations: readonly OrganisationContext[]; authenticate: Authenticate }): {
  readonly plugin: FastifyPluginAsync;
  readonly jobs: readonly Job[];
} {
  const { organisations, authenticate } = deps;
  const turns = new Map<string, Exclusive>(organisations.map(({ account }) => [account, createExclusive()]));
  /** Requests and the job never carry out the same erasure at once. */
  const inTurn = <T>({ account }: OrganisationContext, work: () => Promise<T>): Promise<T> =>
    (turns.get(account) as Exclusive)(work);
  const administrated = (caller: Caller): OrganisationContext => {
    if (!isAdministrator(caller)) throw reject('ERASURE_NOT_ENTITLED');
    return organisationOf(organisations, caller.custodian);
  };
  const plugin: FastifyPluginAsync = async (app) => {
    app.post('/api/erasures', async (request) => {
      const caller = await authenticate(request);
      const organisation = administrated(caller);
      const body: unknown = request.body;
      return inTurn(organisation, async () => {
        const rows = await rowsAsked(organisation, body);
        return toAnswer(await settle(organisation, await beginErasure(organisation, caller, rows)));
      });
    });
    app.get<{ Params: { id: string } }>('/api/erasures/:id', async (request) => {
      const organisation = administrated(await authenticate(request));
      const { id } = request.params;
      const erasure = /^[0-9a-f]{32}$/.test(id) ? await findErasure(organisation, id) : undefined;
      if (erasure === undefined) throw reject('ERASURE_UNKNOWN');
      return toAnswer(erasure);
    });
  };
  const jobs = organisations.map((one) => ({
    name: `erasures ${one.slug}`,
    intervalMs: RETRY_MS,
    run: () =>
      inTurn(one, async () => {
        if (one.vault.status() !== 'serving') return;
        for (const erasure of await openErasures(one)) await settle(one, erasure);
      }),
  }));
  return { plugin, jobs };
}

/** Versions that a request names and that are not erased yet, once it confirms their number. */
async function rowsAsked(organisation: OrganisationContext, body: unknown): Promise<readonly VersionRow[]> {
  const isOfPatient = Value.Check(OfPatient, body);
  if (!isOfPatient && !Value.Check(OfVersions, body)) throw reject('ERASURE_MALFORMED');
  const { vault } = organisation;
  const named = isOfPatient
    ? await rowsOfPatient(organisation, body.patientId)
    : await Promise.all(body.versions.map(({ type, id, version }) => vault.version(type, id, version)));
  const rows = new Map<string, VersionRow>();
  for (const row of named) if (row !== undefined && !row.erased) rows.set(row.leaf, row);
  if (rows.size === 0) throw reject('ERASURE_NOTHING');
  if (body.confirm !== rows.size) throw reject('ERASURE_UNCONFIRMED', { versions: rows.size });
  return [...rows.values()];
}

/** Every version ever written under the patient's account. */
async function rowsOfPatient({ vault }: OrganisationContext, patientId: string): Promise<(VersionRow | undefined)[]> {
  const account = await vault.accountOf('Patient', patientId);
  if (account === undefined) return [];
  const rows: (VersionRow | undefined)[] = [];
  let after: string | undefined;
  do {
    const page = await vault.entriesOf(account, ENTRIES_PER_PAGE, after);
    const versions = page.rows.filter(({ entry }) => entry.kind === 'version');
    rows.push(...(await Promise.all(versions.map(({ generation, index }) => vault.versionAt(generation, index)))));
    after = page.next;
  } while (after !== undefined);
  return rows;
}

/** Carries an erasure as far as it goes now; a ledger that stands still leaves the marks to the job. */
async function settle(organisation: OrganisationContext, erasure: Erasure): Promise<Erasure> {
  try {
    return await carryOut(organisation, erasure);
  } catch (error) {
    const stands = (await findErasure(organisation, erasure.id)) ?? erasure;
    if (!isReject(error) || stands.step !== 'erased') throw error;
    organisation.log.warn({ code: error.code }, 'erased; the ledger’s mark follows');
    return stands;
  }
}

function toAnswer({ id, timeMs, keyBackupsUntilMs, places, step, entries, transactions }: Erasure) {
  return { id, step, versions: places.length, timeMs, keyBackupsUntilMs, entries, transactions };
}
