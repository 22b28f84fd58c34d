import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import type {
  CapabilityStatement,
  OperationDefinition,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from '@medplum/fhirtypes';
import { unpackTar } from 'modern-tar';
import { type GivenResource, givenResource } from './loaded-text.ts';

const FILE = fileURLToPath(new URL('../../../shared/data/us-core/hl7.fhir.us.core-6.1.0.tgz', import.meta.url));

/** Why tests about US Core are skipped here; false where they run. */
export const withoutUsCore: string | false = existsSync(FILE) ? false : 'needs ../shared/data/us-core';

/** What US Core 6.1.0 asks of a server, and its examples as written. */
export interface UsCore {
  readonly tgz: Uint8Array;
  readonly server: CapabilityStatement;
  readonly docref: OperationDefinition;
  /** By canonical URL. */
  readonly profiles: ReadonlyMap<string, StructureDefinition>;
  /** By `Type.code`. */
  readonly parameters: ReadonlyMap<string, SearchParameter>;
  readonly clinicalNoteTypes: ValueSet;
  readonly examples: readonly GivenResource[];
}

export async function readUsCore(): Promise<UsCore> {
  const tgz = readFileSync(FILE);
  const parameters = new Map<string, SearchParameter>();
  const profiles = new Map<string, StructureDefinition>();
  const examples: GivenResource[] = [];
  const named = new Map<string, unknown>();
  for (const { header, data } of await unpackTar(gunzipSync(tgz))) {
    const name = /^package\/((?:example\/)?[^/.][^/]*)\.json$/.exec(header.name)?.[1];
    if (name === undefined || name === 'package') continue;
    const text = new TextDecoder().decode(data);
    if (name.startsWith('example/')) {
      if (text.includes('"resourceType"')) examples.push(givenResource(text));
      continue;
    }
    const resource = JSON.parse(text) as { resourceType: string };
    named.set(name, resource);
    if (resource.resourceType === 'SearchParameter') {
      const parameter = resource as SearchParameter;
      for (const base of parameter.base ?? []) parameters.set(`${base}.${parameter.code}`, parameter);
    } else if (resource.resourceType === 'StructureDefinition') {
      const profile = resource as StructureDefinition;
      profiles.set(profile.url as string, profile);
    }
  }
  const the = <T>(name: string): T => {
    if (!named.has(name)) throw new Error(`the package has no ${name}`);
    return named.get(name) as T;
  };
  return {
    ...{ tgz, parameters, profiles, examples },
    server: the('CapabilityStatement-us-core-server'),
    docref: the('OperationDefinition-docref'),
    clinicalNoteTypes: the('ValueSet-us-core-clinical-note-type'),
  };
}
