import type { FhirContext, FhirRequest, FhirResult } from '../context.ts';

/** An operation's call, routed. */
export interface OperationCall {
  readonly type?: string;
  readonly id?: string;
  /** Version, for an operation on `[type]/[id]/_history/[version]`. */
  readonly version?: string;
  /** Query of a GET, or the simple parameters of a posted Parameters, by name. */
  readonly parameters: URLSearchParams;
  /** Exact text of a posted body: a Parameters resource or, where the operation takes one, the bare resource. */
  readonly text?: string;
  readonly request: FhirRequest;
}

/** An operation `$name` (R4 §3.2), as capability statement and router both read it. */
export interface FhirOperation {
  /** With its `$`. */
  readonly name: string;
  /** Canonical URL of its OperationDefinition. */
  readonly definition: string;
  /** Where it may be called. `types` is absent for all types. */
  readonly on: readonly ('system' | 'type' | 'instance' | 'version')[];
  readonly types?: readonly string[];
  /** May be called by GET (it changes nothing, and its parameters are simple). */
  readonly get: boolean;
  run(context: FhirContext, call: OperationCall): Promise<FhirResult>;
}
