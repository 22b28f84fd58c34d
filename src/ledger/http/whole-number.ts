import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';

const reject = rejecter(CODES);

/** A whole number in its one decimal form, within bounds. Throws Reject LEDGER_REQUEST_INVALID for any other text. */
export function wholeNumber(text: string | undefined, minimum: number, maximum: number): number {
  const value = text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) throw reject('LEDGER_REQUEST_INVALID', { minimum, maximum });
  return value;
}
