import { once } from 'node:events';
import { startPostgres } from '../../test/support/test-postgres.ts';

/* A PostgreSQL of its own for one benchmark, syncing as in earnest; it ends with its standard input. */
const server = await startPostgres({ isDurable: true });
const [vault, keys] = [await server.createDatabase(), await server.createDatabase()];
console.log(`ready at ${vault} ${keys}.`);
process.stdin.resume();
await once(process.stdin, 'end');
await server.stop();
process.exit(0);
