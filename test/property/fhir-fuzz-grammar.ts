import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { SearchRegistry } from '../../src/fhir/search/search-registry.ts';
import { at, path, queryArbitrary, type } from './fhir-fuzz-addresses.ts';
import {
  bundleArbitrary,
  FHIRPATH_PATCH,
  JSON_PATCH,
  json,
  mutated,
  RESOURCES,
  resource,
  WIRE,
} from './fhir-fuzz-bodies.ts';
import { pick, text, weighted } from './fhir-fuzz-texts.ts';

/** A request as it goes to the server, below the service's base. */
export interface FuzzedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Headers hold latin-1 without control characters, or Node itself refuses to send them. */
const headerText = text.map((value) => value.replace(/[^\x20-\x7e]/g, '').slice(0, 2000));
const optional = <Value>(rarity: number, arbitrary: fc.Arbitrary<Value>) =>
  weighted<Value | undefined>([rarity, fc.constant(undefined)], [1, arbitrary]);
const headers: fc.Arbitrary<Record<string, string>> = fc
  .record({
    prefer: optional(
      2,
      weighted(
        [
          8,
          pick(
            'return=minimal',
            'return=representation',
            'return=OperationOutcome',
            'handling=lenient',
            'handling=strict',
            'respond-async',
          ),
        ],
        [1, headerText],
      ),
    ),
    'if-match': optional(
      6,
      weighted([4, pick('W/"1"', 'W/"2"', '"1"', '*', 'W/"x"', 'W/"1", W/"2"')], [1, headerText]),
    ),
    'if-none-match': optional(6, weighted([4, pick('W/"1"', '*', '')], [1, headerText])),
    'if-modified-since': optional(
      6,
      weighted([2, pick('Thu, 01 Jan 1970 00:00:00 GMT', 'Fri, 31 Feb 9999 99:99:99 GMT')], [1, headerText]),
    ),
    'if-none-exist': optional(
      6,
      weighted([4, pick('identifier=x', '_id=p', 'Patient?identifier=urn:x|y', '__proto__=x', '')], [1, headerText]),
    ),
    accept: optional(
      12,
      weighted(
        [
          4,
          pick(
            'application/fhir+json',
            '*/*',
            'application/fhir+xml',
            'application/fhir+json; fhirVersion=5.0',
            'text/html;q=0',
          ),
        ],
        [1, headerText],
      ),
    ),
    'accept-encoding': optional(
      3,
      weighted([4, pick('gzip', 'br', 'deflate', 'identity', 'gzip;q=0, *;q=1')], [1, headerText]),
    ),
  })
  .map((all) =>
    Object.fromEntries(Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined)),
  );

interface Content {
  readonly body?: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Requests of every method, address, query, header and body, most of them nearly right. */
export function fuzzedRequest(registry: SearchRegistry): fc.Arbitrary<FuzzedRequest> {
  const query = queryArbitrary(registry);
  const bundle = bundleArbitrary(query);
  const mediaType = weighted(
    [30, fc.constant('application/fhir+json')],
    [3, fc.constant('application/json-patch+json')],
    [2, pick('application/json', 'application/x-www-form-urlencoded', 'application/fhir+xml', 'text/plain', 'x')],
  );
  const body = (content: fc.Arbitrary<unknown>, type: fc.Arbitrary<string> = mediaType) =>
    fc
      .record({
        content,
        wire: pick(...WIRE),
        n: fc.nat(),
        type,
        encoding: weighted<string | undefined>(
          [24, fc.constant(undefined)],
          [2, pick('gzip', 'br')],
          [1, pick('deflate', 'identity', 'compress', 'gzip, gzip', '__proto__')],
        ),
      })
      .map(({ content: value, wire, n, type: contentType, encoding }) => {
        const sent = Buffer.from(wire(JSON.stringify(value) ?? '', n));
        const coded = encoding === 'gzip' ? gzipSync(sent) : encoding === 'br' ? brotliCompressSync(sent) : sent;
        return {
          body: coded,
          headers: { 'content-type': contentType, ...(encoding === undefined ? {} : { 'content-encoding': encoding }) },
        };
      });
  const anyBody = body(weighted<unknown>([6, resource], [3, bundle], [1, json]));
  const form = query.map((text) => ({ body: text, headers: { 'content-type': 'application/x-www-form-urlencoded' } }));
  const noBody = fc.constant({ headers: {} });
  const toAddress = fc
    .tuple(path, weighted([2, fc.constant('')], [3, query]))
    .map(([to, asked]) => (asked === '' ? to : `${to}?${asked}`));
  const request = (method: fc.Arbitrary<string>, to: fc.Arbitrary<string>, content: fc.Arbitrary<Content>) =>
    fc.tuple(method, to, headers, content).map(
      ([verb, address, given, { headers: more, ...rest }]): FuzzedRequest => ({
        method: verb,
        path: address,
        headers: { ...given, ...more },
        ...rest,
      }),
    );
  // The type, id and content agree, so that what is wrong is inside.
  const writes = RESOURCES.slice(0, 3).flatMap((one) => {
    const { resourceType, id: own } = one as { resourceType: string; id: string };
    const content = body(weighted<unknown>([3, fc.constant(one)], [2, mutated(one)]));
    return [
      [3, request(fc.constant('POST'), fc.constant(resourceType), content)],
      [3, request(pick('PUT', 'PUT', 'PATCH'), fc.constant(`${resourceType}/${own}`), content)],
    ] as const;
  });
  const patches = body(
    pick<object>(JSON_PATCH, FHIRPATH_PATCH).chain(mutated),
    pick('application/json-patch+json', 'application/fhir+json'),
  );
  return weighted(
    [8, request(pick('GET', 'GET', 'HEAD', 'DELETE'), toAddress, noBody)],
    [
      8,
      request(
        fc.constant('GET'),
        fc.tuple(type, query).map((parts) => parts.join('?')),
        noBody,
      ),
    ],
    [5, request(pick('POST', 'PUT', 'PATCH'), toAddress, anyBody)],
    ...writes,
    [
      3,
      request(
        fc.constant('PATCH'),
        pick('Patient/p', 'Patient/p', 'Observation/o', 'Patient?identifier=urn:x|x'),
        patches,
      ),
    ],
    [
      3,
      request(
        fc.constant('POST'),
        pick('', 'Patient/$match', 'Patient/$validate', 'ValueSet/$expand', 'Observation/$lastn'),
        anyBody,
      ),
    ],
    [2, request(fc.constant('POST'), at(type, '_search'), form)],
    [1, request(pick('OPTIONS', 'GET', 'DELETE', 'POST'), toAddress, weighted<Content>([1, anyBody], [1, noBody]))],
  );
}
