import { setTimeout as sleep } from 'node:timers/promises';
import { utf8ToText } from '../std/bytes.ts';
import type { Client } from './client.ts';

/** How many resources were new, changed, and stored already. */
export interface ImportCount {
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
}

interface Manifest {
  readonly error: readonly { readonly url: string; readonly count: number }[];
  readonly extension: { readonly 'urn:aceso:import': ImportCount };
}

/** The node asks not to be asked more often. */
const POLL_MS = 1100;
/** Refused lines that are shown. */
const SHOWN = 20;

/** Sends NDJSON to the node's `$import`, waits for its end, and tells of lines that were refused. */
export async function importLines(
  client: Client,
  bytes: Uint8Array,
  tell: (text: string) => void,
): Promise<ImportCount> {
  const begun = (await client.send('/fhir/$import', bytes, 'application/fhir+ndjson')) as {
    readonly issue: readonly { readonly diagnostics: string }[];
  };
  const address = pathOf(begun.issue[0]?.diagnostics ?? '');
  let manifest: Manifest | undefined;
  while (manifest === undefined) {
    await sleep(POLL_MS);
    manifest = (await client.get(address)) as Manifest | undefined;
  }
  for (const { url, count } of manifest.error) {
    const lines = utf8ToText(await client.bytes(pathOf(url))).split('\n', SHOWN);
    for (const line of lines.filter((text) => text !== '')) tell(refusalText(line));
    if (count > SHOWN) tell(`… and ${count - SHOWN} more lines were refused`);
  }
  return manifest.extension['urn:aceso:import'];
}

function pathOf(address: string): string {
  return new URL(address).pathname;
}

function refusalText(line: string): string {
  const { issue } = JSON.parse(line) as {
    readonly issue: readonly { readonly diagnostics: string; readonly details: { readonly text: string } }[];
  };
  return `refused: ${issue[0]?.diagnostics}: ${issue[0]?.details.text}`;
}
