import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { replaceFile } from '../ledger/store/replace-file.ts';
import { canonicalBytes, parseCanonical } from '../std/canonical-json.ts';
import type { NodeEnvironment } from './node-environment.ts';
import { readNodeFile } from './node-folder.ts';

/**
 * How commands on the same machine find a running node: its address and an administrator's token for each
 * organisation. It lies beside the root key (mode 0600), never in the data folder, and goes when the node ends. After
 * a crash it is stale: the tokens were the dead process's own and open nothing.
 */
const RuntimeFile = Type.Object(
  {
    url: Type.String({ maxLength: 255 }),
    node: Type.String({ maxLength: 64 }),
    /** In the order of the node's organisations: the first is the one that commands mean when they name none. */
    adminTokens: Type.Array(
      Type.Object(
        { slug: Type.String({ maxLength: 32 }), token: Type.String({ maxLength: 128 }) },
        { additionalProperties: false },
      ),
      { maxItems: 64 },
    ),
  },
  { additionalProperties: false },
);

export interface RuntimeInfo {
  readonly url: string;
  readonly node: string;
  readonly adminTokens: Readonly<Record<string, string>>;
}

function pathOf(keyFolder: string, node: string): string {
  return join(keyFolder, `${node}.running.json`);
}

export async function writeRuntimeFile(keyFolder: string, info: RuntimeInfo): Promise<void> {
  const { url, node } = info;
  const adminTokens = Object.entries(info.adminTokens).map(([slug, token]) => ({ slug, token }));
  await replaceFile(pathOf(keyFolder, node), canonicalBytes({ url, node, adminTokens }));
}

export async function removeRuntimeFile(keyFolder: string, node: string): Promise<void> {
  await rm(pathOf(keyFolder, node), { force: true });
}

/** What a running node left; undefined when there is no such file or it cannot be read. Whether it lives is another question. */
export async function readRuntimeFile(keyFolder: string, node: string): Promise<RuntimeInfo | undefined> {
  const bytes = await readFile(pathOf(keyFolder, node)).catch(() => undefined);
  const value = bytes === undefined ? undefined : parseCanonical(bytes);
  if (!Value.Check(RuntimeFile, value)) return undefined;
  const { url, adminTokens } = value;
  return {
    url,
    node: value.node,
    adminTokens: Object.fromEntries(adminTokens.map(({ slug, token }) => [slug, token])),
  };
}

/** What the running node of a data folder left; undefined when none runs on it. */
export async function findRunningNode(
  { keyFolder, fetch: request }: Pick<NodeEnvironment, 'keyFolder' | 'fetch'>,
  folder: string,
): Promise<RuntimeInfo | undefined> {
  const file = await readNodeFile(folder);
  const info = file === undefined ? undefined : await readRuntimeFile(keyFolder, file.node);
  if (info === undefined) return undefined;
  // The file outlives a crash, and another program may have taken the port.
  const health = await request(`${info.url}/health`).then(
    (answer) => answer.json(),
    () => undefined,
  );
  return (health as { node?: string } | undefined)?.node === info.node ? info : undefined;
}
