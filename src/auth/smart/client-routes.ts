import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import { type Caller, isAdministrator, isStaff } from '../caller.ts';
import type { DocumentStore } from '../documents.ts';
import type { ClientRegistration, ClientRegistry } from './client-registry.ts';
import { CODES } from './codes.ts';
import { prepareLaunch } from './launch-context.ts';
import type { PatientDirectory } from './ports.ts';

const reject = rejecter(CODES);

const FhirId = Type.String({ pattern: '^[A-Za-z0-9.-]{1,64}$' });
const LaunchBody = Type.Object(
  {
    client_id: Type.String({ minLength: 1, maxLength: 128 }),
    patient: Type.Optional(FhirId),
    encounter: Type.Optional(FhirId),
    fhirContext: Type.Optional(
      Type.Array(
        Type.Object(
          {
            reference: Type.Optional(Type.String({ maxLength: 256 })),
            canonical: Type.Optional(Type.String({ maxLength: 1024 })),
            role: Type.Optional(Type.String({ maxLength: 1024 })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 16 },
      ),
    ),
    intent: Type.Optional(Type.String({ maxLength: 64 })),
    needPatientBanner: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** Administrators register clients; an EHR, or a practitioner, prepares launches. */
export function clientRoutes(
  app: FastifyInstance,
  options: {
    clients: ClientRegistry;
    stores: readonly DocumentStore[];
    patients: PatientDirectory;
    authenticate: (request: FastifyRequest) => Promise<Caller>;
    fhirUrl: string;
    clock: () => number;
    rotateKeys: () => Promise<void>;
    /** Throws a Reject when the organisation's rules do not let that address be asked for keys. */
    requireReachable: (custodian: string, url: string) => Promise<void>;
  },
): void {
  const { clients, stores, patients, authenticate, fhirUrl, clock, rotateKeys, requireReachable } = options;

  async function administrator(request: FastifyRequest): Promise<Caller> {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw reject('NOT_ADMINISTRATOR');
    return caller;
  }

  app.get('/api/clients', async (request) => {
    const { custodian } = await administrator(request);
    return { clients: clients.list(custodian).map(withoutSecret) };
  });
  app.post('/api/clients', async (request, reply) => {
    const { custodian } = await administrator(request);
    const keys = (request.body as { jwks_uri?: unknown } | null)?.jwks_uri;
    if (typeof keys === 'string' && keys.length <= 1024) await requireReachable(custodian, keys);
    const registered = await clients.register(custodian, request.body);
    request.log.info({ client: registered.client_id }, 'client registered');
    return reply.code(201).send(registered);
  });
  app.delete<{ Params: { id: string } }>('/api/clients/:id', async (request, reply) => {
    const { custodian } = await administrator(request);
    await clients.remove(custodian, request.params.id);
    request.log.info({ client: request.params.id }, 'client removed');
    return reply.code(204).send();
  });
  app.post('/api/clients/keys/rotate', async (request, reply) => {
    await administrator(request);
    await rotateKeys();
    return reply.code(204).send();
  });

  app.post('/api/launches', async (request, reply) => {
    const caller = await authenticate(request);
    const body: unknown = request.body;
    if (!isStaff(caller) || !Value.Check(LaunchBody, body)) throw reject('LAUNCH_INVALID');
    const client = clients.client(body.client_id);
    const store = stores.find(({ custodian }) => custodian === caller.custodian);
    if (client?.custodian !== caller.custodian || store === undefined) throw reject('LAUNCH_INVALID');
    const patient = body.patient === undefined ? undefined : await patients.find(caller, body.patient);
    if (body.patient !== undefined && patient === undefined) throw reject('LAUNCH_INVALID');
    const { client_id: clientId, encounter, fhirContext, intent, needPatientBanner } = body;
    const launch = await prepareLaunch(
      store,
      {
        clientId,
        // What a practitioner's EHR prepares is for that practitioner; a system's, for whoever signs in.
        ...(caller.kind === 'practitioner' ? { account: caller.account } : {}),
        context: {
          ...(patient === undefined ? {} : { patient: { id: patient.id, account: patient.account } }),
          ...(encounter === undefined ? {} : { encounter }),
          ...(fhirContext === undefined ? {} : { fhirContext: fhirContext as object[] }),
          ...(intent === undefined ? {} : { intent }),
          ...(needPatientBanner === undefined ? {} : { needPatientBanner }),
        },
      },
      clock(),
    );
    const url = client.launch_uri === undefined ? undefined : new URL(client.launch_uri);
    url?.searchParams.set('iss', fhirUrl);
    url?.searchParams.set('launch', launch);
    return reply.code(201).send({ launch, ...(url === undefined ? {} : { url: url.href }) });
  });
}

function withoutSecret({ client_secret: _secret, ...rest }: ClientRegistration): object {
  return rest;
}
