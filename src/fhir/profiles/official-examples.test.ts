import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { LIMITS } from '../limits.ts';
import { openTerminology } from '../packages/package-terminology.ts';
import { packageValidator } from '../packages/package-validator.ts';

const folder = fileURLToPath(new URL('../../../node_modules/hl7.fhir.r4.examples', import.meta.url));

const MISSING = 'required: Required element is missing';
const EMPTY = 'security: The narrative is empty';
const TARGET = 'structure: Refers to a type that this element does not take';

/**
 * Official examples that break R4's own rules, each checked by hand: file → what is wrong (once, however often), and
 * where first.
 */
const REFUSED: Readonly<Record<string, readonly [issue: string, path: string]>> = {
  // txt-2: a div with nothing but space.
  'ActivityDefinition-blood-tubes-supply.json': [EMPTY, 'ActivityDefinition.text.div'],
  'ActivityDefinition-heart-valve-replacement.json': [EMPTY, 'ActivityDefinition.text.div'],
  'EventDefinition-example.json': [EMPTY, 'EventDefinition.text.div'],
  'Questionnaire-zika-virus-exposure-assessment.json': [EMPTY, 'Questionnaire.text.div'],
  // Parameters of media types with a space and without quotes.
  'Bundle-b0a5e4277-83c4-4adb-87e2-e3efe3369b6f.json': [
    'code-invalid: Not a code of http://hl7.org/fhir/ValueSet/mimetypes (required)',
    'Bundle.entry[8].resource.payloadMimeType[0]',
  ],
  // Four codes of table 0550 end in a no-break space.
  'Bundle-v2-valuesets.json': ['value: Not written as R4 asks of type code', 'CodeSystem.concept[74].code'],
  'CodeSystem-v2-0550.json': ['value: Not written as R4 asks of type code', 'CodeSystem.concept[74].code'],
  // A DeviceMetric's parent is a Device, a reason is no Procedure, a dispenser is an Organization, an Encounter performs nothing.
  'DeviceMetric-example.json': [TARGET, 'DeviceMetric.parent.reference'],
  'DeviceUseStatement-example.json': [TARGET, 'DeviceUseStatement.reasonReference[0].reference'],
  'MedicationRequest-medrx0301.json': [TARGET, 'MedicationRequest.dispenseRequest.performer.reference'],
  'Observation-clinical-gender.json': [TARGET, 'Observation.performer[0].reference'],
  // No name and no status.
  'ImplementationGuide-fhir.json': [MISSING, 'ImplementationGuide.name'],
  'ig-r4.json': [MISSING, 'ImplementationGuide.name'],
  'Questionnaire-qs1.json': [MISSING, 'Questionnaire.item[0].item[0].linkId'],
  ...Object.fromEntries(
    ['author', 'effective', 'end', 'keyword', 'workflow'].flatMap((name) => [
      [`SearchParameter-codesystem-extensions-CodeSystem-${name}.json`, [MISSING, 'SearchParameter.base']],
      [`SearchParameter-valueset-extensions-ValueSet-${name}.json`, [MISSING, 'SearchParameter.base']],
    ]),
  ),
  // 67 characters.
  'SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json': [
    'value: Not written as R4 asks of type id',
    'SearchParameter.id',
  ],
  // Patterns that are not abstract and stand on nothing.
  'StructureDefinition-Definition.json': ['invariant: sdf-4: the rule does not hold', 'StructureDefinition'],
  'StructureDefinition-Event.json': ['invariant: sdf-4: the rule does not hold', 'StructureDefinition'],
  'StructureDefinition-FiveWs.json': ['invariant: sdf-4: the rule does not hold', 'StructureDefinition'],
  'StructureDefinition-Request.json': ['invariant: sdf-4: the rule does not hold', 'StructureDefinition'],
};

type Json = Readonly<Record<string, unknown>>;

/** A Bundle that is larger than a resource may be is taken apart, as an import does. */
function resourcesOf(resource: Json, chars: number): readonly Json[] {
  if (resource.resourceType !== 'Bundle' || chars <= LIMITS.resourceBytes) return [resource];
  return (resource.entry as readonly { readonly resource: Json }[]).map((entry) => entry.resource);
}

const isLong = process.env.ACESO_LONG !== undefined;

test('the official R4 examples are accepted, or refused for what is wrong with them', async () => {
  const validator = packageValidator(await loadDefinitions(), [], openTerminology([]));
  const all = readdirSync(folder).filter(
    (file) => file.endsWith('.json') && file !== 'package.json' && file !== '.index.json',
  );
  assert.ok(all.length >= 5306, String(all.length));
  const chosen = isLong
    ? all
    : all.filter((file, at) => (at % 12 === 0 || file in REFUSED) && statSync(join(folder, file)).size < 500_000);
  const found: Record<string, readonly [string, string]> = {};
  for (const file of chosen) {
    const text = readFileSync(join(folder, file), 'utf8');
    const issues = resourcesOf(JSON.parse(text), text.length).flatMap((resource) => validator.validate(resource));
    const errors = issues.filter(({ severity }) => severity === 'error');
    const [first] = errors;
    if (first === undefined) continue;
    assert.equal(new Set(errors.map(({ code, text }) => code + text)).size, 1, `${file}: ${JSON.stringify(errors)}`);
    found[file] = [`${first.code}: ${first.text}`, first.path];
  }
  const expected = Object.fromEntries(Object.entries(REFUSED).filter(([file]) => chosen.includes(file)));
  for (const file of chosen) assert.deepEqual([file, found[file]], [file, expected[file]]);
});
