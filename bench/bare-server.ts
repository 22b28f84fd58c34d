import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';

/* The node's HTTP library with nothing behind it: `bare-server.ts BYTES` answers every request with that many. */
const body = 'x'.repeat(Number(process.argv[2]));
const app = Fastify({ bodyLimit: 1 << 20 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, bytes, done) => done(null, bytes));
app.all('/*', async () => body);
process.once('SIGTERM', () => process.exit(0));
await app.listen({ host: '127.0.0.1', port: 0 });
console.log(`ready at http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
