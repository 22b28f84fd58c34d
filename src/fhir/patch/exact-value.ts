import { elementsOf, membersOf } from '../json-spans.ts';
import type { PatchWork } from './patch-work.ts';

/**
 * A JSON value of `exactJson` text that is cut open only where it is touched: what nobody looks into stays the text it
 * was, to the last digit. Opening, closing and moving count as work.
 */
export class ExactValue {
  private closed: string | undefined;
  private opened: Map<string, ExactValue> | ExactValue[] | undefined;
  private readonly work: PatchWork;

  constructor(text: string, work: PatchWork) {
    this.closed = text;
    this.work = work;
  }

  /** Members of an object, to be changed in place; undefined for anything else. */
  members(): Map<string, ExactValue> | undefined {
    const opened = this.open();
    return opened instanceof Map ? opened : undefined;
  }

  /** Elements of an array, to be changed in place; undefined for anything else. */
  items(): ExactValue[] | undefined {
    const opened = this.open();
    return Array.isArray(opened) ? opened : undefined;
  }

  /** Puts `value` before the element at `index`; both are within the array's bounds. */
  insert(index: number, value: ExactValue): void {
    const items = this.items() as ExactValue[];
    this.work.spend(items.length >> 3);
    items.splice(index, 0, value);
  }

  removeAt(index: number): ExactValue {
    const items = this.items() as ExactValue[];
    this.work.spend(items.length >> 3);
    return items.splice(index, 1)[0] as ExactValue;
  }

  /** Gives the member another name and value in the place where it stands. */
  rename(from: string, to: string, value: ExactValue): void {
    const members = this.members() as Map<string, ExactValue>;
    const before = [...members].filter(([name]) => name === from || name !== to);
    this.work.spend(before.length);
    members.clear();
    for (const [name, old] of before) members.set(name === from ? to : name, name === from ? value : old);
  }

  isNull(): boolean {
    return this.closed === 'null';
  }

  text(): string {
    if (this.closed !== undefined) return this.closed;
    const parts: string[] = [];
    this.write(parts);
    const text = parts.join('');
    this.work.spend(text.length);
    return text;
  }

  /** Only what was opened is walked into, which is never deeper than the longest path of a patch. */
  private write(parts: string[]): void {
    if (this.closed !== undefined) {
      parts.push(this.closed);
    } else if (this.opened instanceof Map) {
      let before = '{';
      for (const [name, value] of this.opened) {
        parts.push(before, '"', name, '":');
        value.write(parts);
        before = ',';
      }
      parts.push(this.opened.size === 0 ? '{}' : '}');
    } else {
      const items = this.opened as ExactValue[];
      for (const [index, value] of items.entries()) {
        parts.push(index === 0 ? '[' : ',');
        value.write(parts);
      }
      parts.push(items.length === 0 ? '[]' : ']');
    }
  }

  private open(): Map<string, ExactValue> | ExactValue[] | undefined {
    const text = this.closed;
    if (text === undefined) return this.opened;
    const cut = ({ start, end }: { start: number; end: number }) => new ExactValue(text.slice(start, end), this.work);
    if (text.startsWith('{')) {
      this.work.spend(text.length);
      this.opened = new Map(membersOf(text).map((member) => [member.name, cut(member)]));
    } else if (text.startsWith('[')) {
      this.work.spend(text.length);
      this.opened = elementsOf(text, 0).map(cut);
    } else {
      return undefined;
    }
    this.closed = undefined;
    return this.opened;
  }
}
