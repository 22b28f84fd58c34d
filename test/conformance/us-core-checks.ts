import assert from 'node:assert/strict';
import type { SlowResource } from '../support/slow-values.ts';
import type { Shown, UsCoreRun } from './us-core-shows.ts';

// What the sentences of US Core are shown by, again and again.

/** A sentence, and what shows it. */
export interface Statement {
  /** Part of the sentence that no other of its section has. */
  readonly says: string;
  readonly section?: string;
  show(run: UsCoreRun, section: string): Promise<Shown>;
}

export type Json = Record<string, unknown>;

export async function statusOf(run: UsCoreRun, method: string, path: string, body?: unknown): Promise<number> {
  return (await run.node.send(method, path, body)).status;
}

/** The first stored resource of a type with an id, to be changed. */
export function stored(run: UsCoreRun, type: string, id: string): Json {
  const found = run.store.ofType(type).find((one) => one.id === id);
  assert.ok(found, `${type}/${id} is not stored`);
  return structuredClone(found) as Json;
}

/** Writes a change of a stored resource under an id of its own, and expects to read it as written. */
export async function keeps(run: UsCoreRun, type: string, id: string, changes: Json): Promise<void> {
  const changed = { ...stored(run, type, id), ...changes, id: 'kept' };
  const { status, text } = await run.node.send('PUT', `${type}/kept`, changed);
  assert.ok(status === 201 || status === 200, text);
  const { json } = await run.node.send('GET', `${type}/kept`);
  for (const [name, value] of Object.entries(changes)) assert.deepEqual(json[name], value, name);
  assert.equal(await statusOf(run, 'DELETE', `${type}/kept`), 204);
}

/** Expects a resource to be refused for what a profile says. */
export async function refuses(run: UsCoreRun, type: string, resource: Json): Promise<void> {
  const { status, text } = await run.node.send('PUT', `${type}/refused`, { ...resource, id: 'refused' });
  if (status !== 422) await run.node.send('DELETE', `${type}/refused`);
  assert.equal(status, 422, text);
}

export function withElement(
  run: UsCoreRun,
  type: string,
  has: (resource: SlowResource) => boolean,
): readonly SlowResource[] {
  const found = run.store.ofType(type).filter(has);
  assert.ok(found.length > 0, `no stored ${type} has it`);
  return found;
}
