import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import { checkpointOrigin } from '../chain/checkpoint.ts';
import { genesisHash, parseGenesis } from '../chain/genesis.ts';
import type { RunningWitness, WitnessStartOptions } from '../cli/node-starter.ts';
import { createWitnessServer } from '../ledger/witness/witness-server.ts';
import { createHttpHost } from '../server/http-host.ts';
import { parseCanonical } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { loadRootKey } from '../vault/root-key.ts';
import { CODES } from './codes.ts';
import { listen } from './listen.ts';

const reject = rejecter(CODES);

/**
 * Runs a witness of ledgers (c2sp.org/tlog-witness). Its key lies with the root keys, its state, the last checkpoint
 * that it cosigned of each ledger, in its folder: that file lost, it must not go on under the same key.
 */
export async function startWitness(
  { keyFolder, clock, logger }: { keyFolder: string; clock: () => number; logger: FastifyBaseLogger },
  options: WitnessStartOptions,
): Promise<RunningWitness> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const file = join(keyFolder, `witness-${options.name.replace(/[^A-Za-z0-9.-]/g, '-')}.key`);
  const { key: seed } = await loadRootKey({ file, dataFolder: options.folder, create: true });
  const logs = options.genesis.map((bytes) => {
    const value = parseCanonical(bytes);
    const genesis = value === undefined ? undefined : parseGenesis(value);
    const publicKey = genesis?.operator.publicKey;
    if (genesis === undefined || typeof publicKey !== 'string') throw reject('GENESIS_MALFORMED_FILE');
    return { origin: checkpointOrigin(genesisHash(genesis)), publicKey };
  });
  const witness = await createWitnessServer({
    seed,
    name: options.name,
    stateFile: join(options.folder, 'witness.json'),
    logs,
    clock,
  });
  const host = createHttpHost({ logger });
  await host.register(witness.plugin);
  const { url } = await listen(host, [options.host], options.port);
  return { url, publicKey: witness.publicKey, keyFile: file, close: () => host.close() };
}
