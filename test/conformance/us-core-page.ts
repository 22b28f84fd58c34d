import type { ItemResult } from './us-core-run.ts';

/** Where the page lies, from the root of the project. */
export const US_CORE_PAGE = 'docs/us-core-6.1.0.md';

/** The page of every SHALL item of US Core 6.1.0 and what shows it. */
export function usCorePage(results: readonly ItemResult[]): string {
  const shown = results.filter((result) => result.shown !== undefined).length;
  const sections = Map.groupBy(results, ({ item }) => item.section);
  return [
    '# US Core 6.1.0: what a server SHALL do, and what shows it',
    '',
    'Written by `node test/conformance/write-us-core-page.ts --write` from the capability statement `us-core-server`, its',
    'sentences, the search parameters that it names and `$docref`; change it there. `test/conformance/us-core.test.ts`',
    'does each of these with the guide’s own examples and fails when this page is not what it finds.',
    '',
    'A search is compared with a slow matcher that reads every resource (same ids, same order), by GET and by POST, with',
    'several values and with values that belong to different resources; the first request that found something stands here.',
    '',
    `${shown} of ${results.length} items are shown.`,
    ...[...sections].flatMap(([section, ofSection]) => [
      '',
      `## ${section}`,
      '',
      '| SHALL | shown by | result |',
      '|---|---|---|',
      ...ofSection.map(({ item, shown: by, failure }) => {
        const result = failure === undefined ? 'green' : 'not shown';
        return `| ${cell(item.text)} | ${cell(by ?? (failure ?? '').split('\n')[0] ?? '')} | ${result} |`;
      }),
    ]),
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}
