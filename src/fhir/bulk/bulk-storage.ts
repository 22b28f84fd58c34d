/** Which job's file is meant. Each part is a file name that is safe on any disk. */
export interface BulkPlace {
  /** Member account of the organisation. */
  readonly custodian: string;
  /** 32 hexadecimal digits. */
  readonly job: string;
}

/**
 * Files of exports and imports on a disk, as bytes that say nothing: they come here encrypted (`sealed-frames.ts`).
 * Every method rejects with EXPORT_DISK_FAILED {reason} when the disk does.
 */
export interface BulkStorage {
  /**
   * Writes bytes at `offset`, the length of the file that is counted on; what lies behind, of a write that a crash cut
   * short, goes. Durable when it resolves, the file's name too.
   */
  append(place: BulkPlace, file: number, offset: number, bytes: Uint8Array): Promise<void>;
  /** A file to be read while others are; it stays readable until it is closed, also when it is removed meanwhile. */
  read(place: BulkPlace, file: number): Promise<BulkReader>;
  /** Lets go of what `append` holds open of a job. */
  release(place: BulkPlace): Promise<void>;
  /** Removes all files of a job. */
  remove(place: BulkPlace): Promise<void>;
  /** Jobs that have files. */
  jobs(custodian: string): Promise<readonly string[]>;
}

export interface BulkReader {
  /** Fewer bytes than asked for only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
