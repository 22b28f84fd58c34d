import type { TranslationContext } from './provision-translator.ts';

/**
 * How wallet and custodian both translate Consents of an account: askers and authors are known by their accounts,
 * single resources by `Type/id` at the custodian. Anything else cannot be expressed, and so denies.
 */
export function accountTranslation(
  tagKey: Uint8Array,
  randomBytes: (length: number) => Uint8Array,
): TranslationContext {
  return {
    tagKey,
    randomBytes,
    memberOf: () => undefined,
    codeOf: (reference, kind) => (kind === 'instance' ? reference : undefined),
  };
}
