import type { FastifyPluginAsync } from 'fastify';
import { dateInterval } from '../../../fhir/search/date-interval.ts';
import { organisationOf } from '../../../server/organisation.ts';
import { msToInstant } from '../../../std/instant.ts';
import { anomaliesOf } from './anomaly-query.ts';
import type { AuditDependencies } from './audit-dependencies.ts';
import { auditView } from './audit-view.ts';
import { reject } from './reject-audit.ts';

const WEEK_MS = 7 * 86_400_000;

/** `GET /api/audit/anomalies?start=&end=`: for the privacy officer, of the last week where no days are named. */
export function createAnomalyPlugin(deps: AuditDependencies): FastifyPluginAsync {
  const { organisations, authenticate, isPrivacyOfficer, look } = deps;
  return async (app) => {
    app.get<{ Querystring: { start?: unknown; end?: unknown } }>('/api/audit/anomalies', async (request) => {
      const caller = await authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const view = auditView(organisation, caller, isPrivacyOfficer, 's', undefined);
      if (view.of !== 'all') throw reject('AUDIT_OFFICER_ONLY');
      const { start, end } = request.query;
      const nowMs = organisation.clock();
      const untilMs = end === undefined ? nowMs : boundOf('end', end).high;
      const fromMs = start === undefined ? Math.min(untilMs, nowMs) - WEEK_MS : boundOf('start', start).low;
      if (fromMs > untilMs) throw reject('AUDIT_PARAMETER_INVALID', { parameter: 'start' });
      const asked = { interaction: '$anomalies', request: String(request.id).slice(0, 128), query: 'AuditEvent' };
      await look(organisation, caller, {
        ...{ account: organisation.account, rule: view.rule, asked },
        question: `${String(start)} ${String(end)}`,
      });
      const report = await anomaliesOf(organisation, { fromMs, untilMs });
      return {
        start: msToInstant(report.fromMs),
        end: msToInstant(report.untilMs),
        entries: report.entries,
        isWhole: report.isWhole,
        anomalies: report.anomalies.map(({ firstMs, lastMs, ...one }) => ({
          ...one,
          first: msToInstant(firstMs),
          last: msToInstant(lastMs),
        })),
      };
    });
  };
}

function boundOf(parameter: string, text: unknown): { readonly low: number; readonly high: number } {
  const interval = typeof text === 'string' && text.length <= 40 ? dateInterval(text) : undefined;
  if (interval === undefined) throw reject('AUDIT_PARAMETER_INVALID', { parameter });
  return interval;
}
