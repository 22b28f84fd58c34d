import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { subset } from './subset.ts';

const definitions = await loadDefinitions();
const TAG =
  '{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"Resource encoded in summary mode"}';

test('_elements keeps what is named, what is mandatory, and the written form', () => {
  const text =
    '{"resourceType":"Observation","id":"a","meta":{"versionId":"1"},"status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10,"unit":"g"},"note":[{"text":"n"}],"component":[{"id":"c","code":{"text":"y"},"valueQuantity":{"value":2.0}}]}';
  const start = `{"resourceType":"Observation","id":"a","meta":{"versionId":"1","tag":[${TAG}]},"status":"final","code":{"text":"x"}`;
  assert.equal(subset(text, definitions, { elements: ['note'] }), `${start},"note":[{"text":"n"}]}`);
  assert.equal(
    subset(text, definitions, { elements: ['value'] }),
    `${start},"valueQuantity":{"value":1.10,"unit":"g"}}`,
  );
  assert.equal(
    subset(text, definitions, { elements: ['valueQuantity'] }),
    `${start},"valueQuantity":{"value":1.10,"unit":"g"}}`,
  );
  assert.equal(subset(text, definitions, { elements: ['valueString'] }), `${start}}`);
  assert.equal(subset(text, definitions, { elements: ['value.value'] }), `${start},"valueQuantity":{"value":1.10}}`);
  assert.equal(
    subset(text, definitions, { elements: ['component.value'] }),
    `${start},"component":[{"id":"c","code":{"text":"y"},"valueQuantity":{"value":2.0}}]}`,
  );
  assert.equal(subset(text, definitions, { elements: ['constructor', 'no.such'] }), `${start}}`);
  assert.equal(subset(text, definitions, { elements: ['note'], summary: 'data' }), `${start},"note":[{"text":"n"}]}`);
});

test('_summary=true keeps what R4 marks, in nested elements too', () => {
  const text =
    '{"resourceType":"Patient","id":"a","text":{"status":"empty"},"name":[{"given":["A"],"_given":[null]}],"_birthDate":{"id":"x"},"birthDate":"1970","contact":[{"gender":"male"}],"photo":[{"url":"u"}],"link":[{"other":{"reference":"Patient/b"},"type":"seealso"}],"extension":[{"url":"http://x"}]}';
  assert.equal(
    subset(text, definitions, { summary: 'true' }),
    `{"resourceType":"Patient","id":"a","meta":{"tag":[${TAG}]},"name":[{"given":["A"],"_given":[null]}],"_birthDate":{"id":"x"},"birthDate":"1970","link":[{"other":{"reference":"Patient/b"},"type":"seealso"}]}`,
  );
  const questionnaire =
    '{"resourceType":"Questionnaire","id":"q","status":"draft","title":"t","purpose":"p","item":[{"linkId":"1","item":[{"linkId":"2"}]}]}';
  assert.equal(
    subset(questionnaire, definitions, { summary: 'true' }),
    `{"resourceType":"Questionnaire","id":"q","meta":{"tag":[${TAG}]},"status":"draft","title":"t"}`,
  );
});

test('_summary=text, data, false', () => {
  const text =
    '{"resourceType":"Observation","id":"a","meta":{"tag":[{"code":"t"}]},"text":{"status":"empty"},"status":"final","code":{},"note":[]}';
  const head = `{"resourceType":"Observation","id":"a","meta":{"tag":[{"code":"t"},${TAG}]}`;
  assert.equal(
    subset(text, definitions, { summary: 'text' }),
    `${head},"text":{"status":"empty"},"status":"final","code":{}}`,
  );
  assert.equal(subset(text, definitions, { summary: 'data' }), `${head},"status":"final","code":{},"note":[]}`);
  assert.equal(subset(text, definitions, { summary: 'false' }), text);
  assert.equal(subset(text, definitions, {}), text);
});

test('a resource of meta alone, and empty tags', () => {
  assert.equal(
    subset('{"resourceType":"Patient","meta":{}}', definitions, { summary: 'data' }),
    `{"resourceType":"Patient","meta":{"tag":[${TAG}]}}`,
  );
  assert.equal(
    subset('{"resourceType":"Patient","meta":{"tag":[]}}', definitions, { summary: 'data' }),
    `{"resourceType":"Patient","meta":{"tag":[${TAG}]}}`,
  );
});
