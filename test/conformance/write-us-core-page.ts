import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readUsCore, withoutUsCore } from './us-core-package.ts';
import { US_CORE_PAGE, usCorePage } from './us-core-page.ts';
import { runUsCore } from './us-core-run.ts';

// node test/conformance/write-us-core-page.ts prints the page of US Core's items; with --write it replaces the file.
if (withoutUsCore !== false) throw new Error(withoutUsCore);
const { results } = await runUsCore(await readUsCore(), 'SQLite');
const page = usCorePage(results);
if (process.argv.includes('--write')) writeFileSync(join(import.meta.dirname, '../..', US_CORE_PAGE), page);
else console.log(page);
