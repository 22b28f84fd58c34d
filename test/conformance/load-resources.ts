import assert from 'node:assert/strict';
import { readWritten, writtenText } from '../import/written-json.ts';
import type { SlowResource } from '../support/slow-values.ts';
import type { ConformanceNode } from './conformance-node.ts';
import { loadGroups } from './load-order.ts';
import { authored, type GivenResource, namedTarget, referencesOf, withAbsolute } from './loaded-text.ts';

/** A resource that the server would not take: its code, and what it said. */
export interface RefusedResource {
  readonly given: GivenResource;
  readonly status: number;
  readonly code: string;
  /** `path: text` of each issue. */
  readonly issues: readonly string[];
}

export interface LoadedResources {
  /** What is stored, in the order of writing, as it reads back. */
  readonly stored: readonly SlowResource[];
  readonly refused: readonly RefusedResource[];
  /** Resources with references that were made absolute, since these lead to nothing that was given or taken. */
  readonly madeAbsolute: number;
}

interface OutcomeIssue {
  readonly diagnostics?: string;
  readonly expression?: readonly string[];
  readonly details?: { readonly text?: string; readonly coding?: readonly { readonly code?: string }[] };
}

/**
 * Writes resources by PUT: alone, or as transactions of up to `perTransaction` entries, in an order in which references
 * resolve. What the server refuses is taken out, what referred to it refers elsewhere instead, and the rest goes on.
 * Every resource that was taken is read back and compared token by token. `before` were written already.
 */
export async function loadResources(
  node: ConformanceNode,
  all: readonly GivenResource[],
  perTransaction: number,
  before: readonly GivenResource[] = [],
): Promise<LoadedResources> {
  const refused: RefusedResource[] = [];
  const stored: SlowResource[] = [];
  const known = new Set([...before, ...all].map(({ address }) => address));
  const written = new Set(before.map(({ address }) => address));
  let madeAbsolute = 0;

  /** As it can be written now: versions of resources can be named once these are written. */
  function settled(given: GivenResource): GivenResource {
    return withAbsolute(given, (reference) => {
      const target = namedTarget(reference);
      if (target === undefined) return false;
      return !(target.isVersioned ? written.has(target.address) : known.has(target.address));
    });
  }

  async function write(groups: readonly (readonly GivenResource[])[]): Promise<void> {
    const all = groups.flat();
    if (all.length === 0) return;
    const given = all.map(settled);
    const refusal = given.length === 1 ? await put(given[0] as GivenResource) : await transact(given);
    if (refusal === undefined) {
      for (const one of given) stored.push(await readBack(one));
      madeAbsolute += given.filter(({ text }, at) => text !== all[at]?.text).length;
      for (const one of all) written.add(one.address);
    } else if (refusal === 'unnamed') {
      // By halves, until the resource stands alone.
      if (groups.length === 1) throw new Error(`one of a ring is refused: ${all.map(({ address }) => address)}`);
      const half = groups.length >> 1;
      await write(groups.slice(0, half));
      await write(groups.slice(half));
    } else {
      refused.push(refusal);
      const { address } = refusal.given;
      known.delete(address);
      await write(groups.map((group) => group.filter((one) => one.address !== address)));
    }
  }

  async function put(given: GivenResource): Promise<RefusedResource | undefined> {
    const { status, json } = await node.send('PUT', given.address, given.text);
    return status === 201 ? undefined : refusedResource(given, status, json);
  }

  async function transact(chunk: readonly GivenResource[]): Promise<RefusedResource | 'unnamed' | undefined> {
    const entries = chunk.map(
      ({ address, text }) => `{"resource":${text},"request":{"method":"PUT","url":${JSON.stringify(address)}}}`,
    );
    const body = `{"resourceType":"Bundle","type":"transaction","entry":[${entries.join(',')}]}`;
    const { status, json } = await node.send('POST', '', body);
    if (status === 200) return undefined;
    const given = chunk[entryIn(json) ?? -1];
    return given === undefined ? 'unnamed' : refusedResource(given, status, json);
  }

  async function readBack(given: GivenResource): Promise<SlowResource> {
    const { status, text, json } = await node.send('GET', given.address);
    assert.equal(status, 200, `${given.address} cannot be read`);
    assert.equal(authored(text), authored(given.text), `${given.address} reads back otherwise`);
    assert.equal(writtenText(readWritten(text)), text, `${given.address}: whitespace between tokens`);
    assert.equal(`${json.resourceType}/${json.id}`, given.address);
    return json as SlowResource;
  }

  let chunk: GivenResource[][] = [];
  for (const group of loadGroups(all)) {
    const inChunk = new Set(chunk.flat().map(({ address }) => address));
    const namesVersion = group
      .flatMap(referencesOf)
      .some((reference) => namedTarget(reference)?.isVersioned && inChunk.has(namedTarget(reference)?.address ?? ''));
    if (chunk.length > 0 && (namesVersion || inChunk.size + group.length > perTransaction)) {
      await write(chunk);
      chunk = [];
    }
    chunk.push(group);
  }
  await write(chunk);
  return { stored, refused, madeAbsolute };
}

/** Index of the entry that a refused transaction names. */
function entryIn(outcome: unknown): number | undefined {
  const found = /Bundle\.entry\[(\d+)\]|\\?"entry\\?":(\d+)/.exec(JSON.stringify(outcome));
  return found === null ? undefined : Number(found[1] ?? found[2]);
}

function refusedResource(given: GivenResource, status: number, outcome: unknown): RefusedResource {
  const issues = (outcome as { issue?: readonly OutcomeIssue[] } | undefined)?.issue ?? [];
  return {
    given,
    status,
    code: issues[0]?.details?.coding?.[0]?.code ?? '',
    issues: issues.map(({ expression = [], diagnostics = '', details }) =>
      [expression.join(' '), diagnostics === '' ? (details?.text ?? '') : diagnostics].join(': '),
    ),
  };
}
