import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext } from '../command.ts';
import { freePorts, takenPorts } from './free-ports.ts';
import { writeNetwork } from './write-network.ts';

const reject = rejecter(CODES);

/** CometBFT's own port; a network takes the next free ones from it on. */
const FIRST_P2P_PORT = 26_656;

export interface TrialNetworkOptions {
  readonly folder: string;
  readonly name: string;
  readonly validators: number;
  /** HTTP of the first node, the others' after it; 0 takes free ports for everything. */
  readonly port: number;
}

/** Makes a network of this machine in a new folder. Throws Reject NETWORK_PORT_TAKEN, and what writing throws. */
export async function makeTrialNetwork(context: CliContext, options: TrialNetworkOptions): Promise<void> {
  const { folder, name, validators, port } = options;
  const http = port === 0 ? await freePorts(0, validators) : Array.from({ length: validators }, (_, at) => port + at);
  const taken = http.some((one) => one > 65_535) ? http : port === 0 ? [] : await takenPorts(http);
  if (taken.length > 0) throw reject('NETWORK_PORT_TAKEN', { ports: [...taken] });
  const p2p = await freePorts(port === 0 ? 0 : FIRST_P2P_PORT, validators);
  const organisations = context.nodes.trialFounders(validators).map((founder, at) => ({
    ...founder,
    p2p: `127.0.0.1:${p2p[at]}`,
    url: `http://127.0.0.1:${http[at]}`,
  }));
  await writeNetwork(context, folder, await context.nodes.foundNetwork({ name, organisations }));
}
