import { createHash } from 'node:crypto';
import { rejectPackage } from './codes.ts';
import { compactResource, isKeptType } from './compact-resource.ts';
import { type PackageManifest, readPackage } from './read-package.ts';

/** Version of the compact form; a cache of another is built anew. */
const CACHE_FORMAT = 1;

/** What a resource of a package is found by. */
export interface PackageEntry {
  readonly type: string;
  readonly id?: string;
  readonly url?: string;
  readonly version?: string;
  /** Of a StructureDefinition: the type that it constrains; of a CodeSystem: its `content`. */
  readonly about?: string;
  /** A StructureDefinition that cannot be used, since it has no snapshot. */
  readonly lacksSnapshot?: true;
}

/** A package, ready to be used. Its resources are parsed when they are asked for, each time anew. */
export interface LoadedPackage extends PackageManifest {
  readonly entries: readonly PackageEntry[];
  read(index: number): Readonly<Record<string, unknown>>;
}

interface Index {
  readonly format: number;
  /** What it was made from: SHA-256 of the .tgz. */
  readonly source: string;
  readonly manifest: PackageManifest;
  readonly entries: readonly (PackageEntry & { readonly from: number; readonly to: number })[];
}

/** The compact form of a package: a line of JSON that says what is where, and a line for each resource. */
export async function compactPackage(tgz: Uint8Array): Promise<Buffer> {
  const { manifest, resources } = await readPackage(tgz, isKeptType);
  return compactResources(manifest, resources, digest(tgz));
}

/** The same of resources from elsewhere; `source` tells one state of them from another. */
export function compactResources(
  manifest: PackageManifest,
  resources: readonly Readonly<Record<string, unknown>>[],
  source: string,
): Buffer {
  const lines: Buffer[] = [];
  const entries: Index['entries'][number][] = [];
  let at = 0;
  for (const resource of resources) {
    const line = Buffer.from(`${JSON.stringify(compactResource(resource))}\n`);
    entries.push({ ...entryOf(resource), from: at, to: at + line.length });
    lines.push(line);
    at += line.length;
  }
  const index: Index = { format: CACHE_FORMAT, source, manifest, entries };
  return Buffer.concat([Buffer.from(`${JSON.stringify(index)}\n`), ...lines]);
}

/** The package in a compact form; undefined when that is damaged, of another format or made from another file. */
export function parseCompact(cache: Buffer, from?: Uint8Array | string): LoadedPackage | undefined {
  try {
    const start = cache.indexOf(0x0a) + 1;
    const { format, source, manifest, entries } = JSON.parse(cache.toString('utf8', 0, start)) as Index;
    const wanted = typeof from === 'object' ? digest(from) : from;
    if (format !== CACHE_FORMAT || (wanted !== undefined && source !== wanted)) return undefined;
    if (cache.length !== start + (entries.at(-1)?.to ?? 0)) return undefined;
    return {
      ...manifest,
      entries,
      read(at) {
        const entry = entries[at];
        if (entry === undefined) throw rejectPackage('PACKAGE_UNKNOWN');
        return JSON.parse(cache.toString('utf8', start + entry.from, start + entry.to));
      },
    };
  } catch {
    return undefined;
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function entryOf(resource: Readonly<Record<string, unknown>>): PackageEntry {
  const { resourceType, id, url, version, type, content, snapshot } = resource;
  const isStructure = resourceType === 'StructureDefinition';
  const about = isStructure ? type : resourceType === 'CodeSystem' ? content : undefined;
  return {
    type: resourceType as string,
    ...textOf('id', id),
    ...textOf('url', url),
    ...textOf('version', version),
    ...textOf('about', about),
    ...(isStructure && snapshot === undefined ? { lacksSnapshot: true as const } : {}),
  };
}

function textOf(name: string, value: unknown): Readonly<Record<string, string>> {
  return typeof value === 'string' ? { [name]: value } : {};
}
