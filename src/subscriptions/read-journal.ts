import { isReject } from '../std/reject.ts';
import type { JournalEntry, Vault } from '../vault/vault.ts';
import type { Place } from './event-log.ts';

/** A stretch of the journal, as far as it can be read. */
interface Stretch {
  /** In their order. */
  readonly entries: readonly JournalEntry[];
  /** Indices of entries that are there and cannot be read any more. */
  readonly damaged: readonly number[];
  /** Where the next stretch begins; the given place at the journal's end. */
  readonly next: Place;
}

type Journal = Pick<Vault, 'entriesFrom' | 'journalEntry' | 'journalHead' | 'anchorOf'>;

/** Whether what was stored is not what is there: a matter of that row alone, which no second look mends. */
export function isDamage(thrown: unknown): boolean {
  return isReject(thrown) && (thrown.code === 'VAULT_DAMAGED' || thrown.code === 'BLOB_DAMAGED');
}

/**
 * Reads on from a place, at most `limit` entries of one generation, all at once. Where that meets damage, or a row that is
 * gone, it reads them one by one: one that cannot be read must not hold up those after it for ever. Whatever else the
 * vault refuses is thrown, and nothing is passed over.
 */
export async function readStretch(journal: Journal, place: Place, limit: number): Promise<Stretch> {
  const { generation, index } = place;
  const head = journal.journalHead();
  const isOpen = generation === head.generation;
  if (generation > head.generation || (isOpen && index >= head.size)) return { entries: [], damaged: [], next: place };
  const entries = await journal.entriesFrom(generation, index, limit).catch((thrown: unknown) => {
    if (isDamage(thrown)) return undefined;
    throw thrown;
  });
  const end = isOpen
    ? Math.min(index + limit, head.size)
    : await endOf(journal, generation, index + (entries?.length ?? 0), index + limit);
  if (entries?.every((entry, at) => entry.index === index + at) === true && index + entries.length >= end)
    return { entries, damaged: [], next: after({ generation, index: index + entries.length }, entries.length === 0) };
  return readOneByOne(journal, place, isOpen ? end : index + limit, end);
}

/** Up to where a closed generation is known to go on by its anchors, where reading ended before. */
async function endOf(journal: Journal, generation: number, read: number, most: number): Promise<number> {
  if (read >= most) return most;
  return Math.min((await journal.anchorOf(generation, read))?.size ?? read, most);
}

/** Entries from a place until an index, of which those before `known` are there whether they can be read or not. */
async function readOneByOne(journal: Journal, place: Place, until: number, known: number): Promise<Stretch> {
  const { generation, index } = place;
  const entries: JournalEntry[] = [];
  const unread: number[] = [];
  let last = known;
  for (let at = index; at < until; at++) {
    try {
      const entry = await journal.journalEntry(generation, at);
      if (entry === undefined) unread.push(at);
      else entries.push(entry);
      if (entry !== undefined) last = Math.max(last, at + 1);
    } catch (thrown) {
      if (!isDamage(thrown)) throw thrown;
      unread.push(at);
      last = Math.max(last, at + 1);
    }
  }
  const damaged = unread.filter((at) => at < last);
  return { entries, damaged, next: after({ generation, index: last }, last === index) };
}

/** Nothing more in a closed generation: the next one. */
function after(place: Place, isOver: boolean): Place {
  return isOver ? { generation: place.generation + 1, index: 0 } : place;
}
