import { Type } from 'typebox';
import { reject } from './codes.ts';
import { MEMBER_ROLES } from './state.ts';

/** Refuses members that a schema does not name. */
export const strict = { additionalProperties: false } as const;

/**
 * Rejects ITEM_REPEATED when a list names something twice. Not the schemas' `uniqueItems`: typebox answers that by a
 * 64-bit hash, and two different lists may share one.
 */
export function requireDistinct(items: readonly string[]): void {
  if (new Set(items).size !== items.length) throw reject('ITEM_REPEATED');
}

/** 32 hexadecimal digits of 16 random bytes. */
export const AccountId = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** Hexadecimal id of a transaction, which is also the id of the proposal that it opened. */
export const TransactionId = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** A key record's form; `checkKeys` looks at its content. */
export const KeyRecordSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    algorithm: Type.Union([Type.Literal('ed25519'), Type.Literal('webauthn-es256')]),
    publicKey: Type.String({ pattern: '^(?:[0-9a-f]{64}|[0-9a-f]{130})$' }),
    rpIdHash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    origin: Type.Optional(Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]{1,247}$' })),
  },
  strict,
);

/** A public key that others seal to; the suite's name is checked by those who seal, who may know newer ones. */
export const SealingKeySchema = Type.Object(
  {
    suite: Type.String({ pattern: '^[A-Za-z0-9._+-]{1,64}$' }),
    publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43,4096}$' }),
  },
  strict,
);

export const RolesSchema = Type.Array(Type.Union(MEMBER_ROLES.map((role) => Type.Literal(role))), {
  minItems: 1,
  maxItems: MEMBER_ROLES.length,
});

/** `system|code` of a profession, e.g. of SNOMED CT or HL7 v3 RoleCode; says nothing of anybody's health. */
export const RoleCodesSchema = Type.Array(
  Type.String({ pattern: '^[\\x21-\\x7b\\x7d\\x7e]{1,128}\\|[\\x21-\\x7b\\x7d\\x7e]{1,64}$' }),
  {
    maxItems: 16,
  },
);
