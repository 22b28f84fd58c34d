import { readFileSync } from 'node:fs';
import { contractsOf } from '../vectors/chain/contracts.ts';
import { replay, type Vector } from '../vectors/chain/vector.ts';

// Replays block lists from standard input in this process, whatever its time zone, locale and V8 flags are, and
// prints every root. Says what the process believes first, so that the test sees that it was another one.
const lists = JSON.parse(readFileSync(0, 'utf8')) as readonly Pick<Vector, 'contracts' | 'genesis' | 'blocks'>[];
const { timeZone, locale } = new Intl.DateTimeFormat().resolvedOptions();
const roots = lists.map((list) => replay(contractsOf(list.contracts), list));
console.log(JSON.stringify({ timeZone, locale, flags: process.execArgv, roots }));
