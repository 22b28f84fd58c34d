import { createRequire } from 'node:module';

/** libsql without its page encryption: the same pages, in the clear. */
type Open = new (path: string, options: object) => object;

const Database = createRequire(import.meta.url)('libsql') as Open;

function PlainDatabase(path: string, { encryptionKey: _key, ...options }: { encryptionKey?: string }): object {
  return new Database(path, options);
}

export default PlainDatabase;
