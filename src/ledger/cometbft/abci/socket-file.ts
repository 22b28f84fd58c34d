import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { reject } from './codes.ts';

/** Below the 108 of Linux and the 104 of macOS, which cut a longer path off without a word. */
const MAX_PATH_BYTES = 100;

/**
 * Makes way for a socket at `path`: takes away one that a process left behind which ended without cleaning up. Throws
 * Reject ABCI_SOCKET_PATH_TOO_LONG, ABCI_SOCKET_NO_SOCKET, ABCI_SOCKET_IN_USE, ABCI_SOCKET_UNUSABLE.
 */
export async function clearSocketPath(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES) throw reject('ABCI_SOCKET_PATH_TOO_LONG', { bytes, maxBytes: MAX_PATH_BYTES });
  try {
    if (!(await lstat(path)).isSocket()) throw reject('ABCI_SOCKET_NO_SOCKET', { path });
    if (await isListening(path)) throw reject('ABCI_SOCKET_IN_USE', { path });
    await unlink(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw code?.startsWith('ABCI_') ? error : reject('ABCI_SOCKET_UNUSABLE', { path, error: String(code) });
  }
}

/** Whether a process listens. Only the answer that nobody does counts as no. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
