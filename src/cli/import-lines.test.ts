import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBulkNode } from '../../test/support/bulk-node.ts';
import { utf8 } from '../std/bytes.ts';
import { createClient } from './client.ts';
import { importLines } from './import-lines.ts';

test('NDJSON is sent, waited for, and what was refused of it is told by line', async (t) => {
  const node = await createBulkNode(t);
  const ask = async (url: string | URL | Request, { method = 'GET', body, headers }: RequestInit = {}) => {
    const { status, text } = await node.send(method, new URL(String(url)).pathname.slice('/fhir/'.length), {
      caller: 'administrator',
      headers: headers as Record<string, string>,
      ...(body === undefined ? {} : { body: Buffer.from(body as Uint8Array) }),
    });
    return new Response(text === '' ? null : text, { status });
  };
  const client = createClient({ fetch: ask as typeof fetch }, 'http://aceso.example');
  const lines = ['{"resourceType":"Patient","id":"p1"}', '{"resourceType":"Patient","id":"_"}', 'nothing'];
  const told: string[] = [];
  const count = await importLines(client, utf8(lines.join('\n')), (text) => told.push(text));
  assert.equal(count.created, 1);
  assert.deepEqual(
    told.map((text) => /^refused: line \d/.exec(text)?.[0]),
    ['refused: line 2', 'refused: line 3'],
  );
});
