import { typeCategory } from '../../../fhir/classify.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import type { VersionFacts } from '../../consent/contract/match.ts';
import { type TagKind, tag } from '../../consent/contract/tags.ts';

/** Turns codes into an account's tags, remembering them: a chart repeats the same few codes again and again. */
export interface Tagger {
  tag(kind: TagKind, code: string): string;
}

/** Most tags remembered for one account. */
const MAX_TAGS = 2048;

export function createTagger(tagKey: Uint8Array): Tagger {
  const known = new Map<string, string>();
  return {
    tag(kind, code) {
      const name = `${kind} ${code}`;
      const found = known.get(name);
      if (found !== undefined) return found;
      const made = tag(tagKey, kind, code);
      if (known.size >= MAX_TAGS) known.clear();
      known.set(name, made);
      return made;
    },
  };
}

/** Versions of earlier releases say `type|Observation`, which no consent ever names. */
function namedType(code: string): string {
  return code.startsWith('type|') ? typeCategory(code.slice('type|'.length)) : code;
}

/**
 * What the decision looks at of a stored version: its categories and labels, itself and its author, as tags, and when
 * it was authored, as far as the custodian knows: when it was written here.
 */
export function versionFacts(row: VersionRow, tagger: Tagger): VersionFacts {
  return {
    categoryTags: row.categories.map((code) => tagger.tag('category', namedType(code))),
    labelTags: row.labels.map((code) => tagger.tag('label', code)),
    dataTags: [tagger.tag('instance', `${row.type}/${row.id}`), tagger.tag('author', row.author)],
    authoredMs: row.timeMs,
  };
}
