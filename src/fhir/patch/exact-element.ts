import { ExactValue } from './exact-value.ts';
import type { PatchValue } from './patch-value.ts';
import type { PatchWork } from './patch-work.ts';

/**
 * An element of an object as FHIR's JSON writes it (R4 §2.6.2.3): member `name`, and for a primitive also `_name` for
 * its id and extensions, an array beside an array with null where one of them has nothing. Changes keep both in step.
 */
export class ExactElement {
  readonly parent: ExactValue;
  readonly name: string;
  private readonly work: PatchWork;

  constructor(parent: ExactValue, name: string, work: PatchWork) {
    this.parent = parent;
    this.name = name;
    this.work = work;
  }

  exists(): boolean {
    const members = this.parent.members();
    return members?.has(this.name) === true || members?.has(`_${this.name}`) === true;
  }

  /** How many there are of an element that repeats. */
  length(): number {
    return Math.max(this.list(this.name)?.length ?? 0, this.list(`_${this.name}`)?.length ?? 0);
  }

  /** Sets an element that does not repeat; with `member` another name of the choice takes its place. */
  set(value: PatchValue, member = this.name): void {
    const members = this.parent.members() as Map<string, ExactValue>;
    const put = (from: string, to: string, text: string | undefined) => {
      if (text === undefined) members.delete(from);
      else if (members.has(from)) this.parent.rename(from, to, this.value(text));
      else members.set(to, this.value(text));
    };
    put(this.name, member, value.text);
    put(`_${this.name}`, `_${member}`, value.extended);
  }

  /** Puts one before the element at `index` of an element that repeats. */
  insert(index: number, value: PatchValue): void {
    this.change(value.text !== undefined, value.extended !== undefined, (list, isExtended) =>
      list.insert(index, this.value((isExtended ? value.extended : value.text) ?? 'null')),
    );
  }

  replaceAt(index: number, value: PatchValue): void {
    this.change(value.text !== undefined, value.extended !== undefined, (list, isExtended) => {
      (list.items() as ExactValue[])[index] = this.value((isExtended ? value.extended : value.text) ?? 'null');
    });
  }

  move(source: number, destination: number): void {
    this.change(false, false, (list) => list.insert(destination, list.removeAt(source)));
  }

  /** Removes one of an element that repeats, or all of one that does not. */
  remove(index: number | undefined): void {
    if (index !== undefined) {
      this.change(false, false, (list) => void list.removeAt(index));
      return;
    }
    this.parent.members()?.delete(this.name);
    this.parent.members()?.delete(`_${this.name}`);
  }

  /** Does `work` to both arrays at their full length, and drops those that hold nothing afterwards. */
  private change(values: boolean, extensions: boolean, work: (list: ExactValue, isExtended: boolean) => void): void {
    const members = this.parent.members() as Map<string, ExactValue>;
    const length = this.length();
    for (const isExtended of [false, true]) {
      const name = isExtended ? `_${this.name}` : this.name;
      if (!members.has(name) && !(isExtended ? extensions : values)) continue;
      const list = members.get(name) ?? this.value('[]');
      members.set(name, list);
      const items = list.items();
      if (items === undefined) continue;
      this.work.spend(items.length);
      while (items.length < length) items.push(this.value('null'));
      work(list, isExtended);
      if (items.every((item) => item.isNull())) members.delete(name);
    }
  }

  private list(name: string): ExactValue[] | undefined {
    return this.parent.members()?.get(name)?.items();
  }

  private value(text: string): ExactValue {
    this.work.spend(text.length);
    return new ExactValue(text, this.work);
  }
}
