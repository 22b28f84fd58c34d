import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERRORS_PAGE, errorsPage } from '../test/house/errors-page.ts';
import { readTree } from '../test/house/source-tree.ts';

const root = join(import.meta.dirname, '..');
writeFileSync(join(root, ERRORS_PAGE), await errorsPage(root, readTree(root)));
console.log(`wrote ${ERRORS_PAGE}`);
