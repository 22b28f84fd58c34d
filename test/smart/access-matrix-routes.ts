import { isInScope } from './access-matrix-sight.ts';
import { idOf, type MatrixCaller } from './access-matrix-world.ts';

/*
 * Every route of a node but those of `/fhir`'s interactions, with whom it lets in. Requests are such that nothing is done:
 * bodies are empty or about nobody, so that whoever is let in is told that the request is wrong, after whoever is not has
 * been refused.
 */

/** Who a route lets in. Tokens of apps open none of them. */
export type Entry =
  /** Anybody, without a token. */
  | 'open'
  /** Whoever holds a code, a session, or a member's key: all others are refused alike, whatever their token. */
  | 'proof'
  /** Any caller of an organisation of the node. */
  | 'caller'
  | 'staff'
  | 'clinician'
  | 'officer'
  | 'administrator'
  | 'unasked'
  /** As the FHIR service: also apps; what they see is the matrix of interactions. */
  | 'fhir';

export interface RouteRow {
  readonly entry: Entry;
  /** Path to ask for; the pattern itself unless it is given. `PATIENT` stands for a patient's id. */
  readonly path?: string;
  readonly body?: unknown;
  /** Statuses of a refusal; 403 unless it is given. */
  readonly refused?: readonly number[];
  /** Of a route about one patient: who sees that one beside the entry. */
  readonly own?: true;
  /** An app's token is looked at, and is not enough. */
  readonly isKnownToApps?: true;
  /** But one of the patient's own app that is about this type is. */
  readonly ownType?: string;
  /** Not asked by who is let in, since it would be done. */
  readonly isAct?: true;
}

const ZERO = '0'.repeat(32);
const HASH = '0'.repeat(64);
const member: RouteRow = { entry: 'proof' };
const administrator: RouteRow = { entry: 'administrator' };
const acting: RouteRow = { entry: 'administrator', isAct: true };

export const ROUTES: Readonly<Record<string, RouteRow>> = {
  'GET /': { entry: 'open' },
  'GET /health': { entry: 'open' },
  'GET /ready': { entry: 'open' },
  'GET /ready/care': { entry: 'open' },
  'GET /verify': { entry: 'open' },
  'GET /api/genesis': { entry: 'open' },
  'GET /ledger/genesis': { entry: 'open' },
  'GET /ledger/head': { entry: 'open' },
  'GET /ledger/health': { entry: 'open' },
  'GET /audit/metadata': { entry: 'open' },
  'GET /fhir/metadata': { entry: 'open' },
  'GET /fhir/.well-known/smart-configuration': { entry: 'open' },
  'GET /auth/sign-in.js': { entry: 'open' },
  'GET /auth/add-passkey.js': { entry: 'open' },
  'GET /sign-in/enrol': { entry: 'open' },
  'GET /sign-in/enrol.js': { entry: 'open' },
  // What is committed is every member's; ids of transactions are not guessed.
  'GET /ledger/transactions/:id': { entry: 'proof', path: `/ledger/transactions/${HASH}` },
  'POST /ledger/transactions': { entry: 'proof', body: {} },
  'GET /ledger/blocks': member,
  'GET /ledger/leaves/:index': { ...member, path: '/ledger/leaves/0' },
  'GET /ledger/entries': member,
  'GET /ledger/headers/:height': { ...member, path: '/ledger/headers/1' },
  'GET /ledger/snapshots': member,
  'POST /api/accounts/claim': { entry: 'proof', body: {} },
  'POST /exchange/:custodian/tags': { entry: 'proof', path: `/exchange/${ZERO}/tags`, body: {} },
  'POST /exchange/:custodian/releases': { entry: 'proof', path: `/exchange/${ZERO}/releases`, body: {} },
  'POST /exchange/:custodian/releases/countersign': {
    ...{ entry: 'proof', path: `/exchange/${ZERO}/releases/countersign`, body: {} },
  },
  'POST /auth/register': { entry: 'proof', body: {} },
  'GET /auth/interaction/:uid': { entry: 'proof', path: '/auth/interaction/none' },
  'POST /auth/interaction/:uid/passkey/addition/options': {
    ...{ entry: 'proof', path: '/auth/interaction/none/passkey/addition/options', body: {} },
  },
  'POST /auth/interaction/:uid/passkey/addition': {
    ...{ entry: 'proof', path: '/auth/interaction/none/passkey/addition', body: {} },
  },
  'POST /auth/interaction/:uid/passkey/options': {
    ...{ entry: 'proof', path: '/auth/interaction/none/passkey/options', body: {} },
  },
  'POST /auth/interaction/:uid/passkey': { entry: 'proof', path: '/auth/interaction/none/passkey', body: {} },
  'POST /auth/interaction/:uid/wallet': { entry: 'proof', path: '/auth/interaction/none/wallet', body: {} },
  'POST /auth/interaction/:uid/abort': { entry: 'proof', path: '/auth/interaction/none/abort', body: {} },
  'POST /auth/interaction/:uid/consent': { entry: 'proof', path: '/auth/interaction/none/consent', body: {} },
  'POST /auth/interaction/:uid/sign-out': { entry: 'proof', path: '/auth/interaction/none/sign-out', body: {} },
  // Without a session it offers to sign in.
  'GET /auth/account': { entry: 'open' },
  'POST /auth/account/apps/end': { entry: 'proof', body: {} },
  'POST /auth/account/sign-out': { entry: 'proof', body: {} },
  'POST /auth/account/sign-out-everywhere': { entry: 'proof', body: {} },
  'POST /sign-in/enrol/options': { entry: 'proof', body: { code: 'none' } },
  'POST /sign-in/enrol/verify': { entry: 'proof', body: { code: 'none', response: {} } },
  ...Object.fromEntries(
    // Not asked by TRACE, which `fetch` refuses to send.
    ['GET', 'TRACE', 'DELETE', 'OPTIONS', 'PATCH', 'PUT', 'POST', 'QUERY'].map((method) => [
      `${method} /auth/*`,
      { entry: method === 'TRACE' ? 'unasked' : 'proof', path: '/auth/none' } satisfies RouteRow,
    ]),
  ),
  'GET /auth/authorize': { entry: 'proof' },
  'POST /auth/authorize': { entry: 'proof' },
  'GET /auth/authorize/:uid': { entry: 'proof', path: '/auth/authorize/none' },
  'POST /auth/session/end/confirm': { entry: 'proof' },
  ...Object.fromEntries(
    ['token', 'introspect', 'revoke'].flatMap((name) => [
      [`POST /auth/${name}`, { entry: 'proof' } satisfies RouteRow],
      [`OPTIONS /auth/${name}`, { entry: 'open' } satisfies RouteRow],
    ]),
  ),
  ...Object.fromEntries(
    ['jwks', '.well-known/openid-configuration', '.well-known/oauth-authorization-server'].flatMap((name) =>
      ['GET', 'OPTIONS'].map((method) => [`${method} /auth/${name}`, { entry: 'open' } satisfies RouteRow]),
    ),
  ),
  'OPTIONS /fhir': { entry: 'open', path: '/fhir' },
  'OPTIONS /fhir/*': { entry: 'open', path: '/fhir/Patient' },
  'GET /fhir/ws': { entry: 'proof' },

  'GET /api/receipts/transactions/:id': { entry: 'caller', path: `/api/receipts/transactions/${HASH}` },
  'GET /api/receipts/state/:map/*': { entry: 'caller', path: `/api/receipts/state/chain.accounts/${ZERO}` },
  'GET /api/query/:name': { entry: 'caller', path: '/api/query/none' },
  'GET /api/network': { entry: 'caller' },
  'GET /audit/AuditEvent/:id': { entry: 'caller', isKnownToApps: true, path: '/audit/AuditEvent/none' },
  'GET /audit/AuditEvent/:id/$receipt': {
    ...{ entry: 'caller', isKnownToApps: true, path: '/audit/AuditEvent/none/$receipt' },
  },
  'GET /api/receipts/journal/:generation/:index': { entry: 'caller', path: '/api/receipts/journal/9/9' },

  'POST /api/accounts/:patientId/claim-code': {
    ...{ entry: 'staff', path: '/api/accounts/PATIENT/claim-code', body: {}, isAct: true },
  },
  'POST /api/consents/documents': {
    ...{ entry: 'staff', own: true, body: { patientId: 'PATIENT', consent: '{}' }, isAct: true },
  },
  'POST /api/consents': {
    ...{ entry: 'staff', own: true, isAct: true },
    body: { patientId: 'PATIENT', document: 'none', wire: 'AAAA' },
  },
  'POST /api/consents/revoke': {
    ...{ entry: 'staff', own: true, body: { patientId: 'PATIENT', policy: HASH, wire: 'AAAA' }, isAct: true },
  },
  'GET /api/patients/:id/policies': { entry: 'staff', own: true, path: '/api/patients/PATIENT/policies' },
  // Patients are told of no other patient; staff may ask about nobody.
  'GET /api/patients/:id/accounting': {
    ...{ entry: 'officer', own: true, path: '/api/patients/PATIENT/accounting', refused: [403, 404] },
  },
  'POST /api/access/break-glass': {
    ...{ entry: 'clinician', isAct: true },
    body: { patientId: 'PATIENT', reason: 1, statedReason: 'the matrix asks' },
  },
  'POST /api/access/reviews': {
    ...{ entry: 'officer', isAct: true, body: { account: ZERO, act: HASH, finding: 'unclear' } },
  },
  'POST /api/access/requests': {
    ...{ entry: 'staff', isAct: true, body: { custodian: ZERO, identifier: 'urn:matrix:mrn|none' } },
  },
  // Whoever sees none of it finds none.
  'GET /audit/AuditEvent': {
    ...{ entry: 'officer', own: true, isKnownToApps: true, path: '/audit/AuditEvent?patient=PATIENT', refused: [200] },
    ownType: 'AuditEvent',
  },
  'GET /api/audit/anomalies': { entry: 'officer', isKnownToApps: true },
  'GET /api/receipts/versions/:type/:id/:version': {
    ...{ entry: 'staff', own: true, path: '/api/receipts/versions/Patient/PATIENT/1', refused: [404] },
  },
  'GET /api/journal': { ...administrator, refused: [404] },
  'POST /api/launches': { entry: 'staff', body: {}, refused: [400, 422] },

  'POST /api/members/messages': { ...acting, body: {} },
  'GET /api/members/proposals': administrator,
  'POST /api/tokens': { ...administrator, body: {} },
  'POST /api/tokens/revoke': { ...administrator, body: {} },
  'POST /api/erasures': { ...administrator, body: {} },
  'GET /api/erasures/:id': { ...administrator, path: `/api/erasures/${ZERO}` },
  'GET /metrics': administrator,
  'POST /api/index-key': { ...acting, body: {} },
  'GET /api/index-key': administrator,
  // For the administrators of this run alone: to the others their tokens are none.
  'POST /api/backup': { ...administrator, body: {}, refused: [401] },
  'GET /api/backup': { ...administrator, refused: [401] },
  'GET /api/packages': administrator,
  'POST /api/packages': { ...acting, body: {} },
  'POST /api/packages/remove': { ...acting, body: {} },
  'POST /api/import': { ...administrator, body: {} },
  'GET /api/outgoing': administrator,
  'PUT /api/outgoing': { ...administrator, body: { none: true } },
  'GET /api/clients': administrator,
  'POST /api/clients': { ...administrator, body: {} },
  'DELETE /api/clients/:id': { ...administrator, path: '/api/clients/none' },
  'POST /api/clients/keys/rotate': { ...acting, body: {} },
  'POST /api/clients/registration-tokens': { ...acting, body: {} },
  'GET /api/people': administrator,
  'POST /api/people': { ...administrator, body: {} },
  'POST /api/people/:account/enrolment': { ...administrator, path: `/api/people/${ZERO}/enrolment`, body: {} },
  'POST /api/people/:account/dismiss': { ...administrator, path: `/api/people/${ZERO}/dismiss`, body: {} },
  'GET /api/people/:account/passkeys': { ...administrator, path: `/api/people/${ZERO}/passkeys` },
  'POST /api/people/:account/passkeys/remove': {
    ...administrator,
    path: `/api/people/${ZERO}/passkeys/remove`,
    body: {},
  },

  'GET /api/people/:account/apps': { ...administrator, path: `/api/people/${ZERO}/apps` },
  'POST /api/people/:account/apps/end': { ...administrator, path: `/api/people/${ZERO}/apps/end`, body: {} },
  'POST /api/people/:account/sign-out': { ...acting, path: `/api/people/${ZERO}/sign-out`, body: {} },

  'GET /api/sign-in-providers': administrator,
  'PUT /api/sign-in-providers': { ...administrator, body: { none: true } },
  'GET /api/people/:account/links': { ...administrator, path: `/api/people/${ZERO}/links` },
  'POST /api/people/:account/links': { ...administrator, path: `/api/people/${ZERO}/links`, body: {} },
  'POST /api/people/:account/links/remove': {
    ...{ ...administrator, path: `/api/people/${ZERO}/links/remove`, body: {} },
  },
  'GET /auth/interaction/:uid/external/:provider': { entry: 'proof', path: '/auth/interaction/none/external/none' },
  'GET /auth/interaction/:uid/external': { entry: 'proof', path: '/auth/interaction/none/external' },
  'GET /auth/external/callback/:custodian/:provider': {
    ...{ entry: 'proof', path: `/auth/external/callback/${ZERO}/none` },
  },

  ...Object.fromEntries(
    ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].flatMap((method) => [
      [`${method} /fhir`, { entry: 'fhir' } satisfies RouteRow],
      [`${method} /fhir/*`, { entry: 'fhir' } satisfies RouteRow],
    ]),
  ),
  // Asynchronous only: who asks without that preference is refused after the token was looked at.
  ...Object.fromEntries(
    ['GET', 'POST'].flatMap((method) => [
      [`${method} /fhir/$export`, { entry: 'fhir' } satisfies RouteRow],
      [`${method} /fhir/Patient/$export`, { entry: 'fhir' } satisfies RouteRow],
      [`${method} /fhir/Group/:id/$export`, { entry: 'fhir', path: '/fhir/Group/none/$export' } satisfies RouteRow],
    ]),
  ),
  'GET /fhir/bulk-exports/:id': { entry: 'fhir', path: `/fhir/bulk-exports/${ZERO}` },
  'GET /fhir/bulk-exports/:id/files/:file/receipt': {
    ...{ entry: 'fhir', path: `/fhir/bulk-exports/${ZERO}/files/0.ndjson/receipt` },
  },
  'GET /fhir/bulk-exports/:id/files/:file': { entry: 'fhir', path: `/fhir/bulk-exports/${ZERO}/files/0.ndjson` },
  'DELETE /fhir/bulk-exports/:id': { entry: 'fhir', path: `/fhir/bulk-exports/${ZERO}` },
  'POST /fhir/$import': { ...administrator, isKnownToApps: true },
  'GET /fhir/bulk-imports/:id': { ...administrator, isKnownToApps: true, path: `/fhir/bulk-imports/${ZERO}` },
  'GET /fhir/bulk-imports/:id/errors.ndjson': {
    ...administrator,
    isKnownToApps: true,
    path: `/fhir/bulk-imports/${ZERO}/errors.ndjson`,
  },
  'DELETE /fhir/bulk-imports/:id': { ...administrator, isKnownToApps: true, path: `/fhir/bulk-imports/${ZERO}` },
};

/** Whether the route lets the caller in, about patient `owner` where it is about one. */
export function letsIn(row: RouteRow, caller: MatrixCaller, owner: 'a' | 'b'): boolean {
  const { entry, own, isKnownToApps, ownType } = row;
  if (entry === 'open') return true;
  if (entry === 'proof' || caller.custodian === undefined) return false;
  if (entry === 'fhir') return true;
  if (ownType !== undefined && caller.patient === owner && isInScope(caller, 's', ownType)) return true;
  if (caller.scopes !== undefined && (isKnownToApps !== true || entry !== 'caller')) return false;
  if (entry === 'caller') return true;
  if (own === true && caller.patient === owner) return true;
  if (caller.patient !== undefined) return false;
  if (entry === 'administrator') return caller.isAdministrator === true;
  if (entry === 'officer') return caller.isOfficer === true;
  if (entry === 'clinician') return caller.isAdministrator !== true;
  return true;
}

/** A row's request about a patient, or about one who never was. */
export function requestOf(row: RouteRow, pattern: string, owner: 'a' | 'b' | 'never') {
  const [method = '', url = ''] = pattern.split(' ');
  const id = idOf(owner, 'Patient');
  const path = (row.path ?? url).replace('PATIENT', id);
  const body = row.body === undefined ? undefined : JSON.parse(JSON.stringify(row.body).replace('PATIENT', id));
  return { method, path, body, isAboutPatient: JSON.stringify(row).includes('PATIENT') };
}
