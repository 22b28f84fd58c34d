import type { FastifyPluginAsync } from 'fastify';
import { isAdministrator } from '../auth/caller.ts';
import type { Conformance } from '../fhir/conformance.ts';
import { importBundle } from '../fhir/import-bundle.ts';
import { LIMITS } from '../fhir/limits.ts';
import type { RegistrationPort } from '../fhir/ports.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** `POST /api/import`: one transaction Bundle into the vault of the administrator who sends it, whole or not at all. */
export function createImportPlugin(deps: {
  organisations: readonly OrganisationContext[];
  authenticate: Authenticate;
  registration: RegistrationPort;
  conformance: Conformance;
  baseUrl: string;
  clock: () => number;
}): FastifyPluginAsync {
  const { organisations, authenticate, registration, conformance, baseUrl, clock } = deps;
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(
      ['application/fhir+json', 'application/json'],
      { parseAs: 'buffer' },
      (_request, body, done) => done(null, body),
    );
    app.post('/api/import', { bodyLimit: LIMITS.bundleBytes }, async (request) => {
      const caller = await authenticate(request);
      if (!isAdministrator(caller)) throw reject('ADMINISTRATOR_ONLY');
      const { vault } = organisationOf(organisations, caller.custodian);
      return importBundle(request.body as Uint8Array, {
        vault,
        conformance,
        registration,
        baseUrl: `${baseUrl}/fhir`,
        clock,
      });
    });
  };
}
