import type { FastifyPluginAsync } from 'fastify';
import { isAdministrator } from '../auth/caller.ts';
import type { LiveConformance } from '../fhir/conformance.ts';
import { addPackage, listPackages, removePackage } from '../fhir/packages/package-answers.ts';
import type { PackageStore } from '../fhir/packages/package-store.ts';
import { PACKAGE_LIMITS } from '../fhir/packages/read-package.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { IndexKeeper } from './keep-index.ts';

const reject = rejecter(CODES);

/** `/api/packages`: FHIR packages of the node, for administrators. What is added holds from the answer on. */
export function createPackagesPlugin(deps: {
  readonly packages: PackageStore;
  readonly conformance: LiveConformance;
  readonly index: IndexKeeper;
  readonly authenticate: Authenticate;
}): FastifyPluginAsync {
  const { packages, conformance, index, authenticate } = deps;

  /** New search parameters find what was written before once the index is made anew, beside requests. */
  async function changed(): Promise<number> {
    const refused = await conformance.refresh();
    index.keep().catch(() => undefined);
    return refused.length;
  }

  return async (app) => {
    app.addContentTypeParser('application/gzip', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    app.addHook('onRequest', async (request) => {
      if (!isAdministrator(await authenticate(request))) throw reject('ADMINISTRATOR_ONLY');
    });
    app.get('/api/packages', async () => listPackages(packages));
    app.post('/api/packages', { bodyLimit: PACKAGE_LIMITS.fileBytes }, async (request) => {
      const added = await addPackage(packages, request.body as Uint8Array);
      return { ...added, refusedSearchParameters: await changed() };
    });
    app.post('/api/packages/remove', async (request) => {
      const removed = await removePackage(packages, request.body);
      await changed();
      return removed;
    });
  };
}
