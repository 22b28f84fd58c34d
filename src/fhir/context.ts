import type { Caller } from '../auth/caller.ts';
import type { Asked } from '../chain/journal-leaf.ts';
import type { Vault } from '../vault/vault.ts';
import type { Conformance } from './conformance.ts';
import type { FhirLimits } from './limits.ts';
import type { Looks } from './looks.ts';
import type { AccessPort, RegistrationPort, WriteRule } from './ports.ts';

/** What every interaction stands on. */
export interface FhirServer extends Conformance {
  /** Address of the service, without a slash at its end. */
  readonly baseUrl: string;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly access: AccessPort;
  readonly registration: RegistrationPort;
  readonly limits: FhirLimits;
  /** Of types that the server acts on; none unless they are given. */
  readonly writeRules?: readonly WriteRule[];
  /** Told of a bug that only one entry of a batch answers for; the request goes on. */
  readonly reportFailure: (error: unknown) => void;
}

/** What is being done, as the journal names it; `askedBy` adds the app. */
export type AskedInteraction = Omit<Asked, 'client'>;

/** One request's view: the vault of the custodian it is for, and who asks. */
export interface FhirContext extends FhirServer {
  readonly vault: Vault;
  readonly caller: Caller;
  /** What is being done, for the journal; the router says it. */
  readonly asked?: AskedInteraction;
  /** What was decided and is not journalled yet; the router gives it to each interaction. */
  readonly looks?: Looks;
  /** Told how many interactions the request stands for beyond one. */
  readonly charge?: (interactions: number) => void;
}

/** An interaction as HTTP or a Bundle's entry brings it. */
export interface FhirRequest {
  readonly method: string;
  /** Below the base, without a slash at its beginning. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Exact text of the body's JSON (`exactJson`), if there is one. */
  readonly text?: string;
  /** What the body is, for PATCH: a JSON Patch, else FHIR (Parameters). */
  readonly isJsonPatch?: boolean;
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
  readonly ifNoneExist?: string;
  /** `X-Provenance` as it came. */
  readonly provenance?: string;
  readonly prefer: Preference;
}

/** A compartment (R4 compartmentdefinition.html): `Patient/[id]`, whose resources alone are searched. */
export interface Compartment {
  readonly type: string;
  readonly id: string;
}

/** `Prefer` (R4 §3.1.0.1.7, §3.1.1.1). */
export interface Preference {
  readonly return?: 'minimal' | 'representation' | 'OperationOutcome';
  readonly lenient: boolean;
}

export interface FhirResult {
  readonly status: number;
  /** JSON text; undefined for none. */
  readonly body?: string;
  /** True when the body is an OperationOutcome about the interaction and no resource that was asked for. */
  readonly isOutcome?: boolean;
  readonly etag?: string;
  readonly lastModifiedMs?: number;
  readonly location?: string;
}
