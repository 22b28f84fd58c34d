import { join, resolve } from 'node:path';
import { utf8 } from '../../../std/bytes.ts';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** sun_path has 104 bytes on macOS and 108 on Linux, with the zero at its end. */
const MAX_SOCKET_PATH_BYTES = 100;

/** Where an engine's files lie. */
export interface EnginePaths {
  readonly home: string;
  readonly configFile: string;
  readonly genesisFile: string;
  readonly dataFolder: string;
  /** What was signed last, so that nothing is signed twice. CometBFT's own: made once, never written again. */
  readonly signStateFile: string;
  /** Chunks of a snapshot while it is restored: records' pseudonyms, so not in the machine's common /tmp. */
  readonly temporaryFolder: string;
  readonly keyFolder: string;
  readonly validatorKey: string;
  readonly nodeKey: string;
  readonly socketFolder: string;
  readonly abciSocket: string;
  readonly rpcSocket: string;
}

/** Throws ENGINE_PATH_UNFIT {path} for a folder whose paths CometBFT or the operating system would not take. */
export function enginePaths(folders: {
  readonly home: string;
  readonly keyFolder: string;
  readonly socketFolder: string;
}): EnginePaths {
  const [home, keyFolder, socketFolder] = [folders.home, folders.keyFolder, folders.socketFolder].map((path) =>
    resolve(path),
  ) as [string, string, string];
  const [abciSocket, rpcSocket] = [join(socketFolder, 'abci.sock'), join(socketFolder, 'rpc.sock')];
  for (const path of [home, keyFolder, socketFolder]) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(path)) throw reject('ENGINE_PATH_UNFIT', { path });
  }
  for (const path of [abciSocket, rpcSocket]) {
    // CometBFT splits the list of RPC addresses at commas.
    if (utf8(path).length > MAX_SOCKET_PATH_BYTES || path.includes(',')) throw reject('ENGINE_PATH_UNFIT', { path });
  }
  return {
    home,
    configFile: join(home, 'config', 'config.toml'),
    genesisFile: join(home, 'config', 'genesis.json'),
    dataFolder: join(home, 'data'),
    signStateFile: join(home, 'data', 'priv_validator_state.json'),
    temporaryFolder: join(home, 'tmp'),
    keyFolder,
    validatorKey: join(keyFolder, 'priv_validator_key.json'),
    nodeKey: join(keyFolder, 'node_key.json'),
    socketFolder,
    abciSocket,
    rpcSocket,
  };
}
