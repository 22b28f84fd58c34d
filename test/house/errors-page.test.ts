import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS_PAGE, errorsPage, errorsPageFaults } from './errors-page.ts';
import { plantTree } from './planted-tree.ts';
import { readTree } from './source-tree.ts';

function catalogue(entries: string, name = 'CODES'): Record<string, string> {
  return { 'src/capabilities/doors/contract/codes.ts': `export const ${name} = { ${entries} };\n` };
}

const DOOR = "DOOR_SHUT: { kind: 'denied', sentence: 'The door is shut; knock at the door.' }";
const SMALL = "DOOR_SMALL: { kind: 'limit', sentence: 'The door is small; come one by one.', httpStatus: 413 }";

async function messages(t: Parameters<typeof plantTree>[0], files: Record<string, string>): Promise<string[]> {
  const root = plantTree(t, files);
  return (await errorsPageFaults(root, readTree(root))).map(({ message }) => message);
}

test('the page lists every code of every catalogue with its status, and passes once it is written', async (t) => {
  const files = { ...catalogue(`${SMALL}, ${DOOR}`), 'src/fhir/codes.ts': `export const FHIR_CODES = { ${DOOR} };\n` };
  const root = plantTree(t, files);
  const page = await errorsPage(root, readTree(root));
  const at = (line: string) => page.split('\n').indexOf(line);
  assert.ok(at('## capabilities/doors') > 0 && at('## fhir') > at('## capabilities/doors'));
  const shut = at('| DOOR_SHUT | denied | 403 | The door is shut; knock at the door. |');
  assert.equal(at('| DOOR_SMALL | limit | 413 | The door is small; come one by one. |'), shut + 1);
  assert.deepEqual(await messages(t, { ...files, [ERRORS_PAGE]: page }), []);
  assert.match(
    (await messages(t, { ...files, [ERRORS_PAGE]: page.replace('shut', 'open') }))[0] ?? '',
    /run npm run docs:errors/,
  );
});

test('fails when a code was added and the page was not written again', async (t) => {
  const root = plantTree(t, catalogue(DOOR));
  const page = await errorsPage(root, readTree(root));
  assert.match((await messages(t, { ...catalogue(`${DOOR}, ${SMALL}`), [ERRORS_PAGE]: page }))[0] ?? '', /docs:errors/);
});

test('fails when there is no page, no catalogue, or a file of codes without one', async (t) => {
  assert.match((await messages(t, catalogue(DOOR)))[0] ?? '', /docs:errors/);
  assert.match((await messages(t, { 'src/std/a.ts': '' }))[0] ?? '', /no catalogue/);
  await assert.rejects(messages(t, catalogue(DOOR, 'TABLE')), /exports 0 catalogues/);
});

test('fails on an entry that breaks the rules of codes', async (t) => {
  const entries = [
    ["doorShut: { kind: 'denied', sentence: 'The door is shut; knock.' }", /UPPER_SNAKE_CASE/],
    ["DOOR: { kind: 'sad', sentence: 'The door is shut; knock.' }", /unknown kind/],
    ["DOOR: { kind: 'denied', sentence: 'no' }", /no sentence/],
    ["DOOR: { kind: 'denied', sentence: 'The door is shut; knock.', httpStatus: 200 }", /no error status/],
  ] as const;
  for (const [entry, expected] of entries) assert.match((await messages(t, catalogue(entry)))[0] ?? '', expected);
});
