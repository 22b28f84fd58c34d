/**
 * The port under everything that must survive a crash: files that only grow, in one folder. What it promises is what
 * a disk promises: bytes are durable once `sync` of the file has resolved, names once `sync` of the folder has. What
 * was appended since may be there after a crash, or not, or in pieces.
 */
export interface AppendFile {
  /** Appends at the end. A rejection may leave a part of the bytes behind; `truncate` takes it away again. */
  append(bytes: Uint8Array): Promise<void>;
  /** Makes all that was appended durable (fdatasync). After a rejection nothing is known of what is durable. */
  sync(): Promise<void>;
  /** Bytes from `offset` on, fewer than `length` only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  sizeBytes(): Promise<number>;
  /** Cuts the file to `sizeBytes`; durable after `sync`. */
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

export interface AppendFolder {
  /** Names of its files, in byte order. */
  list(): Promise<readonly string[]>;
  /** Opens a file, made empty when it is not there; a new name is durable after `sync`. */
  open(name: string): Promise<AppendFile>;
  remove(name: string): Promise<void>;
  /** Makes names durable. */
  sync(): Promise<void>;
}

/** True for the error of a disk without room (ENOSPC, or a quota's EDQUOT). */
export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
