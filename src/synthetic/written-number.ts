import type { Bundle, Quantity, Resource } from '@medplum/fhirtypes';

// ECMAScript's JSON.rawJSON, which TypeScript's library does not declare yet.
const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown };

/** A UCUM quantity that remembers how its value is written, e.g. `70.0`: a number alone forgets how precise it was. */
class MeasuredQuantity {
  readonly value: number;
  readonly unit: string;
  readonly system = 'http://unitsofmeasure.org';
  readonly code: string;
  readonly #text: string;

  constructor(text: string, unit: string, code: string) {
    this.value = Number(text);
    this.unit = unit;
    this.code = code;
    this.#text = text;
  }

  toJSON(): unknown {
    return { value: rawJSON(this.#text), unit: this.unit, system: this.system, code: this.code };
  }
}

/** A UCUM quantity of `decimals` decimal places; JSON.stringify writes all of them. */
export function quantity(value: number, decimals: number, unit: string, code = unit): Quantity {
  return new MeasuredQuantity(value.toFixed(decimals), unit, code);
}

/** JSON text of a bundle or resource of the generator, decimals as they were measured (`5.60`, not `5.6`). */
export function bundleToText(bundle: Bundle | Resource): string {
  return JSON.stringify(bundle);
}
