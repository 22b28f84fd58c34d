import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHttpHost } from './http-host.ts';

test('a node that shuts down refuses what comes on an open connection as it refuses everything else', async () => {
  const host = createHttpHost({ logger: pino({ level: 'silent' }) });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  host.get('/slow', async () => {
    await held;
    return { done: true };
  });
  await host.listen({ host: '127.0.0.1', port: 0 });
  const { port } = host.server.address() as { port: number };
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: node\r\n\r\n`;
  socket.write(request('/slow'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closed = host.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  // On the same connection, behind a request that is being answered.
  socket.write(request('/slow'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  release();
  await closed;
  await new Promise((resolve) => socket.once('close', resolve));
  assert.match(text, /"done":true/);
  assert.match(text, /HTTP\/1\.1 503[\s\S]*"code":"NODE_CLOSING"/);
});
