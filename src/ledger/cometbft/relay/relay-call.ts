import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { utf8ToText } from '../../../std/bytes.ts';

/**
 * The calls of CometBFT's RPC that members relay for each other, and their parameters: what its light client and state
 * sync make (v0.38.25: light/provider/http/http.go, statesync/stateprovider.go). Evidence is not among them: a member
 * that holds some is a validator and gossips it.
 */
const METHODS: Readonly<Record<string, readonly string[]>> = {
  status: [],
  commit: ['height'],
  validators: ['height', 'page', 'per_page'],
  consensus_params: ['height'],
};

/** Largest call, in bytes. */
export const MAX_CALL_BYTES = 4 * 1024;

export type RelayCall = {
  /** As the Go client numbers its calls (rpc/jsonrpc/client/http_json_client.go). */
  readonly id: number;
  readonly method: string;
  readonly params: Readonly<Record<string, string>>;
};

/** One JSON-RPC 2.0 request; the Go client writes integers as strings (libs/json/doc.go). */
const CallForm = Type.Object(
  {
    jsonrpc: Type.Literal('2.0'),
    id: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    method: Type.String({ maxLength: 64 }),
    params: Type.Record(Type.String(), Type.String({ pattern: '^(0|[1-9][0-9]{0,18})$' })),
  },
  { additionalProperties: false },
);

/** The call that a body holds; undefined when it is none that is relayed. `bytes` are at most MAX_CALL_BYTES. */
export function parseRelayCall(bytes: Uint8Array): RelayCall | undefined {
  let value: unknown;
  try {
    value = JSON.parse(utf8ToText(bytes));
  } catch {
    return undefined;
  }
  if (!Value.Check(CallForm, value)) return undefined;
  const { id, method, params } = value;
  const allowed = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
  if (allowed === undefined || !Object.keys(params).every((name) => allowed.includes(name))) return undefined;
  return { id, method, params };
}

/** Exact text of a call as one node sends it to another. */
export function relayCallText({ id, method, params }: RelayCall): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** A JSON-RPC error as CometBFT writes it (rpc/jsonrpc/types/types.go, RPCInternalError): its clients read `data`. */
export function relayErrorText(id: number, data: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32603, message: 'Internal error', data } });
}
