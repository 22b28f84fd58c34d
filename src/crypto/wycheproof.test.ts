import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, diffieHellman, hkdfSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { KEM_ML_KEM_768 as nobleMlKem } from '@panva/hpke-noble';
import { KEM_ML_KEM_768 as nativeMlKem } from 'hpke';
import { concatBytes } from '../std/bytes.ts';
import { isMlKem768PublicKey } from './ml-kem-key.ts';
import { openAes256Gcm } from './node/aead.ts';
import { verifyEd25519Sync } from './node/ed25519.ts';
import { verifyEs256Sync } from './node/es256.ts';
import { unwrapKey, wrapKey } from './node/key-wrap.ts';
import * as node from './node/platform.ts';
import * as web from './web/platform.ts';

/** Project Wycheproof's vectors against every primitive in use; each test tells how many cases it ran. */

const FOLDER = fileURLToPath(new URL('../../../shared/data/wycheproof/', import.meta.url));

interface Case {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags?: readonly string[];
  readonly comment?: string;
  readonly size?: number;
  readonly [field: string]: unknown;
}

interface Group {
  readonly tests: readonly Case[];
  readonly publicKey?: { readonly pk?: string; readonly uncompressed?: string };
  readonly [field: string]: unknown;
}

/** Runs `check` for each case of a file that `applies`; it answers what the primitive made of the case. */
function wycheproof(
  file: string,
  title: string,
  run: (each: (check: (entry: Case, group: Group) => void | Promise<void>) => Promise<void>) => Promise<void>,
  applies: (group: Group) => boolean = () => true,
): void {
  const path = `${FOLDER}${file}_test.json`;
  const skip = existsSync(path) ? false : `needs ../shared/data/wycheproof/${file}_test.json`;
  test(`Wycheproof ${title}`, { skip }, async (t) => {
    const all = JSON.parse(readFileSync(path, 'utf8')) as { testGroups: Group[]; numberOfTests: number };
    const groups = all.testGroups.filter(applies);
    let count = 0;
    await run(async (check) => {
      count = 0;
      for (const group of groups) {
        for (const entry of group.tests) {
          await check(entry, group);
          count++;
        }
      }
    });
    assert.ok(count > 0);
    t.diagnostic(`${title}: ${count} of ${all.numberOfTests} cases as expected`);
  });
}

function hex(value: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(value as string, 'hex'));
}

function label(entry: Case): string {
  return `case ${entry.tcId} (${entry.result}) ${entry.comment ?? ''}`;
}

wycheproof('ed25519', 'Ed25519', async (each) => {
  await each(async (entry, group) => {
    const input = [hex(group.publicKey?.pk), hex(entry.msg), hex(entry.sig)] as const;
    assert.equal(verifyEd25519Sync(...input), entry.result === 'valid', label(entry));
    assert.equal(await web.verifyEd25519(...input), entry.result === 'valid', `web ${label(entry)}`);
  });
});

wycheproof('ecdsa_secp256r1_sha256', 'ES256', async (each) => {
  await each(async (entry, group) => {
    const input = [hex(group.publicKey?.uncompressed), hex(entry.msg), hex(entry.sig)] as const;
    assert.equal(verifyEs256Sync(...input), entry.result === 'valid', label(entry));
    assert.equal(await web.verifyEs256(...input), entry.result === 'valid', `web ${label(entry)}`);
  });
});

wycheproof(
  'aes_gcm',
  'AES-256-GCM',
  async (each) => {
    await each((entry) => {
      const sealed = concatBytes(hex(entry.iv), hex(entry.ct), hex(entry.tag));
      const expected = entry.result === 'valid' ? hex(entry.msg) : undefined;
      assert.deepEqual(openAes256Gcm(hex(entry.key), sealed, hex(entry.aad)), expected, label(entry));
    });
  },
  ({ keySize, ivSize, tagSize }) => keySize === 256 && ivSize === 96 && tagSize === 128,
);

wycheproof(
  'aes_wrap',
  'AES-256 key wrap',
  async (each) => {
    await each((entry) => {
      const [kek, message, wrapped] = [hex(entry.key), hex(entry.msg), hex(entry.ct)];
      // `acceptable` are wraps of 8 bytes, which RFC 3394 does not define; refused here.
      assert.deepEqual(unwrapKey(kek, wrapped), entry.result === 'valid' ? message : undefined, label(entry));
      if (entry.result === 'valid') assert.deepEqual(wrapKey(kek, message), wrapped, label(entry));
    });
  },
  ({ keySize }) => keySize === 256,
);

wycheproof('hmac_sha256', 'HMAC-SHA-256', async (each) => {
  await each((entry, group) => {
    const tag = hex(entry.tag);
    for (const platform of [node, web]) {
      const mac = platform.hmacSha256(hex(entry.key), hex(entry.msg)).subarray(0, Number(group.tagSize) / 8);
      assert.equal(platform.equalSecret(mac, tag), entry.result === 'valid', label(entry));
    }
  });
});

wycheproof('hkdf_sha256', 'HKDF-SHA-256', async (each) => {
  await each((entry) => {
    const derive = () => hkdfSync('sha256', hex(entry.ikm), hex(entry.salt), hex(entry.info), entry.size as number);
    if (entry.result === 'valid') assert.deepEqual(new Uint8Array(derive()), hex(entry.okm), label(entry));
    else assert.throws(derive, label(entry));
  });
});

// X25519 as WebCrypto has it: the classical half of X-Wing, which hashes both halves, so that a low-order point alone
// gives nobody the key. OpenSSL refuses a shared secret of zeros nevertheless.
wycheproof('x25519', 'X25519', async (each) => {
  const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
  const spki = Buffer.from('302a300506032b656e032100', 'hex');
  await each((entry) => {
    const privateKey = createPrivateKey({
      key: Buffer.concat([pkcs8, hex(entry.private)]),
      format: 'der',
      type: 'pkcs8',
    });
    const publicKey = createPublicKey({ key: Buffer.concat([spki, hex(entry.public)]), format: 'der', type: 'spki' });
    const agree = () => diffieHellman({ privateKey, publicKey });
    if (entry.flags?.includes('ZeroSharedSecret')) assert.throws(agree, label(entry));
    else assert.deepEqual(new Uint8Array(agree()), hex(entry.shared), label(entry));
  });
});

for (const [name, createKem] of Object.entries({ native: nativeMlKem, noble: nobleMlKem })) {
  const kem = createKem();

  wycheproof('mlkem_768', `ML-KEM-768 decapsulation, ${name}`, async (each) => {
    await each(async (entry) => {
      const decapsulate = async () => {
        const [seed, enc] = [hex(entry.seed), hex(entry.c)];
        // HPKE's suite checks both lengths before it calls the KEM.
        if (seed.length !== kem.Nsk || enc.length !== kem.Nenc) throw new RangeError('length');
        return kem.Decap(enc, await kem.DeserializePrivateKey(seed, false), undefined);
      };
      if (entry.result === 'valid') assert.deepEqual(await decapsulate(), hex(entry.K), label(entry));
      else await assert.rejects(decapsulate, label(entry));
    });
  });

  wycheproof('mlkem_768_encaps', `ML-KEM-768 encapsulation, ${name}`, async (each) => {
    await each(async (entry) => {
      const key = hex(entry.ek);
      assert.equal(isMlKem768PublicKey(key), entry.result === 'valid', label(entry));
      if (entry.result !== 'valid') return;
      const { enc } = await kem.Encap(await kem.DeserializePublicKey(key));
      assert.equal(enc.length, kem.Nenc, label(entry));
    });
  });
}
