/** How many validators may be gone, whichever they are, while those left have more than two thirds of the power. */
export function failuresBorne(powers: readonly number[]): number {
  const total = powers.reduce((sum, power) => sum + power, 0);
  let left = total;
  let borne = 0;
  for (const power of powers.filter((one) => one > 0).sort((a, b) => b - a)) {
    left -= power;
    if (left * 3 <= total * 2) return borne;
    borne++;
  }
  return borne;
}

/** That number in a sentence for whoever runs the network. */
export function toleranceText(powers: readonly number[]): string {
  const voting = powers.filter((power) => power > 0).length;
  const borne = failuresBorne(powers);
  const of = voting === 1 ? 'The one validator' : `${voting} validators`;
  if (borne > 0)
    return `${of}: any ${borne} of them may fail and the ledger goes on; with one more gone it waits until enough are back.`;
  if (voting === 1) return `${of} is needed at all times; from four on, one may fail.`;
  const isEven = new Set(powers.filter((power) => power > 0)).size === 1;
  return isEven
    ? `${of}: when one fails the ledger stands still until it is back; from four on, one may fail.`
    : `${of}: when the strongest fails the ledger stands still until it is back; give them more even power, or add some.`;
}
