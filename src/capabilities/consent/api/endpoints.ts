import { type Static, Type } from 'typebox';

/** What the endpoints of consent take and give, for servers and wallets alike. */

const strict = { additionalProperties: false } as const;
const PatientId = Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' });
const PolicyId = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A transaction in base64url. */
const Wire = Type.String({ pattern: '^[A-Za-z0-9_-]{1,87384}$' });

/** Largest body of these endpoints, in bytes: a document beside a transaction. */
export const CONSENT_BODY_BYTES = 384 * 1024;
/** JSON text of a FHIR R4 Consent. */
const ConsentText = Type.String({ minLength: 2, maxLength: 128 * 1024 });

/** Body of `POST /api/consents/documents`: keeps the document, so that the patient can sign its leaf. */
export const DocumentRequest = Type.Object({ patientId: PatientId, consent: ConsentText }, strict);
export type DocumentRequest = Static<typeof DocumentRequest>;

export const DocumentAnswer = Type.Object(
  { id: PatientId, version: Type.Integer({ minimum: 1 }), leaf: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
  strict,
);
export type DocumentAnswer = Static<typeof DocumentAnswer>;

/**
 * Body of `POST /api/consents`. With `wire`, the patient's own: `document` is the id of the kept Consent whose leaf was
 * signed, or `consent` the text of one that was not. Without `wire`, what an unclaimed account's owner decided on
 * paper: staff send `consent` and the custodian signs.
 */
export const GrantRequest = Type.Object(
  {
    patientId: PatientId,
    consent: Type.Optional(ConsentText),
    document: Type.Optional(PatientId),
    wire: Type.Optional(Wire),
  },
  strict,
);
export type GrantRequest = Static<typeof GrantRequest>;

/** Body of `POST /api/consents/revoke`; `wire` as above. */
export const RevokeRequest = Type.Object({ patientId: PatientId, policy: PolicyId, wire: Type.Optional(Wire) }, strict);
export type RevokeRequest = Static<typeof RevokeRequest>;
