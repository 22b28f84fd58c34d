import type { Bundle } from '@medplum/fhirtypes';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../auth/caller.ts';
import { send, sendRefusal } from '../../../fhir/http-answer.ts';
import { refusalOf } from '../../../fhir/outcome.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { createPageCursors, lookOf } from '../../../server/page-cursors.ts';
import { bytesToBase64 } from '../../../std/bytes.ts';
import { isReject } from '../../../std/reject.ts';
import type { OpenedEntry } from '../../../vault/vault.ts';
import type { AuditDependencies } from './audit-dependencies.ts';
import { auditPage } from './audit-page.ts';
import { type AuditSearch, parseAuditSearch } from './audit-search.ts';
import { auditStatement } from './audit-statement.ts';
import { type AuditView, auditView } from './audit-view.ts';
import { factsOf, placeOfId } from './event-facts.ts';
import { namesFor } from './event-names.ts';
import type { AuditSource } from './event-parts.ts';
import { reject } from './reject-audit.ts';
import { hasDecision, renderDecision, renderEvent } from './render-event.ts';

/** The audit record repository under `/audit` (IHE ITI-81): AuditEvents of the journal, read and searched. */
export function createAuditPlugin(deps: AuditDependencies): FastifyPluginAsync {
  const { organisations, authenticate, isPrivacyOfficer, consentOf, look, clock } = deps;
  const cursors = createPageCursors();
  const auditUrl = `${deps.baseUrl}/audit`;
  const startedMs = clock();

  const sourceOf = ({ account, name }: OrganisationContext): AuditSource => ({
    ...{ custodian: account, name, fhirUrl: `${deps.baseUrl}/fhir`, auditUrl },
  });

  async function search(request: FastifyRequest): Promise<Bundle> {
    const caller = await authenticate(request);
    const organisation = organisationOf(organisations, caller.custodian);
    const query = queryOf(request);
    const asked = parseAuditSearch(query);
    const account =
      asked.patient === undefined ? undefined : await organisation.vault.accountOf('Patient', asked.patient);
    // A patient who is not here looks like one whose audit the caller may not see.
    const isUnknown = asked.patient !== undefined && account === undefined;
    const view: AuditView = isUnknown
      ? { of: 'nothing' }
      : auditView(organisation, caller, isPrivacyOfficer, 's', account);
    const question = JSON.stringify(asked.understood.filter(([name]) => name !== '_count'));
    const place = asked.after === undefined ? undefined : cursors.open(caller, question, asked.after);
    if (asked.after !== undefined && place === undefined)
      throw reject('AUDIT_PARAMETER_INVALID', { parameter: '_after' });
    const { lookedMs, isNew } = lookOf(place, organisation.clock());
    await journalSearch(organisation, caller, view, { account, request, query, question, isNew });
    if (view.of === 'nothing') return bundleOf(auditUrl, asked, { events: [] });
    const only = view.of === 'all' ? undefined : view.account;
    const source = sourceOf(organisation);
    const { events, next } = await auditPage(organisation, source, only, { ...asked, after: place?.after }, consentOf);
    if (next === undefined) return bundleOf(auditUrl, asked, { events });
    return bundleOf(auditUrl, asked, { events, next: cursors.seal(caller, question, { after: next, lookedMs }) });
  }

  /**
   * A page that goes on soon is the same look, as its cursor says. Who sees nothing leaves a refusal with the patient who
   * was named, if any.
   */
  async function journalSearch(
    organisation: OrganisationContext,
    caller: Caller,
    view: AuditView,
    at: {
      account: string | undefined;
      request: FastifyRequest;
      query: URLSearchParams;
      question: string;
      isNew: boolean;
    },
  ): Promise<void> {
    const { question } = at;
    const names = [...new Set(at.query.keys())].filter((name) => /^[A-Za-z_:.]{1,32}$/.test(name)).join('&');
    const query = (names === '' ? 'AuditEvent' : `AuditEvent?${names}`).slice(0, 256);
    const asked = { interaction: 'search-type', request: String(at.request.id).slice(0, 128), query };
    if (view.of === 'nothing') {
      if (at.account !== undefined) await look(organisation, caller, { account: at.account, asked, question });
      return;
    }
    const account = view.of === 'all' ? organisation.account : view.account;
    if (at.isNew) await look(organisation, caller, { account, rule: view.rule, asked, question });
  }

  /** The entry that an address names, shown to who may see it and journalled as seen; AUDIT_EVENT_UNKNOWN for all others. */
  async function shown(request: FastifyRequest, interaction: string) {
    const caller = await authenticate(request);
    const organisation = organisationOf(organisations, caller.custodian);
    const { id } = request.params as { id: string };
    const place = placeOfId(id);
    const entry = place && (await organisation.vault.journalEntry(place.generation, place.index));
    if (entry === undefined || place === undefined) throw reject('AUDIT_EVENT_UNKNOWN');
    const facts = factsOf(entry);
    const view = auditView(organisation, caller, isPrivacyOfficer, 'r', facts.account);
    const isKnown = !place.isDecision || hasDecision(facts);
    if (view.of !== 'account' || !isKnown) throw reject('AUDIT_EVENT_UNKNOWN');
    const asked = { interaction, request: String(request.id).slice(0, 128), query: `AuditEvent/${id}` };
    await look(organisation, caller, { account: facts.account, rule: view.rule, asked });
    return { organisation, facts, isDecision: place.isDecision };
  }

  async function read(request: FastifyRequest): Promise<string> {
    const { organisation, facts, isDecision } = await shown(request, 'read');
    const names = await namesFor(organisation, [facts], consentOf);
    const source = sourceOf(organisation);
    return JSON.stringify(isDecision ? renderDecision(facts, names, source) : renderEvent(facts, names, source));
  }

  /** The receipt of the entry that an event was rendered from, as `$receipt` of a version answers it. */
  async function receipt(request: FastifyRequest): Promise<string> {
    const { organisation, facts } = await shown(request, '$receipt');
    const entry = (await organisation.vault.entry(facts.generation, facts.index)) as OpenedEntry;
    const data = bytesToBase64(await deps.receiptOf(organisation, entry));
    const resource = { resourceType: 'Binary', contentType: 'application/json', data };
    return JSON.stringify({
      resourceType: 'Parameters',
      parameter: [
        { name: 'receipt', resource },
        { name: 'personalData', valueBoolean: true },
      ],
    });
  }

  const answer =
    (work: (request: FastifyRequest) => Promise<string>) =>
    async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
      send(request, reply, { status: 200, body: await work(request) });

  return async (app) => {
    app.setErrorHandler((error, request, reply) => {
      if (!isReject(error))
        request.log.error({ name: error instanceof Error ? error.name : typeof error }, 'audit failed');
      return sendRefusal(reply, refusalOf(error));
    });
    const statement = JSON.stringify(auditStatement(auditUrl, startedMs));
    app.get(
      '/audit/metadata',
      answer(async () => statement),
    );
    app.get(
      '/audit/AuditEvent',
      answer(async (request) => JSON.stringify(await search(request))),
    );
    app.get('/audit/AuditEvent/:id', answer(read));
    app.get('/audit/AuditEvent/:id/$receipt', answer(receipt));
  };
}

function queryOf({ url }: FastifyRequest): URLSearchParams {
  const mark = url.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
}

function bundleOf(
  auditUrl: string,
  { understood }: AuditSearch,
  { events, next }: Awaited<ReturnType<typeof auditPage>>,
): Bundle {
  const address = `${auditUrl}/AuditEvent`;
  const linkOf = (more: readonly (readonly [string, string])[]): string => {
    const query = new URLSearchParams([...understood, ...more].map(([name, value]) => [name, value]));
    return query.size === 0 ? address : `${address}?${query}`;
  };
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    link: [
      { relation: 'self', url: linkOf([]) },
      ...(next === undefined ? [] : [{ relation: 'next' as const, url: linkOf([['_after', next]]) }]),
    ],
    ...(events.length === 0
      ? {}
      : {
          entry: events.map((resource) => ({
            fullUrl: `${address}/${resource.id}`,
            resource,
            search: { mode: 'match' as const },
          })),
        }),
  };
}
