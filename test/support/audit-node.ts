import type { TestContext } from 'node:test';
import type { AuditEvent, Bundle } from '@medplum/fhirtypes';
import { issueToken, type TokenRecord } from '../../src/auth/tokens.ts';
import { PRIVACY_OFFICER } from '../../src/capabilities/access/server/access-server.ts';
import { registerPractitioner } from '../../src/capabilities/membership/server/registration.ts';
import { r4Conformance } from '../../src/fhir/conformance.ts';
import type { FhirServer } from '../../src/fhir/context.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { LIMITS } from '../../src/fhir/limits.ts';
import { logFailure } from '../../src/fhir/log-failure.ts';
import { createFhirOperations } from '../../src/fhir/operations/fhir-operations.ts';
import { createFhirPlugin } from '../../src/fhir/plugin.ts';
import { createAuthenticate } from '../../src/server/authenticate.ts';
import { createHospitalNode, type HospitalNode, PATIENT } from './hospital-node.ts';

/** The other patient of an audited node. */
export const OTHER = 'pat-2';

const DOCTOR = 'http://snomed.info/sct|309343006';

export interface AuditNode extends HospitalNode {
  /** Accounts of the two patients and of the physician who reads. */
  readonly accounts: { readonly patient: string; readonly other: string; readonly doctor: string };
  readonly users: Readonly<Record<'doctor' | 'officer' | 'patient' | 'other' | 'visitor', string>>;
  send(user: string, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Events that a search under /audit answers with, all pages of it. */
  events(user: string, query: string): Promise<readonly AuditEvent[]>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** A hospital with its FHIR service, two patients who have claimed tokens, a physician, a privacy officer, and a visitor. */
export async function createAuditNode(t: TestContext): Promise<AuditNode> {
  const node = await createHospitalNode(t);
  const { hospital, clinic, floors, app } = node;
  const conformance = r4Conformance(await loadDefinitions());
  const server: FhirServer = {
    ...{ ...conformance, access: floors.access, registration: floors.registration, limits: LIMITS },
    ...{ clock: hospital.clock, baseUrl: 'http://127.0.0.1:0/fhir' },
    reportFailure: (error) => logFailure(app.log, error),
  };
  await app.register(
    createFhirPlugin({
      vaultOf: (custodian) => (custodian === hospital.account ? hospital.vault : clinic.vault),
      server: () => server,
      authenticate: createAuthenticate([hospital.vault, clinic.vault], hospital.clock),
      operations: [...createFhirOperations(conformance), ...floors.operations],
    }),
    { prefix: '/fhir' },
  );
  const send: AuditNode['send'] = async (user, method, path, body, headers = {}) => {
    const response = await app.inject({
      ...{ method: method as 'GET', url: path },
      headers: {
        authorization: `Bearer ${user}`,
        ...(body === undefined ? {} : { 'content-type': 'application/fhir+json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
    const text = response.payload;
    const json = /^[{[]/.test(text) ? JSON.parse(text) : undefined;
    return { status: response.statusCode, text, headers: response.headers, json };
  };
  await send(node.tokens.physician, 'PUT', `/fhir/Patient/${OTHER}`, { resourceType: 'Patient', id: OTHER });
  const [patient, other] = await Promise.all([PATIENT, OTHER].map((id) => hospital.vault.accountOf('Patient', id)));
  const doctor = await registerPractitioner(hospital, { roleCodes: [DOCTOR] });
  const issue = (account: string, more: Partial<TokenRecord>) =>
    issueToken(hospital.vault, {
      ...{ account, kind: 'practitioner', organisation: hospital.account, roles: [DOCTOR], label: 'test' },
      ...{ purposes: ['TREAT', 'HRESCH'], expiresAtMs: hospital.clock() + 86_400_000, ...more },
    });
  const own = { kind: 'patient', roles: [], purposes: ['PATRQT'] } as const;
  const users = {
    doctor: await issue(doctor, {}),
    officer: await issue('f'.repeat(32), { roles: [PRIVACY_OFFICER], purposes: ['HOPERAT'] }),
    patient: await issue(patient as string, own),
    other: await issue(other as string, own),
    visitor: await issue('e'.repeat(32), { organisation: clinic.account }),
  };
  const events: AuditNode['events'] = async (user, query) => {
    const found: AuditEvent[] = [];
    for (let path: string | undefined = `/audit/AuditEvent?${query}`; path !== undefined; ) {
      const { status, json, text } = await send(user, 'GET', path);
      if (status !== 200) throw new Error(text);
      const page = json as Bundle<AuditEvent>;
      for (const { resource } of page.entry ?? []) if (resource !== undefined) found.push(resource);
      path = page.link?.find(({ relation }) => relation === 'next')?.url.replace(/^http:\/\/[^/]+/, '');
    }
    return found;
  };
  const accounts = { patient: patient as string, other: other as string, doctor };
  return { ...node, accounts, users, send, events };
}
