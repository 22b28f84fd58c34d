import { basename } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { type Conformance, entriesExtractor } from '../fhir/conformance.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';

/** Higher whenever what a resource is found by changes with a release. */
const EXTRACTION = 1;
const KIND = 'search-index';
const ID = 'made-of';
const PROGRESS_MS = 5_000;

/** Makes the search index anew where the search parameters are others than those that it was made of. */
export interface IndexKeeper {
  /** Goes on beside requests, one run after the other; resolves when the index is of what is known now. */
  keep(): Promise<void>;
  /** Ends a run early; the next start goes on with it. */
  stop(): Promise<void>;
}

/** `baseUrl` is that of the FHIR service. */
export function createIndexKeeper(options: {
  readonly organisations: readonly OrganisationContext[];
  readonly conformance: Conformance;
  readonly baseUrl: string;
  readonly log: FastifyBaseLogger;
}): IndexKeeper {
  const { organisations, conformance, baseUrl, log } = options;
  const stopping = new AbortController();
  let work: Promise<void> = Promise.resolve();

  async function keepOne({ vault, slug }: OrganisationContext): Promise<void> {
    if (vault.status() !== 'serving' || stopping.signal.aborted) return;
    const wanted = JSON.stringify({ extraction: EXTRACTION, packages: conformance.packageFiles.map(nameOf) });
    const made = await vault.getDocument(KIND, ID);
    const { format, generation, oldestGeneration, building } = vault.indexState();
    const isSame = made !== undefined && utf8ToText(made) === wanted;
    // Noted once all was made, so there is nothing to look for: that would walk every resource at each start.
    if (isSame && building === undefined && oldestGeneration === generation) return;
    let toldMs = performance.now();
    const report = await vault.reindex(entriesExtractor(conformance, baseUrl), {
      format: isSame ? Math.max(1, format) : format + 1,
      signal: stopping.signal,
      onProgress({ done, total }) {
        if (performance.now() - toldMs < PROGRESS_MS) return;
        toldMs = performance.now();
        log.info({ organisation: slug, done, total }, 'making the search index anew');
      },
    });
    if (stopping.signal.aborted) return;
    if (report.total > 0) log.info({ organisation: slug, ...report }, 'made the search index anew');
    if (!isSame) await vault.putDocument(KIND, ID, utf8(wanted));
  }

  return {
    keep() {
      work = work.then(async () => {
        for (const organisation of organisations) await keepOne(organisation);
      });
      // A later run is not kept from starting by an earlier one that failed.
      const mine = work;
      work = work.catch((error: unknown) => log.error({ err: error }, 'the search index was not made anew'));
      return mine;
    },
    async stop() {
      stopping.abort();
      await work;
    },
  };
}

/** `<name>#<version>` of a compact package file. */
function nameOf(file: string): string {
  return basename(file, '.jsonl');
}
