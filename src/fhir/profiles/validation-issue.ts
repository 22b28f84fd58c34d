/** R4's issue types (valueset-issue-type) that validation gives. */
export type IssueCode =
  | 'structure'
  | 'required'
  | 'value'
  | 'invariant'
  | 'code-invalid'
  | 'extension'
  | 'security'
  | 'too-long'
  | 'too-costly'
  | 'not-supported';

export type Severity = 'error' | 'warning' | 'information';

/** What is wrong, and where. `text` names elements, profiles, value sets and rules, and never a value of the resource. */
export interface ValidationIssue {
  readonly severity: Severity;
  readonly code: IssueCode;
  /** FHIRPath of the element, e.g. `Observation.component[1].code`. */
  readonly path: string;
  readonly text: string;
}

/** Where issues go. One wrong resource needs no endless answer: when it is full, validation stops. */
export interface IssueSink {
  readonly issues: readonly ValidationIssue[];
  readonly errors: number;
  readonly isFull: boolean;
  add(severity: Severity, code: IssueCode, path: string, text: string): void;
}

/** `maxErrors` stops validation; of warnings and notes as many more are kept. The same is said once. */
export function createIssueSink(maxErrors: number): IssueSink {
  const issues: ValidationIssue[] = [];
  const said = new Set<string>();
  let errors = 0;
  return {
    issues,
    get errors() {
      return errors;
    },
    get isFull() {
      return errors >= maxErrors;
    },
    add(severity, code, path, text) {
      const place = ascii(path);
      const key = `${code}\n${place}\n${text}`;
      if (said.has(key)) return;
      if (severity === 'error' ? errors >= maxErrors : issues.length - errors >= maxErrors) return;
      said.add(key);
      if (severity === 'error') errors++;
      issues.push({ severity, code, path: place, text: ascii(text) });
    },
  };
}

function ascii(text: string): string {
  return text.slice(0, 300).replace(/[^\x20-\x7e]/g, '?');
}
