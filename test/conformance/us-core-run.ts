import type { CapabilityStatement, SearchParameter } from '@medplum/fhirtypes';
import { publishedParameters } from '../support/slow-values.ts';
import { type ConformanceNode, type DatabaseKind, type SearchForm, startConformanceNode } from './conformance-node.ts';
import { loadResources, type RefusedResource } from './load-resources.ts';
import { createSlowStore } from './slow-store.ts';
import { ownResources, variationsOf } from './us-core-data.ts';
import { type ShallItem, shallItems } from './us-core-items.ts';
import type { UsCore } from './us-core-package.ts';
import { type Shown, showAction, type UsCoreRun } from './us-core-shows.ts';
import { showStatement } from './us-core-statements.ts';

/** An item with what came of showing it. */
export interface ItemResult {
  readonly item: ShallItem;
  /** What was done; undefined when the item was not shown. */
  readonly shown?: string;
  /** Why it was not shown. */
  readonly failure?: string;
}

export interface UsCoreResults {
  readonly results: readonly ItemResult[];
  readonly refused: readonly RefusedResource[];
  readonly storedCount: number;
}

/** Shows every SHALL item of US Core on a node of its own, with each search sent in each of the forms. */
export async function runUsCore(
  usCore: UsCore,
  kind: DatabaseKind,
  forms: readonly SearchForm[] = ['GET', 'POST'],
): Promise<UsCoreResults> {
  const node = await startConformanceNode(kind, [usCore.tgz]);
  try {
    return await showAll(usCore, node, forms);
  } finally {
    await node.close();
  }
}

async function showAll(usCore: UsCore, node: ConformanceNode, forms: readonly SearchForm[]): Promise<UsCoreResults> {
  const { examples } = usCore;
  const loaded = await loadResources(node, examples, 1);
  const types = (usCore.server.rest?.[0]?.resource ?? []).map(({ type }) => type as string);
  const made = await loadResources(node, [...variationsOf(examples), ...ownResources(examples, types)], 100, examples);
  const metadata = (await node.send('GET', 'metadata')).json as CapabilityStatement;
  node.stopClock();
  const published = publishedParameters();
  const run: UsCoreRun = {
    ...{ usCore, node, forms, examples, metadata, store: createSlowStore([...loaded.stored, ...made.stored]) },
    parameter(type, code) {
      const found =
        usCore.parameters.get(`${type}.${code}`) ??
        published.get(type)?.get(code) ??
        published.get('Resource')?.get(code);
      if (found === undefined) throw new Error(`neither US Core nor R4 has a parameter ${code} of ${type}`);
      return found as SearchParameter;
    },
  };
  const results: ItemResult[] = [];
  for (const item of shallItems(usCore)) {
    try {
      results.push({ item, shown: await shownBy(run, item) });
    } catch (thrown) {
      results.push({ item, failure: thrown instanceof Error ? thrown.message : String(thrown) });
    }
  }
  return { results, refused: [...loaded.refused, ...made.refused], storedCount: run.store.resources.length };
}

function shownBy(run: UsCoreRun, { show, section }: ShallItem): Promise<Shown> {
  return show.kind === 'statement' ? showStatement(run, section, show.key) : showAction(run, show);
}
