import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Coding, Consent, Observation } from '@medplum/fhirtypes';
import { type FshInstance, readFsh } from '../../../../test/support/fsh.ts';
import { type DecisionRequest, decide } from '../contract/decide.ts';
import type { VersionFacts } from '../contract/match.ts';
import { type Policy, policyFault } from '../contract/policy.ts';
import { tag } from '../contract/tags.ts';
import { consentToPolicy } from './consent-to-policy.ts';

const FOLDER = new URL('../../../../../shared/data/ihe-pcf/', import.meta.url);
const skip = existsSync(FOLDER) ? false : 'needs ../shared/data/ihe-pcf';

const TAG_KEY = new Uint8Array(32).fill(7);
const PATIENT = 'a'.repeat(32);
const HOSPITAL = 'b'.repeat(32);
const RESEARCHER = 'c'.repeat(32);
const STUDY = tag(TAG_KEY, 'purpose', 'http://example.org/policies/purposeOfUse|FooBar');
const DAY = 86_400_000;
const IN_2022 = Date.UTC(2022, 5, 15);

function instances(): ReadonlyMap<string, FshInstance> {
  const files = ['Aliases.fsh', 'consent.fsh', 'ex-sensitive.fsh', 'ex-patient.fsh'];
  return readFsh(files.map((name) => readFileSync(new URL(name, FOLDER), 'utf8')));
}

/** A policy of an example, as it would stand on the ledger. */
function policyOf(consent: Consent): Policy {
  let drawn = 0;
  const content = consentToPolicy(consent, {
    tagKey: TAG_KEY,
    randomBytes: (length) => new Uint8Array(length).map((_, i) => (++drawn * 31 + i * 7) % 256),
    memberOf: (reference) => (reference === 'Organization/ex-org-researcher' ? RESEARCHER : undefined),
  });
  return { ...content, id: 'd'.repeat(64), status: 'active', grantor: PATIENT, sequence: 1 };
}

const SENSITIVITY = [
  'http://terminology.hl7.org/CodeSystem/v3-Confidentiality',
  'http://terminology.hl7.org/CodeSystem/v3-ActCode',
];

/** What the custodian knows of an example Observation: HTEST marks test data and is no sensitivity label. */
function factsOf(resource: Observation): VersionFacts {
  const isLabel = ({ system }: Coding) => SENSITIVITY.includes(system ?? '');
  const label = ({ system, code }: Coding) => tag(TAG_KEY, 'label', `${system}|${code}`);
  const found = resource as unknown as Observation & { readonly id: string };
  const authored = found.effectiveDateTime;
  return {
    categoryTags: [],
    labelTags: (found.meta?.security ?? []).filter(isLabel).map(label),
    dataTags: [
      tag(TAG_KEY, 'instance', `Observation/${found.id}`),
      tag(TAG_KEY, 'related', found.encounter?.reference ?? ''),
      ...(found.performer ?? []).map(({ reference = '' }) => tag(TAG_KEY, 'author', reference)),
    ],
    ...(authored === undefined ? {} : { authoredMs: Date.parse(authored) }),
  };
}

const OTHERS: Readonly<Record<string, VersionFacts>> = {
  /** By the practitioner whom the examples name, in another encounter, never labelled. */
  unlabelled: {
    categoryTags: [],
    labelTags: [],
    dataTags: [tag(TAG_KEY, 'related', 'Encounter/other'), tag(TAG_KEY, 'author', 'Practitioner/ex-practitioner')],
    authoredMs: Date.UTC(2022, 11, 31, 23, 59),
  },
  /** Restricted, and nothing more is known of it. */
  restricted: {
    categoryTags: [],
    labelTags: [tag(TAG_KEY, 'label', 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R')],
    dataTags: [],
    authoredMs: Date.UTC(2023, 0, 1),
  },
};

const BY_PRACTITIONER = { actorTags: [tag(TAG_KEY, 'actor', 'Practitioner/ex-practitioner')] };
const BY_PRIVILEGED = { actorTags: [tag(TAG_KEY, 'actor', 'Group/ex-privilegedUsers')] };
const ROOT = `${'d'.repeat(64)}#0`;
const FIRST = `${'d'.repeat(64)}#1`;
const SAME_SENSE = `${'d'.repeat(64)}#CONSENT_EXCEPTION_SAME_SENSE`;
const NONE = 'default:no-permit';

interface Row {
  readonly consent: string;
  readonly purpose: string;
  readonly version?: string;
  readonly asker?: Partial<Pick<DecisionRequest, 'actorTags' | 'organisation' | 'purposeTags' | 'atMs'>>;
  readonly expected: 'permit' | 'deny';
  readonly rule: string;
}

function row(consent: string, purpose: string, expected: Row['expected'], rule: string, more: Partial<Row> = {}): Row {
  return { consent, purpose, expected, rule, ...more };
}

function tpo(consent: string): readonly Row[] {
  return [
    ...['TREAT', 'HPAYMT', 'HOPERAT', 'ETREAT'].map((purpose) => row(consent, purpose, 'permit', ROOT)),
    ...['HRESCH', 'HMARKT', 'PUBHLTH', 'BTG'].map((purpose) => row(consent, purpose, 'deny', NONE)),
  ];
}

function treat(
  consent: string,
  versions: Readonly<Record<string, readonly [Row['expected'], string]>>,
): readonly Row[] {
  return Object.entries(versions).map(([version, [expected, rule]]) =>
    row(consent, 'TREAT', expected, rule, { version }),
  );
}

const PERMIT = ['permit', ROOT] as const;
const SILENT = ['deny', NONE] as const;
const EXCEPTED = ['deny', FIRST] as const;

const ROWS: readonly Row[] = [
  ...['ex-consent-basic-treat', 'ex-consent-basic-treat-infant', 'ex-consent-basic-ink'].flatMap(tpo),
  row('ex-consent-expired-treat', 'TREAT', 'permit', ROOT),
  row('ex-consent-expired-treat', 'TREAT', 'permit', ROOT, { asker: { atMs: Date.UTC(2023, 0, 1) - 1 } }),
  row('ex-consent-expired-treat', 'TREAT', 'deny', NONE, { asker: { atMs: Date.UTC(2023, 0, 1) } }),
  row('ex-consent-expired-treat', 'TREAT', 'deny', NONE, { asker: { atMs: Date.UTC(2026, 0, 1) } }),
  row('ex-consent-basic-reject', 'TREAT', 'deny', ROOT),
  row('ex-consent-basic-reject', 'HPAYMT', 'deny', ROOT),
  row('ex-consent-basic-reject', 'HRESCH', 'deny', NONE),
  row('ex-consent-basic-research', 'HRESCH', 'permit', ROOT),
  // "a Permit on this top level concept is a Permit on all sub concepts"
  row('ex-consent-basic-research', 'CLINTRCH', 'permit', ROOT),
  row('ex-consent-basic-research', 'TREAT', 'deny', NONE),
  ...treat('ex-consent-intermediate-timeframe', {
    'ex-alcoholUse': PERMIT,
    'ex-bloodSugar': SILENT,
    'ex-weight-2': SILENT,
    unlabelled: PERMIT,
    restricted: SILENT,
  }),
  row('ex-consent-intermediate-timeframe', 'HRESCH', 'deny', NONE, { version: 'ex-alcoholUse' }),
  ...treat('ex-consent-intermediate-not-timeframe', {
    'ex-alcoholUse': EXCEPTED,
    'ex-bloodSugar': PERMIT,
    'ex-weight-2': PERMIT,
    unlabelled: EXCEPTED,
    restricted: PERMIT,
  }),
  ...treat('ex-consent-intermediate-authoredby', { 'ex-alcoholUse': SILENT, 'ex-weight': SILENT, unlabelled: PERMIT }),
  ...treat('ex-consent-intermediate-not-authoredby', {
    'ex-alcoholUse': PERMIT,
    'ex-weight': PERMIT,
    unlabelled: EXCEPTED,
  }),
  ...treat('ex-consent-intermediate-encounter', {
    'ex-alcoholUse': PERMIT,
    'ex-weight-2': PERMIT,
    unlabelled: SILENT,
    restricted: SILENT,
  }),
  ...treat('ex-consent-intermediate-not-encounter', {
    'ex-alcoholUse': EXCEPTED,
    unlabelled: PERMIT,
    restricted: PERMIT,
  }),
  ...treat('ex-consent-intermediate-data', {
    'ex-alcoholUse': PERMIT,
    'ex-bloodSugar': PERMIT,
    'ex-bloodPressure': PERMIT,
    'ex-weight': PERMIT,
    'ex-weight-2': PERMIT,
    unlabelled: SILENT,
    restricted: SILENT,
  }),
  ...treat('ex-consent-intermediate-not-data', {
    'ex-alcoholUse': EXCEPTED,
    'ex-bloodSugar': PERMIT,
    unlabelled: PERMIT,
  }),
  row('ex-consent-intermediate-purpose', 'HRESCH', 'permit', ROOT, {
    asker: { organisation: RESEARCHER, purposeTags: [STUDY] },
  }),
  row('ex-consent-intermediate-purpose', 'HRESCH', 'deny', NONE, { asker: { organisation: RESEARCHER } }),
  row('ex-consent-intermediate-purpose', 'HRESCH', 'deny', NONE, {
    asker: { organisation: HOSPITAL, purposeTags: [STUDY] },
  }),
  row('ex-consent-intermediate-purpose', 'TREAT', 'deny', NONE, { asker: { organisation: RESEARCHER } }),
  row('ex-dissent-intermediate-break-glass', 'TREAT', 'deny', ROOT),
  row('ex-dissent-intermediate-break-glass', 'TREAT', 'deny', ROOT, { asker: BY_PRIVILEGED }),
  row('ex-dissent-intermediate-break-glass', 'BTG', 'permit', FIRST, { asker: BY_PRIVILEGED }),
  row('ex-dissent-intermediate-break-glass', 'BTG', 'deny', NONE, { asker: BY_PRACTITIONER }),
  ...treat('ex-consent-advanced-normal', {
    'ex-bloodSugar': PERMIT,
    'ex-alcoholUse': SILENT,
    restricted: SILENT,
    unlabelled: SILENT,
  }),
  // A permit by labels names them all: restricted is permitted, restricted for alcohol use (ETHUD) is not named.
  ...treat('ex-consent-advanced-normal-restricted', {
    'ex-bloodSugar': PERMIT,
    restricted: PERMIT,
    'ex-alcoholUse': SILENT,
  }),
  ...treat('ex-consent-advanced-normal-not-restricted', {
    'ex-bloodSugar': PERMIT,
    restricted: EXCEPTED,
    'ex-alcoholUse': EXCEPTED,
  }),
  // Permits nested in permits: no exceptions of the opposite type, so nothing is permitted and the reason is named.
  ...['focused-restricted', 'focused-psy', 'focused-psy-or-sdv', 'break-glass-restricted'].flatMap((name) => [
    row(`ex-consent-advanced-normal-${name}`, 'TREAT', 'deny', SAME_SENSE),
    row(`ex-consent-advanced-normal-${name}`, 'TREAT', 'deny', SAME_SENSE, {
      version: 'restricted',
      asker: BY_PRACTITIONER,
    }),
  ]),
];

test('each example Consent of IHE PCF decides as its profile implies', { skip }, () => {
  const all = instances();
  for (const { consent, purpose, version = 'ex-bloodSugar', asker, expected, rule } of ROWS) {
    const example = all.get(consent);
    assert.ok(example, `no example ${consent}`);
    const policy = policyOf(example.resource as unknown as Consent);
    assert.equal(policyFault(policy), undefined, consent);
    const facts = OTHERS[version] ?? factsOf({ ...all.get(version)?.resource, id: version } as unknown as Observation);
    const decision = decide([policy], {
      atMs: IN_2022,
      purpose,
      purposeTags: [],
      organisation: HOSPITAL,
      actorTags: [],
      relation: 'other',
      ...asker,
      versions: [facts],
    });
    assert.deepEqual([decision.decision, ...decision.rules], [expected, rule], `${consent} ${purpose} ${version}`);
  }
});

test('the table names every example Consent there is', { skip }, () => {
  const consents = [...instances().values()]
    .filter(({ instanceOf }) => /Consent$/.test(instanceOf))
    .map(({ id }) => id);
  assert.equal(consents.length, 23);
  assert.deepEqual([...new Set(ROWS.map(({ consent }) => consent))].sort(), consents.sort());
});

test('a rejection under the same policy text supersedes the permit before it', { skip }, () => {
  const all = instances();
  const [permit, deny] = ['ex-consent-basic-treat', 'ex-consent-basic-reject'].map((id) =>
    policyOf(all.get(id)?.resource as unknown as Consent),
  );
  assert.ok(permit && deny);
  assert.equal(permit.scope, deny.scope);
  const request = {
    atMs: IN_2022 + DAY,
    purpose: 'TREAT',
    purposeTags: [],
    organisation: HOSPITAL,
    actorTags: [],
    relation: 'other',
    scope: {},
  } as const;
  const later = { ...deny, id: 'e'.repeat(64), sequence: 2 };
  assert.deepEqual(decide([permit, later], request).rules, [`${later.id}#0`]);
  const again = { ...permit, id: 'f'.repeat(64), sequence: 3 };
  assert.deepEqual(decide([permit, later, again], request).rules, [`${again.id}#0`]);
});
