import type { AppendFile, AppendFolder } from './append-folder.ts';

/** Thrown by every operation from the moment of a simulated crash on. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

/** A small generator of numbers in [0, 1), the same for the same seed (mulberry32). For simulations only. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A sector is what a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

interface SimulatedFile {
  durable: Uint8Array;
  current: Uint8Array;
}

export interface SimulatedDisk {
  readonly folder: AppendFolder;
  /** Operations done so far: a crash is placed by their number. */
  operations(): number;
  /** Crashes at that operation: it and all later ones throw SimulatedCrash. */
  crashAt(operation: number): void;
  /** Bytes that may still be written; less than asked for throws ENOSPC, with a part of the bytes written. */
  freeBytes: number;
  /** What a restart finds: durable bytes, and of what was not synced any mix of sectors old, new, zero and garbage. */
  restart(): void;
  /** Flips bits of one byte of a file, on the platter and in memory. */
  flip(name: string, offset: number): void;
}

/** A disk in memory that loses what was not synced and tears what was in flight, decided by `random`. */
export function createSimulatedDisk(random: () => number): SimulatedDisk {
  let names = new Map<string, SimulatedFile>();
  let durableNames = new Map<string, SimulatedFile>();
  let operations = 0;
  let crashOperation = Number.POSITIVE_INFINITY;
  const disk = { freeBytes: Number.POSITIVE_INFINITY };

  function step(): void {
    operations++;
    if (operations >= crashOperation) throw new SimulatedCrash();
  }

  function fileOf(file: SimulatedFile): AppendFile {
    return {
      async append(bytes) {
        const room = Math.min(bytes.length, disk.freeBytes);
        const crashes = operations + 1 >= crashOperation;
        const written = crashes ? Math.floor(random() * (room + 1)) : room;
        file.current = joined(file.current, bytes.subarray(0, written));
        disk.freeBytes -= written;
        step();
        if (room < bytes.length) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      },
      async sync() {
        step();
        file.durable = file.current.slice();
      },
      async read(offset, length) {
        if (operations >= crashOperation) throw new SimulatedCrash();
        return file.current.slice(offset, offset + length);
      },
      sizeBytes: async () => file.current.length,
      async truncate(sizeBytes) {
        step();
        disk.freeBytes += Math.max(0, file.current.length - sizeBytes);
        file.current = file.current.slice(0, sizeBytes);
      },
      close: async () => undefined,
    };
  }

  const folder: AppendFolder = {
    list: async () => [...names.keys()].sort(),
    async open(name) {
      let file = names.get(name);
      if (file === undefined) {
        step();
        file = { durable: new Uint8Array(), current: new Uint8Array() };
        names.set(name, file);
      }
      return fileOf(file);
    },
    async remove(name) {
      step();
      names.delete(name);
    },
    async sync() {
      step();
      durableNames = new Map(names);
    },
  };

  return Object.assign(disk, {
    folder,
    operations: () => operations,
    crashAt(operation: number) {
      crashOperation = operation;
    },
    restart() {
      // A name that was made or removed since the folder's last sync may be seen either way.
      const found = new Map(durableNames);
      for (const [name, file] of names) if (!durableNames.has(name) && random() < 0.5) found.set(name, file);
      for (const name of durableNames.keys()) if (!names.has(name) && random() < 0.5) found.delete(name);
      names = new Map([...found].map(([name, file]) => [name, afterCrash(file, random)]));
      durableNames = new Map(names);
      crashOperation = Number.POSITIVE_INFINITY;
      operations = 0;
    },
    flip(name: string, offset: number) {
      const file = names.get(name) as SimulatedFile;
      for (const bytes of [file.current, file.durable])
        bytes[offset] = (bytes[offset] as number) ^ (1 + Math.floor(random() * 255));
    },
  });
}

function afterCrash(file: SimulatedFile, random: () => number): SimulatedFile {
  const { durable, current } = file;
  // The size is metadata of its own: any value between the two may have reached the disk.
  const [low, high] = [Math.min(durable.length, current.length), Math.max(durable.length, current.length)];
  const size = random() < 0.3 ? high : low + Math.floor(random() * (high - low + 1));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += SECTOR_BYTES) {
    const end = Math.min(at + SECTOR_BYTES, size);
    bytes.set(durable.subarray(at, end), at);
    const choice = random();
    // Bytes that were synced stay as they are: a sector that holds them is rewritten with them.
    const from = Math.max(at, low);
    if (from >= end) continue;
    if (choice < 0.4) bytes.set(current.subarray(from, end), from);
    else if (choice < 0.5) for (let i = from; i < end; i++) bytes[i] = Math.floor(random() * 256);
  }
  return { durable: bytes.slice(), current: bytes };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
