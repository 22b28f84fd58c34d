import type { Terminology } from '../terminology/terminology.ts';
import type { TypeRules } from './type-rules.ts';
import type { IssueCode, IssueSink, Severity } from './validation-issue.ts';

/** A JSON object of the resource. */
export type Node = Readonly<Record<string, unknown>>;

/** A resource that is not contained, and what it contains: what `#id` means inside it (R4 §2.6.4). */
export interface Container {
  readonly resource: Node;
  /** Type of each contained resource by id. */
  readonly contained: ReadonlyMap<string, Node>;
  /** Ids that something in the container refers to. */
  readonly used: Set<string>;
}

/** One validation: where it stands, what it found, what it may still spend. */
export interface Walk {
  readonly rules: TypeRules;
  readonly sink: IssueSink;
  /** Undefined where nothing more is known than the code lists of R4's definitions. */
  readonly terminology?: Terminology;
  /** Names and indices from the root to where the walk stands. */
  readonly path: (string | number)[];
  container: Container;
  /** Resource that the walk stands in: `%resource`. */
  resource: Node;
  /** What may still be spent: steps along profiles, invariants that FHIRPath evaluates. */
  readonly budget: { steps: number; invariants: number };
  /** Resources of the Bundle that is validated, by fullUrl and by `Type/id`. */
  readonly neighbours?: ReadonlyMap<string, Node>;
  /** Called for each extension with its URL. */
  readonly onExtension?: (extension: Node, url: string) => void;
}

/** FHIRPath of where the walk stands. */
export function pathText(path: readonly (string | number)[]): string {
  let text = '';
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`;
  return text;
}

/** Reports at where the walk stands, or at an element of it. */
export function report(
  walk: Walk,
  code: IssueCode,
  text: string,
  element?: string,
  severity: Severity = 'error',
): void {
  const place = pathText(walk.path);
  walk.sink.add(severity, code, element === undefined ? place : `${place}.${element}`, text);
}

export function isObject(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A container with its contained resources listed. */
export function containerOf(resource: Node): Container {
  const contained = new Map<string, Node>();
  if (Array.isArray(resource.contained)) {
    for (const one of resource.contained) {
      if (isObject(one) && typeof one.id === 'string') contained.set(one.id, one);
    }
  }
  return { resource, contained, used: new Set() };
}
