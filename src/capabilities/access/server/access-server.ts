import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Caller } from '../../../auth/caller.ts';
import { scopeAllows } from '../../../auth/scopes.ts';
import type { AccessPort } from '../../../fhir/ports.ts';
import type { Job } from '../../../jobs/job.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type JournalLook, OVERSIGHT } from '../../../server/journal-look.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { createPageCursors, lookOf } from '../../../server/page-cursors.ts';
import { rejecter } from '../../../std/reject.ts';
import { OWN_ACCESS } from '../../consent/contract/decide.ts';
import { createAccessPort, type LocalRevocations } from './access-port.ts';
import { accountingOf } from './accounting.ts';
import { breakGlass, bringClaims, requireClinician } from './break-glass.ts';
import { CODES } from './codes.ts';
import { createPolicyCache } from './policy-cache.ts';
import type { RestrictionPort } from './scope-limit.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const PatientId = Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' });

const BreakGlassBody = Type.Object(
  {
    patientId: PatientId,
    reason: Type.Integer({ minimum: 0, maximum: 255 }),
    statedReason: Type.String({ minLength: 3, maxLength: 1000 }),
  },
  strict,
);
const ReviewBody = Type.Object(
  {
    account: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    act: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    finding: Type.Union([Type.Literal('justified'), Type.Literal('unjustified'), Type.Literal('unclear')]),
  },
  strict,
);

/** Role code of who may see every patient's accounting, as the organisation attests it. */
export const PRIVACY_OFFICER = 'urn:aceso:role|privacy-officer';

export interface AccessServer {
  readonly access: AccessPort;
  readonly plugin: FastifyPluginAsync;
  readonly jobs: readonly Job[];
  close(): void;
}

/** Answers with an accounting as a report; the route has decided who may ask. */
type AnswerReport = (
  organisation: OrganisationContext,
  patient: { readonly id: string; readonly account: string },
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** The decision point for FHIR, break-glass and its review, and the patient's accounting of who saw what. */
export function createAccessServer(deps: {
  organisations: readonly OrganisationContext[];
  ledger: Ledger;
  authenticate: Authenticate;
  revokedLocally: LocalRevocations;
  clock: () => number;
  look: JournalLook;
  /** Meets none unless it is given. */
  restriction?: RestrictionPort;
  /** Answers with the accounting as a report, where a span or a form of it is asked for. */
  answerReport?: AnswerReport;
}): AccessServer {
  const { organisations, ledger, authenticate, revokedLocally, clock, restriction = () => false, answerReport } = deps;
  const cursors = createPageCursors();
  const policies = createPolicyCache(ledger);
  const access = createAccessPort({ organisations, policies, revokedLocally, clock, restriction });
  const plugin: FastifyPluginAsync = async (app) => {
    app.post('/api/access/break-glass', async (request) => {
      const caller = await authenticate(request);
      const body: unknown = request.body;
      if (!Value.Check(BreakGlassBody, body)) throw reject('REASON_MISSING');
      const organisation = organisationOf(organisations, caller.custodian);
      requireClinician(organisation, caller);
      const account = await accountOfPatient(organisation, body.patientId);
      const { reason, statedReason } = body;
      return breakGlass(organisation, caller, { account, reason, statedReason });
    });
    app.post('/api/access/reviews', async (request) => {
      const caller = await authenticate(request);
      const body: unknown = request.body;
      if (!Value.Check(ReviewBody, body)) throw reject('REQUEST_INVALID');
      if (!isPrivacyOfficer(caller)) throw reject('ACCOUNTING_NOT_YOURS');
      const { signer } = organisationOf(organisations, caller.custodian);
      const { account, act, finding } = body;
      const { outcome } = await submitMessage(
        ledger,
        clock(),
        { type: 'access.review', account, act, finding },
        signer,
      );
      return { transaction: outcome.id, code: outcome.code, data: outcome.data };
    });
    app.get<{ Params: { id: string }; Querystring: Readonly<Record<string, unknown>> }>(
      '/api/patients/:id/accounting',
      async (request, reply) => {
        const caller = await authenticate(request);
        const organisation = organisationOf(organisations, caller.custodian);
        // Before anything is looked up: whoever may ask about nobody learns of nobody.
        const isOfficer = isPrivacyOfficer(caller);
        if ((caller.kind !== 'patient' && !isOfficer) || !seesAudit(caller)) throw reject('ACCOUNTING_NOT_YOURS');
        const account = await accountOfPatient(organisation, request.params.id);
        const { after, start, end, format } = request.query;
        const question = JSON.stringify([account, start, end, format]);
        const asked = { interaction: '$accounting', request: String(request.id).slice(0, 128), query: 'AuditEvent' };
        if (!isOfficer && caller.account !== account) {
          await deps.look(organisation, caller, { account, asked, question });
          throw reject('PATIENT_NOT_HERE');
        }
        const isReport = answerReport !== undefined && (start ?? end ?? format) !== undefined;
        const place = typeof after === 'string' && !isReport ? cursors.open(caller, question, after) : undefined;
        if (after !== undefined && !isReport && place === undefined) throw reject('REQUEST_INVALID');
        const { lookedMs, isNew } = lookOf(place, organisation.clock());
        const rule = caller.account === account ? OWN_ACCESS : OVERSIGHT;
        if (isNew) await deps.look(organisation, caller, { account, rule, asked, question });
        if (isReport) return answerReport(organisation, { id: request.params.id, account }, request, reply);
        const { next, ...page } = await accountingOf(organisation, account, place?.after);
        if (next === undefined) return page;
        return { ...page, next: cursors.seal(caller, question, { after: next, lookedMs }) };
      },
    );
  };
  const bring: Job = {
    name: 'break-glass claims',
    intervalMs: 2000,
    run: async () => {
      for (const organisation of organisations) await bringClaims(organisation);
    },
  };
  return { access, plugin, jobs: [bring], close: policies.close };
}

/** The organisation's own administrator, and staff whom it attests as privacy officers. */
export function isPrivacyOfficer({ kind, organisation, custodian, roles }: Caller): boolean {
  return organisation === custodian && (kind === 'system' || roles.includes(PRIVACY_OFFICER));
}

/** An app sees of the audit what its token says. */
function seesAudit({ grant }: Caller): boolean {
  return (
    grant === undefined ||
    grant.scopes.some((scope) => scope.restriction === undefined && scopeAllows(scope, 's', 'AuditEvent'))
  );
}

async function accountOfPatient({ vault }: OrganisationContext, patientId: string): Promise<string> {
  const account = await vault.accountOf('Patient', patientId);
  if (account === undefined) throw reject('PATIENT_NOT_HERE');
  return account;
}
