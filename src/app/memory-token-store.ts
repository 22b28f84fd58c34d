import type { TokenStore } from '../auth/tokens.ts';

/** Tokens that end with the process: the administrator's of a run. */
export function createMemoryTokenStore(custodian: string): TokenStore {
  const documents = new Map<string, Uint8Array>();
  return {
    custodian,
    getDocument: async (kind, id) => documents.get(`${kind}/${id}`),
    async putDocument(kind, id, bytes) {
      if (bytes === null) documents.delete(`${kind}/${id}`);
      else documents.set(`${kind}/${id}`, bytes);
    },
  };
}
