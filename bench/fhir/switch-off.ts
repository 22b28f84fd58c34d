import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/*
 * Loaded into a node by `--import`, and by nothing else: puts other modules in the place of the product's own, so that
 * what encryption, journal and consent cost can be measured on the whole of it. No setting of the product leads here.
 * ACESO_BENCH_OFF names what is off, with commas; ACESO_BENCH_POSTGRES two addresses, of vault and key store. What was
 * put in place is written to ACESO_BENCH_REPORT: a module that was moved since must not pass for one that is off.
 */
const off = new Set((process.env.ACESO_BENCH_OFF ?? '').split(','));
const needsVault = off.has('journal') || process.env.ACESO_BENCH_POSTGRES !== undefined;

interface Replacement {
  readonly isWanted: boolean;
  /** End of the module's address, and a part of the address of who asks for it. */
  readonly module: string;
  readonly askedBy?: string;
  readonly by: string;
}

const REPLACEMENTS: readonly Replacement[] = [
  { isWanted: off.has('encryption'), module: '/libsql/index.js', by: './plain-pages.ts' },
  { isWanted: off.has('encryption'), module: '/crypto/node/aead.ts', askedBy: '/src/vault/', by: './plain-blobs.ts' },
  { isWanted: off.has('consent'), module: '/access/server/access-port.ts', by: './permit-all.ts' },
  { isWanted: needsVault, module: '/src/vault/create-vault.ts', by: './bench-vault.ts' },
];

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const parent = context.parentURL ?? '';
    // What stands in for a module may ask for it.
    if (parent.includes('/bench/fhir/')) return found;
    const replacement = REPLACEMENTS.find(
      ({ isWanted, module, askedBy = '' }) => isWanted && found.url.endsWith(module) && parent.includes(askedBy),
    );
    if (replacement === undefined) return found;
    if (process.env.ACESO_BENCH_REPORT !== undefined) {
      appendFileSync(process.env.ACESO_BENCH_REPORT, `${replacement.by}\n`);
    }
    return next(new URL(replacement.by, import.meta.url).href, context);
  },
});
