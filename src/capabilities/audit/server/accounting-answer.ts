import type { FastifyReply, FastifyRequest } from 'fastify';
import { dateInterval } from '../../../fhir/search/date-interval.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { accountingReport } from './accounting-report.ts';
import { ACCOUNTING_PAGE_POLICY, accountingCsv, accountingPage } from './accounting-text.ts';
import type { ConsentOf } from './event-names.ts';
import { reject } from './reject-audit.ts';

/** Answers with the accounting of a patient as a report; the route has decided who may ask. */
export type AnswerAccounting = (
  organisation: OrganisationContext,
  patient: { readonly id: string; readonly account: string },
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

/** `?start=&end=&format=`: `json`, `csv` or `html`, to be printed. Throws AUDIT_PARAMETER_INVALID {parameter}. */
export function createAccountingAnswer(consentOf: ConsentOf): AnswerAccounting {
  return async (organisation, patient, request, reply) => {
    const { start, end, format = 'json' } = request.query as Readonly<Record<string, unknown>>;
    if (format !== 'json' && format !== 'csv' && format !== 'html')
      throw reject('AUDIT_PARAMETER_INVALID', { parameter: 'format' });
    const span = { fromMs: boundOf('start', start)?.low, untilMs: boundOf('end', end)?.high };
    const report = await accountingReport(organisation, patient, span, consentOf);
    if (format === 'json') return reply.send(report);
    if (format === 'html') {
      reply.header('content-security-policy', ACCOUNTING_PAGE_POLICY);
      return reply.type('text/html; charset=utf-8').send(accountingPage(report));
    }
    reply.header('content-disposition', 'attachment; filename="accounting.csv"');
    return reply.type('text/csv; charset=utf-8').send(accountingCsv(report));
  };
}

function boundOf(parameter: string, text: unknown): { readonly low: number; readonly high: number } | undefined {
  if (text === undefined) return undefined;
  const interval = typeof text === 'string' && text.length <= 40 ? dateInterval(text) : undefined;
  if (interval === undefined) throw reject('AUDIT_PARAMETER_INVALID', { parameter });
  return interval;
}
