import type { Bundle } from '@medplum/fhirtypes';

/** A resource as a line of JSON, and its type. */
export interface ResourceLine {
  readonly type: string;
  readonly text: string;
}

/** A bundle's resources as lines, references between them by `Type/id` as a server that keeps the ids has them. */
export function bundleToLines({ entry = [] }: Bundle): ResourceLine[] {
  const targets = new Map<string, string>();
  for (const { fullUrl, resource } of entry) {
    targets.set(fullUrl as string, `${resource?.resourceType}/${resource?.id}`);
  }
  // The generator writes `urn:uuid` nowhere but in references.
  const resolve = (text: string) => text.replace(/urn:uuid:[0-9a-f-]{36}/g, (url) => targets.get(url) ?? url);
  return entry.map(({ resource }) => ({
    type: resource?.resourceType as string,
    text: resolve(JSON.stringify(resource)),
  }));
}
