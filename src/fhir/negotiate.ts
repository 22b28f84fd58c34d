import type { Preference } from './context.ts';

const JSON_TYPES = new Set(['application/fhir+json', 'application/json', 'application/*', '*/*', 'text/json', 'json']);

/**
 * True when JSON may be answered: `_format` decides when it is given, else `Accept` (R4 §3.1.0.1.10, §3.1.0.1.11). The
 * parameter `fhirVersion` may ask for R4 only (R4 §3.1.0.1.14).
 */
export function acceptsJson(accept: string | undefined, format: string | null): boolean {
  if (format !== null) return isOurs(format.replaceAll(' ', '+'));
  if (accept === undefined || accept.trim() === '') return true;
  return accept.split(',').some((range) => isOurs(range) && !/;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(range));
}

function isOurs(range: string): boolean {
  return JSON_TYPES.has(mediaType(range)) && isOurVersion(range);
}

/** False for a media type that names another version of FHIR than R4. */
export function isOurVersion(type: string): boolean {
  const version = /;\s*fhirVersion\s*=\s*"?([^";\s]*)/i.exec(type)?.[1];
  return version === undefined || version === '4.0' || version === '4.0.1';
}

export function mediaType(text: string): string {
  return (text.split(';')[0] as string).trim().toLowerCase();
}

/** Reads `Prefer`; what it does not know is no preference (RFC 7240 §2). */
export function preferenceOf(header: string | readonly string[] | undefined): Preference {
  const text = Array.isArray(header) ? header.join(',') : ((header as string | undefined) ?? '');
  const chosen = /(?:^|[,;\s])return="?(minimal|representation|OperationOutcome)"?(?=[,;\s]|$)/.exec(text)?.[1];
  return {
    lenient: /(?:^|[,;\s])handling="?lenient"?(?=[,;\s]|$)/.test(text),
    ...(chosen === undefined ? {} : { return: chosen as NonNullable<Preference['return']> }),
  };
}
