import { createHash, createHmac, randomBytes } from 'node:crypto';
import { contentHash, type InteractionHeader, interactionLeaf, versionLeaf } from '../../src/chain/journal-leaf.ts';
import { bytesToHex } from '../../src/std/bytes.ts';
import { rejecter } from '../../src/std/reject.ts';
import type {
  NewVersion,
  OpenedEntry,
  PageOf,
  SearchToken,
  Vault,
  VersionRow,
  WriteResult,
} from '../../src/vault/vault.ts';

const reject = rejecter({ VERSION_CONFLICT: { kind: 'conflict', sentence: 'Another version was written.' } });

interface Kept {
  readonly row: VersionRow;
  readonly bytes: Uint8Array;
  readonly salt: Uint8Array;
  readonly tokens: ReadonlySet<string>;
}

/** A vault in memory for tests of what stands on the port, with what they look at laid open. Keeps nothing secret. */
export interface MemoryVault extends Vault {
  readonly interactions: InteractionHeader[];
  readonly writes: { count: number };
  /** Runs before each write, for tests that race. */
  beforeWrite: () => Promise<void>;
}

/** The port's rules: all or nothing, the next version or VERSION_CONFLICT, search by tokens in order of id. */
export function createMemoryVault(custodian: string): MemoryVault {
  const resources = new Map<string, Kept[]>();
  const byType = new Map<string, Map<string, Kept[]>>();
  const entries: OpenedEntry[] = [];
  const accounts = new Set([custodian]);
  const documents = new Map<string, Map<string, Uint8Array>>();
  const interactions: InteractionHeader[] = [];
  const writes = { count: 0 };
  const notHere = (): never => {
    throw new Error('the vault in memory has no journal proofs');
  };
  const tokenKey = ({ parameter, value }: SearchToken) => `${parameter} ${value}`;

  function keepInteraction(header: InteractionHeader): number {
    const salt = randomBytes(32);
    interactions.push(header);
    entries.push({
      generation: 1,
      index: entries.length,
      leaf: interactionLeaf(salt, header),
      salt,
      entry: { kind: 'interaction', header },
    });
    return entries.length - 1;
  }

  function keepVersion(version: NewVersion): VersionRow {
    const key = `${version.type}/${version.id}`;
    const versions = resources.get(key) ?? [];
    const { bytes, labels, categories, tokens, ...rest } = version;
    const header = { ...rest, previous: versions.at(-1)?.row.leaf ?? '' };
    const salt = randomBytes(32);
    const hash = contentHash(bytes);
    const leaf = versionLeaf(salt, header, hash);
    const row: VersionRow = {
      ...header,
      deleted: version.action === 'delete',
      leaf: bytesToHex(leaf),
      generation: 1,
      journalIndex: entries.length,
      blob: createHash('sha256').update(bytes).digest('hex'),
      labels,
      categories,
      erased: false,
    };
    entries.push({
      generation: 1,
      index: entries.length,
      leaf,
      salt,
      entry: { kind: 'version', header, contentHash: hash },
    });
    versions.push({ row, bytes, salt, tokens: new Set(tokens.map(tokenKey)) });
    resources.set(key, versions);
    const ofType = byType.get(version.type) ?? new Map<string, Kept[]>();
    byType.set(version.type, ofType.set(version.id, versions));
    return row;
  }

  const find = (type: string, id: string) => resources.get(`${type}/${id}`);
  const keptOf = (row: VersionRow) => find(row.type, row.id)?.[row.version - 1] as Kept;
  const page = <T>(rows: readonly T[], limit: number, next: (last: T) => string): PageOf<T> =>
    rows.length > limit ? { rows: rows.slice(0, limit), next: next(rows[limit - 1] as T) } : { rows };

  const vault: MemoryVault = {
    custodian,
    interactions,
    writes,
    beforeWrite: async () => undefined,
    async write(versions, headers): Promise<WriteResult> {
      await vault.beforeWrite();
      for (const { type, id, version, account } of versions) {
        const actual = find(type, id)?.length ?? 0;
        if (version !== actual + 1) throw reject('VERSION_CONFLICT', { type, id, expected: version, actual });
        if (!accounts.has(account)) throw new Error('account not open');
      }
      writes.count++;
      const rows = versions.map(keepVersion);
      return { versions: rows, journalIndices: headers.map(keepInteraction) };
    },
    journal: async (headers) => headers.map(keepInteraction),
    journalOnce: async (header) => keepInteraction(header),
    current: async (type, id) => find(type, id)?.at(-1)?.row,
    version: async (type, id, version) => find(type, id)?.[version - 1]?.row,
    async history(type, id, limit, after) {
      const rows = (find(type, id) ?? []).map(({ row }) => row).reverse();
      return page(after === undefined ? rows : rows.filter((row) => row.version < Number(after)), limit, (last) =>
        String(last.version),
      );
    },
    async search(type, tokens, { account, limit, after }) {
      const wanted = tokens.map(tokenKey);
      const ids = [...(byType.get(type)?.keys() ?? [])].filter((id) => after === undefined || id > after).sort();
      const rows: VersionRow[] = [];
      for (const id of ids) {
        const last = byType.get(type)?.get(id)?.at(-1) as Kept;
        if (last.row.deleted || (account !== undefined && last.row.account !== account)) continue;
        if (wanted.every((token) => last.tokens.has(token))) rows.push(last.row);
        if (rows.length > limit) break;
      }
      return page(rows, limit, (last) => last.id);
    },
    open: async (row) => keptOf(row).bytes,
    blob: async () => undefined,
    salt: async (row) => keptOf(row).salt,
    journalHead: () => notHere(),
    entry: async (_generation, index) => entries[index],
    entriesOf: async (account, limit) =>
      page(entries.filter(({ entry }) => entry.header.account === account).reverse(), limit, ({ index }) =>
        String(index),
      ),
    inclusion: async () => notHere(),
    consistency: async () => notHere(),
    anchored: async () => notHere(),
    lastAnchor: () => undefined,
    anchorOf: async () => undefined,
    async openAccount(account) {
      accounts.add(account);
    },
    accountOf: async (type, id) => find(type, id)?.at(-1)?.row.account,
    tagKey: async (account) => createHmac('sha256', 'memory').update(account).digest(),
    erase: async () => notHere(),
    getDocument: async (kind, id) => documents.get(kind)?.get(id),
    async putDocument(kind, id, bytes) {
      const of = documents.get(kind) ?? new Map<string, Uint8Array>();
      if (bytes === null) of.delete(id);
      else of.set(id, bytes);
      documents.set(kind, of);
    },
    listDocuments: async (kind) => [...(documents.get(kind) ?? [])].map(([id, bytes]) => ({ id, bytes })),
    close: async () => undefined,
  };
  return vault;
}
