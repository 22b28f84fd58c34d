import { utf8, utf8ToText } from '../std/bytes.ts';
import type { Vault } from '../vault/vault.ts';

/** Where an organisation keeps what its authorization server must remember; its vault fills this. */
export type DocumentStore = Pick<Vault, 'custodian' | 'getDocument' | 'putDocument' | 'listDocuments'>;

/** Documents of a page. */
const PAGE = 100;

/** Parsed once for each time that a store reads it: one that keeps what it read hands out the same bytes again. */
const parsed = new WeakMap<Uint8Array, unknown>();

/**
 * A document that this node wrote, as JSON; undefined when there is none. What it returns is shared: not to be written
 * to. The store has checked that the bytes are those that were put.
 */
export async function readJson<T>(store: DocumentStore, kind: string, id: string): Promise<T | undefined> {
  const bytes = await store.getDocument(kind, id);
  return bytes === undefined ? undefined : (jsonOf(bytes) as T);
}

/** Durable when it resolves; undefined removes it. */
export function writeJson(store: DocumentStore, kind: string, id: string, value: object | undefined): Promise<void> {
  return store.putDocument(kind, id, value === undefined ? null : utf8(JSON.stringify(value)));
}

/** All documents of a kind, as JSON, some at a time: there can be more than memory has room for. */
export async function* pagesOfJson<T>(
  store: DocumentStore,
  kind: string,
): AsyncGenerator<readonly { readonly id: string; readonly value: T }[]> {
  for (let after = ''; ; ) {
    const page = await store.listDocuments(kind, { after, most: PAGE });
    if (page.length === 0) return;
    yield page.map(({ id, bytes }) => ({ id, value: JSON.parse(utf8ToText(bytes)) as T }));
    after = page.at(-1)?.id ?? '';
  }
}

/** All documents of a kind, as JSON. */
export async function listJson<T>(
  store: DocumentStore,
  kind: string,
): Promise<readonly { readonly id: string; readonly value: T }[]> {
  return (await store.listDocuments(kind)).map(({ id, bytes }) => ({ id, value: jsonOf(bytes) as T }));
}

function jsonOf(bytes: Uint8Array): unknown {
  let value = parsed.get(bytes);
  if (value === undefined) {
    value = JSON.parse(utf8ToText(bytes));
    parsed.set(bytes, value);
  }
  return value;
}
