import type { FastifyPluginAsync } from 'fastify';
import { createAnomalyPlugin } from './anomaly-plugin.ts';
import type { AuditDependencies } from './audit-dependencies.ts';
import { createAuditPlugin } from './audit-plugin.ts';

/** The audit record repository and its list of anomalies: nothing is kept here, all is rendered from the journal. */
export function createAuditServer(deps: AuditDependencies): { readonly plugin: FastifyPluginAsync } {
  return {
    plugin: async (app) => {
      await app.register(createAuditPlugin(deps));
      await app.register(createAnomalyPlugin(deps));
    },
  };
}
