/** Who sends a request: people and systems of one organisation, and `other`, staff of the next. */
export type Who = 'administrator' | 'physician' | 'patient' | 'other';

/** A request, and how it must be refused. */
export interface Row {
  readonly name: string;
  readonly send: string;
  readonly as?: Who;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly expect: readonly [status: number, code: string];
  /** Journal entries that the refusal itself leaves: none, unless a record was asked for and denied. */
  readonly journalled?: number;
}

export const FHIR = { 'content-type': 'application/fhir+json' };
/** An Observation of the patient p-1, but for its closing brace: rows add members and close it, or do not. */
export const OBSERVATION =
  '{"resourceType":"Observation","id":"o-1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p-1"}';

/** Wrong, forged and missing tokens, and purposes that one may not act for. */
export const TOKENS: readonly Row[] = [
  { name: 'no token', send: 'GET /fhir/Patient/p-1', expect: [401, 'TOKEN_MISSING'] },
  { name: 'no token at the API', send: 'GET /api/journal', expect: [401, 'TOKEN_MISSING'] },
  {
    name: 'Basic instead of Bearer',
    send: 'GET /api/journal',
    headers: { authorization: 'Basic YTpi' },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a forged token',
    send: 'GET /api/journal',
    headers: { authorization: `Bearer aceso_${'A'.repeat(43)}` },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'two words of token',
    send: 'GET /api/journal',
    headers: { authorization: 'Bearer a b' },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a token of 8 KB',
    send: 'GET /api/journal',
    headers: { authorization: `Bearer ${'A'.repeat(8000)}` },
    expect: [401, 'TOKEN_UNKNOWN'],
  },
  {
    name: 'a purpose that the account may not have',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': 'HRESCH' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
  {
    name: 'a purpose that is none',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': '__proto__' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
  {
    name: 'two purposes',
    send: 'GET /fhir/Patient/p-1',
    as: 'physician',
    headers: { 'aceso-purpose': 'TREAT, BTG' },
    expect: [403, 'PURPOSE_NOT_ALLOWED'],
  },
];

/** What is not one’s own: other organisations’ patients, other patients, other people’s tasks. */
export const FOREIGN: readonly Row[] = [
  { name: 'another organisation’s patient', send: 'GET /fhir/Patient/p-1', as: 'other', expect: [404, 'NOT_FOUND'] },
  {
    name: 'another organisation’s history',
    send: 'GET /fhir/Patient/p-1/_history/1',
    as: 'other',
    expect: [404, 'NOT_FOUND'],
  },
  {
    name: 'another organisation’s accounting',
    send: 'GET /api/patients/p-1/accounting',
    as: 'other',
    expect: [403, 'ACCOUNTING_NOT_YOURS'],
  },
  {
    name: 'another organisation’s policies',
    send: 'GET /api/patients/p-1/policies',
    as: 'other',
    expect: [404, 'CONSENT_PATIENT_UNKNOWN'],
  },
  {
    name: 'a claim code for another’s patient',
    send: 'POST /api/accounts/p-1/claim-code',
    as: 'other',
    expect: [404, 'PATIENT_UNKNOWN'],
  },
  {
    name: 'breaking another’s glass',
    send: 'POST /api/access/break-glass',
    as: 'other',
    body: '{"patientId":"p-1","reason":1,"statedReason":"none"}',
    expect: [404, 'PATIENT_NOT_HERE'],
  },
  {
    name: 'a receipt of another’s version',
    send: 'GET /api/receipts/versions/Patient/p-1/1',
    as: 'other',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'another patient, as a patient',
    send: 'GET /fhir/Patient/p-2',
    as: 'patient',
    expect: [404, 'NOT_FOUND'],
    journalled: 1,
  },
  {
    name: 'a patient as administrator',
    send: 'GET /api/journal',
    as: 'patient',
    expect: [404, 'RECEIPT_SUBJECT_UNKNOWN'],
  },
  {
    name: 'a patient who imports',
    send: 'POST /api/import',
    as: 'patient',
    headers: FHIR,
    body: '{}',
    expect: [403, 'ADMINISTRATOR_ONLY'],
  },
  {
    name: 'a patient who makes tokens',
    send: 'POST /api/tokens',
    as: 'patient',
    body: '{}',
    expect: [403, 'ADMINISTRATOR_NEEDED'],
  },
  {
    name: 'a physician who makes tokens',
    send: 'POST /api/tokens',
    as: 'physician',
    body: '{}',
    expect: [403, 'ADMINISTRATOR_NEEDED'],
  },
  {
    name: 'a patient who breaks glass',
    send: 'POST /api/access/break-glass',
    as: 'patient',
    body: '{"patientId":"p-2","reason":1,"statedReason":"none"}',
    expect: [403, 'CLINICIANS_ONLY'],
  },
  {
    name: 'a patient who writes',
    send: 'PUT /fhir/Observation/o-1',
    as: 'patient',
    headers: FHIR,
    body: `${OBSERVATION}}`,
    expect: [403, 'WRITE_DENIED'],
    journalled: 1,
  },
  {
    name: 'a patient at another’s policies',
    send: 'GET /api/patients/p-2/policies',
    as: 'patient',
    expect: [403, 'CONSENT_CALLER_NOT_ENTITLED'],
  },
  {
    name: 'a patient at another’s accounting',
    send: 'GET /api/patients/p-2/accounting',
    as: 'patient',
    expect: [404, 'PATIENT_NOT_HERE'],
    // As a search of another's audit is.
    journalled: 1,
  },
];
