import { Type } from 'typebox';

const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: 65_536 });

/** A sealed box as the body of a call or of an answer. */
export const SealedForm = Type.Object(
  {
    sealed: Type.Object(
      { suite: Type.String({ maxLength: 64 }), enc: Base64url, ciphertext: Base64url },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
