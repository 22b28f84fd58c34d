import { Type } from 'typebox';
import { AccountId, strict, TransactionId } from '../../membership/contract/schemas.ts';
import { LIMITS } from './state.ts';

/** Tags as the custodian gave them to the requester; not padded, since the request names what is asked for. */
const Tags = Type.Array(Type.String({ pattern: '^[0-9a-f]{32}$' }), {
  minItems: 1,
  maxItems: LIMITS.tagsPerRequest,
  uniqueItems: true,
});

export const ScopeSchema = Type.Object(
  {
    categoryTags: Type.Optional(Tags),
    labelTags: Type.Optional(Tags),
    dataTags: Type.Optional(Tags),
    authoredFromMs: Type.Optional(Type.Integer()),
    authoredToMs: Type.Optional(Type.Integer()),
  },
  strict,
);

export const RequestSchema = Type.Object(
  {
    account: AccountId,
    purpose: Type.String({ pattern: '^[A-Z]{1,16}$' }),
    purposeTags: Type.Optional(Tags),
    practitioner: Type.Optional(AccountId),
    actorTags: Type.Optional(Tags),
    scope: ScopeSchema,
  },
  strict,
);

const Reason = Type.Integer({ minimum: 0, maximum: LIMITS.reasons - 1 });
const Minutes = Type.Integer({ minimum: 1, maximum: LIMITS.breakGlassMinutes });

export const BreakGlassSchema = Type.Object(
  {
    account: AccountId,
    practitioner: AccountId,
    reason: Reason,
    minutes: Type.Optional(Minutes),
    actorTags: Type.Optional(Tags),
  },
  strict,
);

export const ClaimSchema = Type.Object(
  {
    claim: Type.Object(
      {
        chain: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        nonce: Type.String({ pattern: '^[0-9a-f]{32}$' }),
        account: AccountId,
        organisation: AccountId,
        practitioner: AccountId,
        reason: Reason,
        atMs: Type.Integer({ minimum: 0 }),
        minutes: Minutes,
      },
      strict,
    ),
    key: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    signature: Type.String({ pattern: '^[0-9a-f]{128}$' }),
  },
  strict,
);

export const ReviewSchema = Type.Object(
  {
    account: AccountId,
    act: TransactionId,
    finding: Type.Union([Type.Literal('justified'), Type.Literal('unjustified'), Type.Literal('unclear')]),
  },
  strict,
);
