/**
 * What code behind the fence may take from its surroundings beyond the language itself: the same in Node and in every
 * browser, and the same bytes on each. No clock, timer, console, network, process or Buffer compiles.
 */

declare class TextEncoder {
  encode(input?: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(label?: 'utf-8', options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(input?: Uint8Array): string;
}
