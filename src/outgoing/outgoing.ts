/** What is asked of an address that somebody else named: a subscription's hook, a key set, an OpenID provider. */
export interface OutgoingRequest {
  /** `https:` or, where a rule says so, `http:`; at most 2048 characters. */
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** At most 32; none that frames the message or names its host. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** For everything together: the name, the connection, the answer's last byte. 10 seconds where it is not said. */
  readonly timeoutMs?: number;
  /** Of the answer's body; 1 MiB where it is not said. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

/** What came back, whatever its status but a redirect. Names of headers are lower case; of those that came twice see node:http. */
export interface OutgoingAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The one way by which this node asks addresses that others name. */
export interface Outgoing {
  /**
   * Asks once, of exactly the address that was checked. `organisation`: member account whose rules apply.
   * Throws Reject OUTGOING_… (codes.ts): the code, and at most the origin that was asked for.
   */
  request(organisation: string, request: OutgoingRequest): Promise<OutgoingAnswer>;
  /**
   * Whether the rules would let it be asked now, without asking: for refusing a registration at once.
   * Throws the Reject that `request` would.
   */
  requireAllowed(organisation: string, url: string): Promise<void>;
}
