import { hirePractitioner } from '../capabilities/membership/server/hire-practitioner.ts';
import type { SeedReport } from '../cli/node-starter.ts';
import type { Conformance } from '../fhir/conformance.ts';
import { importBundle } from '../fhir/import-bundle.ts';
import type { RegistrationPort } from '../fhir/ports.ts';
import { CODES as LEDGER_CODES } from '../ledger/codes.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { utf8 } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { DEMO_AS_OF, DEMO_PATIENTS_EACH } from './demo-network.ts';
import { DEMO_STAFF } from './demo-staff.ts';

const rejectLedger = rejecter(LEDGER_CODES);

/** How long a new validator waits for the others before it is filled. */
const MOVING_WAIT_MS = 60_000;
const TOKEN_DAYS = 365;

const MARK_KIND = 'node';
const MARK_ID = 'seed';

export interface SeedOptions {
  organisations: readonly OrganisationContext[];
  registration: RegistrationPort;
  conformance: Conformance;
  baseUrl: string;
  clock: () => number;
  progress(step: string, done: number, total: number): void;
}

/**
 * Fills a new node for trying it out, once. The mark is written last, so a first start that was cut short is made good
 * by the next; a node that was first used otherwise is marked as it is and never filled.
 */
export async function seedOnce(options: SeedOptions, isWanted: boolean): Promise<SeedReport | undefined> {
  const vault = options.organisations[0]?.vault;
  if (vault === undefined || (await vault.getDocument(MARK_KIND, MARK_ID)) !== undefined) return undefined;
  if (isWanted) await untilMoving(options);
  const report = isWanted ? await seedNode(options) : undefined;
  await vault.putDocument(MARK_KIND, MARK_ID, utf8(isWanted ? 'seeded' : 'empty'));
  return report;
}

/** Accounts are opened on the ledger. Throws LEDGER_NO_QUORUM {reason} when it does not move in time. */
async function untilMoving({ organisations, progress }: SeedOptions): Promise<void> {
  const ledger = organisations[0]?.ledger;
  const untilMs = performance.now() + MOVING_WAIT_MS;
  while (ledger !== undefined && ledger.health().status !== 'ok') {
    const { status, reason = status } = ledger.health();
    if (performance.now() > untilMs) throw rejectLedger('LEDGER_NO_QUORUM', { reason });
    progress('waiting for the other validators', 0, 1);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Synthetic patients at each provider, and staff with tokens. Importing what is there already changes nothing. */
async function seedNode(options: SeedOptions): Promise<SeedReport> {
  const { organisations } = options;
  const report: { slug: string; name: string; patients: number; resources: number }[] = [];
  for (const organisation of organisations) report.push(await seedPatients(options, organisation));
  const accounts: SeedReport['accounts'][number][] = [];
  for (const { slug, ...staff } of DEMO_STAFF) {
    const organisation = organisations.find((one) => one.slug === slug);
    if (organisation === undefined) continue;
    const { token } = await hirePractitioner(organisation, { ...staff, days: TOKEN_DAYS });
    accounts.push({ label: `${staff.label}, ${organisation.name}`, organisation: slug, token });
  }
  return { organisations: report, accounts };
}

async function seedPatients(options: SeedOptions, organisation: OrganisationContext) {
  const { slug, name, vault } = organisation;
  const count = DEMO_STAFF.some((one) => one.slug === slug && one.purposes.includes('TREAT')) ? DEMO_PATIENTS_EACH : 0;
  const { registration, conformance, baseUrl, clock } = options;
  const importing = { vault, conformance, registration, baseUrl: `${baseUrl}/fhir`, clock };
  // Asked for once in a node's life.
  const { generatePatients } = await import('../synthetic/generate.ts');
  const { bundleToText } = await import('../synthetic/written-number.ts');
  let [done, resources] = [0, 0];
  const bundles = generatePatients({ seed: slug, count, asOf: DEMO_AS_OF, organisation: { seed: slug, name } });
  for (const bundle of bundles) {
    const { created } = await importBundle(utf8(bundleToText(bundle)), importing);
    resources += created;
    options.progress(`synthetic patients of ${name}`, ++done, count);
  }
  return { slug, name, patients: count, resources };
}
