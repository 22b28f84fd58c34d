import type { Bundle, Quantity } from '@medplum/fhirtypes';

/** How a quantity's value is written, e.g. `70.0`: a number alone forgets how precise the measurement was. */
const written = new WeakMap<object, string>();

// ECMAScript's JSON.rawJSON, which TypeScript's library does not declare yet.
const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown };

/** A UCUM quantity of `decimals` decimal places; `bundleToText` writes all of them. */
export function quantity(value: number, decimals: number, unit: string, code = unit): Quantity {
  const text = value.toFixed(decimals);
  const made: Quantity = { value: Number(text), unit, system: 'http://unitsofmeasure.org', code };
  written.set(made, text);
  return made;
}

/** JSON text of a bundle of the generator, decimals as they were measured (`5.60`, not `5.6`). */
export function bundleToText(bundle: Bundle): string {
  return JSON.stringify(bundle, function (this: object, name: string, value: unknown) {
    const text = name === 'value' ? written.get(this) : undefined;
    return text === undefined ? value : rawJSON(text);
  });
}
