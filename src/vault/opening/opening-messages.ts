import type { VersionHeader } from '../../chain/journal-leaf.ts';
import { createPackReader, createPackWriter } from '../database/packed-values.ts';
import type { Damage, SealedVersion } from './open-sealed.ts';

/*
 * Sealed versions on their way to the thread that opens them, and exact bytes on their way back, each list as one buffer
 * that is handed over. Both ends are the same build in one process: nothing here is ever stored.
 */

export function packSealed(versions: readonly SealedVersion[]): Uint8Array<ArrayBuffer> {
  const writer = createPackWriter();
  for (const { wrapped, epochKey, header, leaf, address, blob } of versions) {
    const { account, type, id, version, action, timeMs, author, previous } = header;
    for (const value of [account, type, id, version, action, timeMs, author, previous]) writer.value(value);
    for (const value of [leaf, address, wrapped, epochKey, blob]) writer.value(value);
  }
  return writer.take();
}

export function unpackSealed(packed: Uint8Array): SealedVersion[] {
  const reader = createPackReader(packed);
  const text = () => reader.value() as string;
  const number = () => reader.value() as number;
  const bytes = () => reader.value() as Uint8Array;
  const versions: SealedVersion[] = [];
  while (!reader.isAtEnd) {
    const header: VersionHeader = {
      ...{ account: text(), type: text(), id: text(), version: number() },
      ...{ action: text() as VersionHeader['action'], timeMs: number(), author: text(), previous: text() },
    };
    versions.push({ header, leaf: text(), address: text(), wrapped: bytes(), epochKey: bytes(), blob: bytes() });
  }
  return versions;
}

export function packOpened(opened: readonly (Uint8Array | Damage)[]): Uint8Array<ArrayBuffer> {
  const writer = createPackWriter();
  for (const one of opened) writer.value(one);
  return writer.take();
}

/** Bytes are views of what was handed over, which nobody else has. */
export function unpackOpened(packed: Uint8Array): (Uint8Array | Damage)[] {
  const reader = createPackReader(packed);
  const opened: (Uint8Array | Damage)[] = [];
  while (!reader.isAtEnd) opened.push(reader.value() as Uint8Array | Damage);
  return opened;
}
