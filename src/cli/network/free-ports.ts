import { type AddressInfo, createServer, type Server } from 'node:net';

const LOOPBACK = '127.0.0.1';
const LAST_PORT = 65_535;

/** Listens on loopback; undefined where something else does. Port 0 takes any. */
function occupy(port: number): Promise<Server | undefined> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(undefined));
    probe.listen({ host: LOOPBACK, port }, () => resolve(probe));
  });
}

function portOf(probe: Server): number {
  return (probe.address() as AddressInfo).port;
}

/** Frees them again: they are free until another program is quicker. */
async function release(probes: readonly Server[]): Promise<readonly number[]> {
  const ports = probes.map(portOf);
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

/** So many ports of loopback that are free now: from one on, or any where that is 0. Fewer when there are no more. */
export async function freePorts(from: number, count: number): Promise<readonly number[]> {
  const probes: Server[] = [];
  for (let port = from; probes.length < count && port <= LAST_PORT; port += from === 0 ? 0 : 1) {
    const probe = await occupy(port);
    if (probe !== undefined) probes.push(probe);
  }
  return release(probes);
}

/** Those of the ports on which something listens already. */
export async function takenPorts(ports: readonly number[]): Promise<readonly number[]> {
  const probes = await Promise.all(ports.map(occupy));
  await release(probes.filter((probe) => probe !== undefined));
  return ports.filter((_, at) => probes[at] === undefined);
}
