/** A file that somebody gave the page. */
export interface GivenFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type FileRole = 'receipt' | 'trust' | 'content';

const FORMAT = /"format":"aceso\.(receipt|genesis|checkpoint)\/\d/;

/**
 * What a dropped file is for. What it says of its format decides, then its name: a damaged receipt is still one, and
 * is to be refused as such. Anything else is content that a receipt may be about.
 */
export function roleOfFile({ name, bytes }: GivenFile): FileRole {
  const format = FORMAT.exec(new TextDecoder().decode(bytes))?.[1];
  if (format !== undefined) return format === 'receipt' ? 'receipt' : 'trust';
  if (name.endsWith('.receipt.json')) return 'receipt';
  return /^(?:genesis|checkpoint)[^/]*\.json$/.test(name) ? 'trust' : 'content';
}
