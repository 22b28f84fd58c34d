import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Caller } from '../../../auth/caller.ts';
import type { Exchange } from '../../../exchange/exchange.ts';
import type { ReleasedVersion } from '../../../exchange/release-payload.ts';
import { bundleText } from '../../../fhir/bundle-text.ts';
import { typeCategory } from '../../../fhir/classify.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { Reject, rejecter } from '../../../std/reject.ts';
import { CODES as CONTRACT_CODES } from '../contract/codes.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

const RequestBody = Type.Object(
  {
    /** Member that keeps the records. */
    custodian: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    /** `system|value` of a Patient.identifier at the custodian. */
    identifier: Type.String({ pattern: '^[^|]*\\|.+$', maxLength: 512 }),
    purpose: Type.Optional(Type.String({ pattern: '^[A-Z]{1,16}$' })),
    resourceTypes: Type.Optional(
      Type.Array(Type.String({ pattern: '^[A-Z][A-Za-z]{1,63}$' }), { minItems: 1, maxItems: 32, uniqueItems: true }),
    ),
  },
  { additionalProperties: false },
);
type RequestBody = Static<typeof RequestBody>;

/** What came of a request; `versions` are those that were released, in the order of the custodian's leaves. */
interface AccessRequestResult {
  readonly decision: 'permit' | 'deny';
  readonly rules: readonly string[];
  /** Id of the ledger's transaction: the permit, or the recorded denial. */
  readonly transaction: string;
  readonly versions: readonly ReleasedVersion[];
}

/** `POST /api/access/requests`: staff ask another organisation for a patient's records; the ledger decides. */
export function createAccessRequests(deps: {
  organisations: readonly OrganisationContext[];
  authenticate: Authenticate;
  exchange: Pick<Exchange, 'introduce' | 'collect'>;
}): { readonly plugin: FastifyPluginAsync } {
  const { organisations, authenticate, exchange } = deps;
  const plugin: FastifyPluginAsync = async (app) => {
    app.post('/api/access/requests', async (request, reply) => {
      const caller = await authenticate(request);
      const body: unknown = request.body;
      if (!Value.Check(RequestBody, body)) throw reject('REQUEST_INVALID');
      if (caller.kind === 'patient' || caller.organisation !== caller.custodian) throw reject('REQUEST_STAFF_ONLY');
      if (body.purpose !== undefined && body.purpose !== caller.purpose) throw reject('REQUEST_PURPOSE_UNDECLARED');
      if (body.custodian === caller.organisation) throw reject('REQUEST_OWN_RECORDS');
      const organisation = organisationOf(organisations, caller.custodian);
      const result = await requestAccess(exchange, organisation, caller, body);
      return reply.type('application/json; charset=utf-8').send(resultText(result));
    });
  };
  return { plugin };
}

/** Introduction, decision on the ledger, release. A denial is a result like a permit; a refusal is thrown. */
async function requestAccess(
  exchange: Pick<Exchange, 'introduce' | 'collect'>,
  organisation: OrganisationContext,
  caller: Caller,
  { custodian, identifier, resourceTypes }: RequestBody,
): Promise<AccessRequestResult> {
  const practitioner = caller.kind === 'practitioner' ? caller.account : '';
  const { purpose } = caller;
  const categories = (resourceTypes ?? []).map(typeCategory);
  const introduction = await exchange.introduce(organisation, custodian, {
    identifier,
    practitioner,
    purpose,
    categories,
  });
  const { account, actorTags, categoryTags } = introduction;
  const message = {
    ...{ type: 'access.request', account, purpose },
    ...(practitioner === '' ? {} : { practitioner }),
    ...(actorTags.length === 0 ? {} : { actorTags }),
    scope: categoryTags.length === 0 ? {} : { categoryTags },
  };
  const { outcome } = await submitMessage(organisation.ledger, organisation.clock(), message, organisation.signer);
  const { id: transaction, code, data } = outcome;
  if (code !== 'OK') throw refusalOf(code, data);
  const rules = data.rules as readonly string[];
  if (data.decision !== 'permit') return { decision: 'deny', rules, transaction, versions: [] };
  const actor = practitioner === '' ? organisation.account : practitioner;
  const permit = { custodian, account, permit: transaction, actor, purpose, rules };
  return { decision: 'permit', rules, transaction, versions: await exchange.collect(organisation, permit) };
}

/** The contract's refusal as the caller's; one of the chain itself (a budget, a rule not active) keeps its name as data. */
function refusalOf(code: string, data: JsonObject): Reject {
  const entry = (CONTRACT_CODES as Readonly<Record<string, (typeof CONTRACT_CODES)[keyof typeof CONTRACT_CODES]>>)[
    code
  ];
  return entry === undefined ? reject('REQUEST_REFUSED', { code }) : new Reject(code, entry, data);
}

/** JSON text whose Bundle holds each resource exactly as the custodian stored it. */
function resultText({ decision, rules, transaction, versions }: AccessRequestResult): string {
  const entries = versions.map(({ header, bytes }) => ({
    fullUrl: `urn:aceso:account:${header.account}/${header.type}/${header.id}`,
    resource: utf8ToText(bytes),
  }));
  const head = { decision, rules, transaction, resources: versions.length };
  const bundle = decision === 'permit' ? `,"bundle":${bundleText('collection', [], entries)}` : '';
  return `${JSON.stringify(head).slice(0, -1)}${bundle}}`;
}
