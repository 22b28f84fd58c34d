import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { createTarDecoder } from 'modern-tar';
import { rejectPackage } from './codes.ts';

/** Bounds of one package. The largest that HL7 publishes for R4 has some 5,500 files and 30 MiB. */
export const PACKAGE_LIMITS = {
  fileBytes: 64 * 1024 * 1024,
  unpackedBytes: 512 * 1024 * 1024,
  entries: 20_000,
  entryBytes: 32 * 1024 * 1024,
} as const;
type PackageLimits = { readonly [Name in keyof typeof PACKAGE_LIMITS]: number };

/** `package.json` of a FHIR package (https://hl7.org/fhir/packages.html), as far as a node reads it. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  /** Name → version of the packages that it stands on. */
  readonly dependencies: Readonly<Record<string, string>>;
}

export interface PackageContent {
  readonly manifest: PackageManifest;
  /** JSON resources at the top of the package, in the order of the archive; examples lie in a folder and are not read. */
  readonly resources: readonly Readonly<Record<string, unknown>>[];
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/i;
const VERSION = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$/;

/**
 * Reads a FHIR package from the bytes of its .tgz. Entries are read into memory as they stream by, one at a time, and
 * nothing is written under a name that the archive gives. `keeps` says which resource types are wanted. Throws
 * PACKAGE_UNREADABLE, PACKAGE_TOO_LARGE, PACKAGE_FHIR_VERSION.
 */
export async function readPackage(
  bytes: Uint8Array,
  keeps: (type: string) => boolean,
  limits: PackageLimits = PACKAGE_LIMITS,
): Promise<PackageContent> {
  if (bytes.length > limits.fileBytes) throw tooLarge('fileBytes', limits);
  const resources: Readonly<Record<string, unknown>>[] = [];
  let manifest: PackageManifest | undefined;
  for await (const [name, text] of jsonFiles(bytes, limits)) {
    const json = parseObject(text, name);
    if (name === 'package/package.json') manifest = manifestOf(json);
    else if (typeof json.resourceType === 'string' && keeps(json.resourceType)) resources.push(json);
  }
  if (manifest === undefined) throw rejectPackage('PACKAGE_UNREADABLE', { reason: 'it has no package/package.json' });
  return { manifest, resources };
}

/** Names and texts of `package/*.json`. */
async function* jsonFiles(
  bytes: Uint8Array,
  limits: PackageLimits,
): AsyncGenerator<readonly [name: string, text: string]> {
  const gunzip = createGunzip();
  let unpacked = 0;
  gunzip.on('data', (chunk: Uint8Array) => {
    unpacked += chunk.length;
    if (unpacked > limits.unpackedBytes) gunzip.destroy(tooLarge('unpackedBytes', limits));
  });
  // Paused again: the reader below sets the pace.
  gunzip.pause();
  Readable.from([bytes]).pipe(gunzip);
  let entries = 0;
  try {
    const stream = (Readable.toWeb(gunzip) as ReadableStream<Uint8Array>).pipeThrough(
      createTarDecoder({ strict: true }),
    );
    for await (const { header, body } of stream) {
      if (++entries > limits.entries) throw tooLarge('entries', limits);
      if (header.type !== 'file' || !/^package\/[^/\\]{1,200}\.json$/.test(header.name)) {
        await body.cancel();
        continue;
      }
      if (header.size > limits.entryBytes) throw tooLarge('entryBytes', limits);
      yield [header.name, await new Response(body).text()];
    }
  } catch (error) {
    throw (error as { kind?: unknown }).kind === undefined
      ? rejectPackage('PACKAGE_UNREADABLE', { reason: 'it is no gzipped tar archive, or is damaged' })
      : error;
  } finally {
    gunzip.destroy();
  }
}

function parseObject(text: string, name: string): Readonly<Record<string, unknown>> {
  const reason = `${name.replace(/[^\x20-\x7e]/g, '?')} is no JSON object`;
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    throw rejectPackage('PACKAGE_UNREADABLE', { reason });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw rejectPackage('PACKAGE_UNREADABLE', { reason });
  }
  return value as Readonly<Record<string, unknown>>;
}

function manifestOf(json: Readonly<Record<string, unknown>>): PackageManifest {
  const { name, version, title, dependencies, fhirVersions, 'fhir-version-list': older } = json;
  if (typeof name !== 'string' || !NAME.test(name) || typeof version !== 'string' || !VERSION.test(version)) {
    throw rejectPackage('PACKAGE_UNREADABLE', { reason: 'its package.json has no name and version that can be used' });
  }
  const versions = Array.isArray(fhirVersions) ? fhirVersions : Array.isArray(older) ? older : [];
  if (versions.length > 0 && !versions.some((one) => typeof one === 'string' && one.startsWith('4.0'))) {
    throw rejectPackage('PACKAGE_FHIR_VERSION', { name, version });
  }
  const named = typeof dependencies === 'object' && dependencies !== null ? Object.entries(dependencies) : [];
  return {
    name,
    version,
    ...(typeof title === 'string' ? { title: title.slice(0, 200) } : {}),
    dependencies: Object.fromEntries(
      named
        .slice(0, 200)
        .filter(([key, value]) => NAME.test(key) && typeof value === 'string' && VERSION.test(value)) as [
        string,
        string,
      ][],
    ),
  };
}

function tooLarge(bound: keyof PackageLimits, limits: PackageLimits): Error {
  return rejectPackage('PACKAGE_TOO_LARGE', { bound, most: limits[bound] });
}
