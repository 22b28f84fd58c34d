/**
 * The store under the kernel failed: a page that cannot be read, a damaged value. It must never become an outcome,
 * since other nodes do not see it: whatever throws it halts the node before commit.
 */
export class StorageFault extends Error {
  override readonly name = 'StorageFault';
}

/** The members activated rules that this version of the software does not have: it must not guess, so it halts. */
export class RulesMissing extends Error {
  override readonly name = 'RulesMissing';
  readonly capability: string;
  readonly version: number;

  constructor(capability: string, version: number) {
    super(`rules ${capability}/${version} are active and this version does not have them: install one that does`);
    this.capability = capability;
    this.version = version;
  }
}

/**
 * True for what halts the node instead of becoming an outcome: a fault of the store, missing rules, and RangeError,
 * which is what exhausted stack and exhausted buffers look like and depends on the machine.
 */
export function isHalting(thrown: unknown): boolean {
  return thrown instanceof StorageFault || thrown instanceof RulesMissing || thrown instanceof RangeError;
}
