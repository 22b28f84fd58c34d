/** Bounds of the terminology. */
export const TERMINOLOGY_LIMITS = {
  /** Parsed code systems and value sets that are kept, by the length of their compact text. */
  parsedChars: 4 * 1024 * 1024,
  /** Codes of evaluated value sets that are kept, over all of them. */
  cachedCodes: 200_000,
  /** Steps of evaluating one value set: concepts looked at, codes combined. */
  evaluationSteps: 2_000_000,
  /** The same for a value set that a client sends along. */
  requestSteps: 300_000,
  /** Value sets within value sets. */
  importDepth: 20,
  /** Codes of one expansion; beyond it the client pages. */
  expansionCodes: 10_000,
  /** Parameters of one call, and codings of a CodeableConcept. */
  parameters: 100,
  /** Characters of a parameter's text. */
  parameterChars: 2_048,
} as const;
