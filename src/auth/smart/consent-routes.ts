import type { FastifyInstance, FastifyReply } from 'fastify';
import { createExclusive } from '../../jobs/exclusive.ts';
import { rejecter } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import { parseResourceScope } from '../scopes.ts';
import type { Person } from '../sign-in/sign-in.ts';
import type { ClientRegistration } from './client-registry.ts';
import { CODES } from './codes.ts';
import {
  formOf,
  formTargets,
  type InteractionOptions,
  type InteractionSteps,
  type Step,
  sendPage,
} from './interaction-step.ts';
import { endLaunch, findLaunch, type LaunchContext } from './launch-context.ts';
import { isOwnPage } from './own-page.ts';
import { consentPage, type PatientChoice } from './pages.ts';
import { mayAddPasskey } from './passkey-addition.ts';
import { callerOfPerson } from './ports.ts';
import { LAUNCH_SCOPES } from './registered-scopes.ts';
import { subjectOf } from './subject.ts';

const reject = rejecter(CODES);

/** A grant lives as long as its refresh tokens may. */
const GRANT_MS = 90 * 86_400_000;

/** Shows the page of consent, with patients of the name that was searched. */
export type ShowConsent = (
  reply: FastifyReply,
  step: Step,
  search: string | undefined,
  fault?: string,
) => Promise<FastifyReply>;

/** What an app may do, and for which patient, as a person says it. Returns what shows the page. */
export function consentRoutes(
  app: FastifyInstance,
  { provider, stores, patients, allowed, nameOf, clock, fhirUrl, base }: InteractionOptions,
  { stepOf, personOf, isProofFresh, finish }: InteractionSteps,
): ShowConsent {
  // Two who come with one launch at once must not both find it.
  const inTurn = createExclusive();

  async function showConsent(
    reply: FastifyReply,
    step: Step,
    search: string | undefined,
    fault?: string,
  ): Promise<FastifyReply> {
    const { interaction, client, scopes } = step;
    const person = await personOf(step);
    const fixed = await fixedPatient(step, person);
    const mustChoose = fixed === undefined && needsPatient(step);
    const name = typeof search === 'string' ? search.slice(0, 64).trim() : '';
    const found = mustChoose && name !== '' ? await patients.search(callerOfPerson(person), name) : [];
    const canAddPasskey = await mayAddPasskey(await provider(), step, clock());
    const html = consentPage({
      ...{ uid: interaction.uid, base, appName: client.client_name, organisation: nameOf(client.custodian) },
      ...{ who: person.label, scopes, search: name },
      ...(mustChoose ? { patients: found } : {}),
      ...(fixed === undefined ? {} : { fixedPatient: fixed }),
      ...(fault === undefined ? {} : { fault }),
      canAddPasskey,
    });
    return sendPage(reply, html, formTargets(client), canAddPasskey);
  }

  /** Patients are in the context of themselves, and a launch says whom it is for; nobody chooses then. */
  async function fixedPatient(step: Step, person: Person): Promise<PatientChoice | undefined> {
    const launch = await launchOf(step, person);
    if (launch?.patient !== undefined) return patients.find(callerOfPerson(person), launch.patient.id);
    const { custodian } = step.client;
    return person.kind === 'patient' ? patients.ofAccount(custodian, person.account) : undefined;
  }

  async function launchOf(step: Step, person: Person): Promise<LaunchContext | undefined> {
    const handle = launchHandle(step);
    if (handle === undefined) return undefined;
    const by = { clientId: step.client.client_id, account: person.account, nowMs: clock() };
    return findLaunch(storeOf(step.client), handle, by);
  }

  /** Uses a launch up: once, however many come with it at a time. */
  function takeLaunch(step: Step, person: Person, handle: string): Promise<void> {
    return inTurn(async () => {
      if ((await launchOf(step, person)) === undefined) throw reject('LAUNCH_INVALID');
      await endLaunch(storeOf(step.client), handle);
    });
  }

  function storeOf({ custodian }: ClientRegistration): DocumentStore {
    const store = stores.find((one) => one.custodian === custodian);
    if (store === undefined) throw reject('SIGN_IN_EXPIRED');
    return store;
  }

  app.post('/interaction/:uid/consent', async (request, reply) => {
    const step = await stepOf(request, reply);
    const { interaction, client, asked, scopes } = step;
    if (interaction.prompt.name !== 'consent') throw reject('SIGN_IN_EXPIRED');
    const person = await personOf(step);
    if (isOwnPage(client)) throw reject('SIGN_IN_EXPIRED');
    // The page was open for too long: back to where the person proves who they are, with the app's request as it was.
    if (!(await isProofFresh(step))) return reply.redirect(await finish(request, reply, {}), 303);
    const form = formOf(request);
    const chosen = form.getAll('scope');
    const granted = scopes.filter((one) => chosen.includes(one) || isPartOfSigningIn(one));
    const context = await contextFor(step, person, form.get('patient') ?? undefined);
    if (context === undefined) return showConsent(reply.code(400), step, '', 'Choose a patient first.');
    const { Grant } = await provider();
    const grant = new Grant({ accountId: subjectOf(person), clientId: client.client_id });
    const isLaunch = (one: string) => LAUNCH_SCOPES.includes(one);
    grant.addOIDCScope(granted.filter(isLaunch).join(' '));
    grant.addResourceScope(fhirUrl, granted.join(' '));
    // What is neither granted nor refused would be asked for again.
    const refused = asked.filter((one) => !granted.includes(one));
    if (refused.length > 0) {
      grant.rejectOIDCScope(refused.filter(isLaunch).join(' '));
      grant.rejectResourceScope(fhirUrl, refused.join(' '));
    }
    const grantId = await grant.save();
    await allowed.add(person, grantId, {
      ...{ context, by: interaction.session?.acr ?? '', clientId: client.client_id, scopes: granted },
      ...{ sinceMs: clock(), expiresAtMs: clock() + GRANT_MS },
    });
    return reply.redirect(await finish(request, reply, { consent: { grantId } }), 303);
  });

  /** The launch's context, or that of the chosen patient; undefined when one is to be chosen and was not. */
  async function contextFor(
    step: Step,
    person: Person,
    patientId: string | undefined,
  ): Promise<LaunchContext | undefined> {
    const { client } = step;
    const caller = callerOfPerson(person);
    const handle = launchHandle(step);
    if (handle !== undefined) {
      const context = await launchOf(step, person);
      // Who prepared the launch saw the patient; that this user may too is asked here.
      const isVisible =
        context?.patient === undefined || (await patients.find(caller, context.patient.id)) !== undefined;
      if (context === undefined || !isVisible) throw reject('LAUNCH_INVALID');
      await takeLaunch(step, person, handle);
      return context;
    }
    if (person.kind === 'patient') {
      const own = await patients.ofAccount(client.custodian, person.account);
      return own === undefined ? {} : { patient: { id: own.id, account: person.account } };
    }
    if (!needsPatient(step)) return {};
    const found = patientId === undefined ? undefined : await patients.find(caller, patientId);
    return found === undefined ? undefined : { patient: { id: found.id, account: found.account } };
  }

  return showConsent;
}

function launchHandle({ interaction, scopes }: Step): string | undefined {
  const { launch } = interaction.params;
  return typeof launch === 'string' && scopes.includes('launch') ? launch : undefined;
}

/** `patient/` scopes mean nothing without a patient, whether the app asks for `launch/patient` or not. */
function needsPatient(step: Step): boolean {
  const { scopes } = step;
  if (launchHandle(step) !== undefined) return false;
  return scopes.some((one) => one === 'launch/patient' || parseResourceScope(one)?.context === 'patient');
}

function isPartOfSigningIn(scope: string): boolean {
  return LAUNCH_SCOPES.includes(scope) && scope !== 'offline_access' && scope !== 'online_access';
}
