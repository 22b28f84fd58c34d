import { join } from 'node:path';
import type { FastifyBaseLogger } from 'fastify';
import type { Genesis } from '../chain/genesis.ts';
import { createKernel } from '../chain/kernel.ts';
import { createEmbeddedLedger } from '../ledger/embedded/embedded-ledger.ts';
import { verifyTask } from '../ledger/embedded/verify-task.ts';
import { createFollowerLedger } from '../ledger/follower/follower-ledger.ts';
import { createLedgerClient } from '../ledger/http/ledger-client.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SignedBlockSource } from '../ledger/signed-blocks.ts';
import { createWitnessClient, type WitnessClient } from '../ledger/witness/witness-client.ts';
import { hexToBytes } from '../std/bytes.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { CONTRACTS } from './contracts.ts';
import type { NodeData } from './node-data.ts';

const reject = rejecter(CODES);

/** Opens the ledger that the node keeps or follows, under the contracts of all capabilities. */
export async function openLedger(options: {
  folder: string;
  data: NodeData;
  /** Addresses of witnesses by name. */
  witnesses: Readonly<Record<string, string>>;
  /** The operator's word that the clock is right. */
  confirmClock?: boolean;
  clock: () => number;
  log: FastifyBaseLogger;
}): Promise<Ledger & SignedBlockSource> {
  const { data, clock, log } = options;
  const genesis = data.genesis as Genesis & JsonObject;
  const onInternalError = (error: unknown): void => log.error({ err: error }, 'a contract failed: report this');
  const kernel = createKernel({ genesis, contracts: CONTRACTS, verifySignature: verifyTask, onInternalError });
  const folder = join(options.folder, 'ledger');
  const { follows } = data.node;
  if (follows !== undefined) {
    return createFollowerLedger({
      folder,
      kernel,
      genesis,
      upstream: createLedgerClient({ url: follows }),
      clock,
      log,
    });
  }
  const seed = hexToBytes(data.secrets.operatorSeed ?? '');
  if (seed?.length !== 32) throw reject('OPERATOR_KEY_MISSING');
  const witnesses = witnessClients(data.genesis, options.witnesses);
  const ledger = await createEmbeddedLedger({ folder, kernel, genesis, operatorKey: { seed }, clock, log, witnesses });
  if (options.confirmClock === true) ledger.confirmClock();
  return ledger;
}

/** Only those that genesis names: a receipt with any other's cosignature would be refused. */
function witnessClients({ witnesses = [] }: Genesis, urls: Readonly<Record<string, string>>): WitnessClient[] {
  return Object.entries(urls).map(([name, url]) => {
    const known = witnesses.find((one) => one.name === name);
    if (known === undefined) throw reject('WITNESS_UNKNOWN', { witness: name });
    return createWitnessClient({ name, publicKey: known.publicKey, url });
  });
}
