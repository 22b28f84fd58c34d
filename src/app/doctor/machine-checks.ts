import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '../../cli/node-starter.ts';
import { isReject } from '../../std/reject.ts';
import { listenRefusal, type NodeAddress, requireFree } from '../listen.ts';
import { fail, ok, thrown, warn } from './finding.ts';

const NEEDED_MAJOR = 26;
const GIB = 1024 ** 3;
/** Below the first a commit may be refused any moment; below the second it is time to act. */
const LEAST_FREE_BYTES = GIB / 4;
const FEW_FREE_BYTES = 4 * GIB;

/** The runtime: types are stripped from sources by it, so an older one does not even read them. */
export function checkRuntime(version: string): Finding {
  const major = Number.parseInt(version, 10);
  if (major >= NEEDED_MAJOR) return ok('runtime', `Node ${version}`);
  return fail('runtime', `Node ${version}`, `install Node ${NEEDED_MAJOR}, or aceso again without --omit=optional`);
}

/** Free space where the data folder is, or is to be. `bytesFree` replaces the machine's answer. */
export async function checkDisk(folder: string, bytesFree = freeBytes): Promise<Finding> {
  try {
    const free = await bytesFree(folder);
    const text = `${(free / GIB).toFixed(1)} GiB free`;
    if (free < LEAST_FREE_BYTES) return fail('disk', text, 'free space now: a full disk stops ledger and vaults');
    if (free < FEW_FREE_BYTES) return warn('disk', text, 'free space, or move the data folder to a larger disk');
    return ok('disk', text);
  } catch (error) {
    return thrown('disk', error, 'check the path of the data folder');
  }
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return freeBytes(dirname(folder));
  }
}

/** Whether a node could listen there. Only asked while none runs on the folder. */
export async function checkPort(hosts: NodeAddress['hosts'], port: number): Promise<Finding> {
  try {
    await requireFree(hosts, port);
    return ok('port', `${port} is free on ${hosts.join(' and ')}`);
  } catch (error) {
    const refusal = listenRefusal(error, port);
    return thrown('port', isReject(refusal) ? refusal : error, 'give another address or port');
  }
}
