import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { AEAD_ChaCha20Poly1305, KEM_MLKEM768_X25519 as nobleKem } from '@panva/hpke-noble';
import { CipherSuite, KDF_HKDF_SHA256, type KEM, KEM_MLKEM768_X25519 as nativeKem } from 'hpke';
import { base64urlToBytes, bytesToBase64url, bytesToHex, hexToBytes, utf8 } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { sha256 } from './node/platform.ts';
import {
  createSealing,
  generateSealingKey,
  isSealingPublicKey,
  MAX_SEALED_BYTES,
  openSealed,
  SEALING_SUITE,
  type SealedBox,
  sealingKeyBytes,
  sealingPublicKey,
  sealTo,
} from './sealing.ts';

const BUILDS = { native: nativeKem, noble: nobleKem } as const;

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/vectors/crypto/${name}.json`, import.meta.url), 'utf8')) as T;
}

function hex(text: string): Uint8Array {
  return hexToBytes(text) as Uint8Array;
}

interface XWingVectors {
  readonly xwing: readonly { sk: string; ct: string; ss: string }[];
  readonly hpke: Record<'ikmR' | 'skRm' | 'pkRmSha256' | 'enc' | 'sharedSecret' | 'info' | 'aad' | 'ct' | 'pt', string>;
}

for (const [name, build] of Object.entries(BUILDS)) {
  const { xwing, hpke } = vectors<XWingVectors>('x-wing');
  const kem: KEM = build();

  test(`X-Wing of the ${name} build opens the draft's known answers`, async () => {
    for (const { sk, ct, ss } of xwing) {
      const key = await kem.DeserializePrivateKey(hex(sk), false);
      assert.equal(bytesToHex(await kem.Decap(hex(ct), key, undefined)), ss);
    }
    const key = await kem.DeserializePrivateKey(hex(hpke.skRm), false);
    assert.equal(bytesToHex(await kem.Decap(hex(hpke.enc), key, undefined)), hpke.sharedSecret);
  });

  test(`HPKE of the ${name} build derives the draft's key pair and opens its message`, async () => {
    const suite = new CipherSuite(build, KDF_HKDF_SHA256, AEAD_ChaCha20Poly1305);
    const keyPair = await suite.DeriveKeyPair(hex(hpke.ikmR), true);
    assert.equal(bytesToHex(await suite.SerializePrivateKey(keyPair.privateKey)), hpke.skRm);
    assert.equal(bytesToHex(sha256(await suite.SerializePublicKey(keyPair.publicKey))), hpke.pkRmSha256);
    const options = { info: hex(hpke.info), aad: hex(hpke.aad) };
    assert.equal(bytesToHex(await suite.Open(keyPair, hex(hpke.enc), hex(hpke.ct), options)), hpke.pt);
  });
}

interface SealingVectors {
  readonly seed: string;
  readonly publicKeySha256: string;
  readonly info: string;
  readonly aad: string;
  readonly plaintext: string;
  readonly box: SealedBox;
}

test('committed boxes open for ever, by either build', async () => {
  for (const { seed, publicKeySha256, info, aad, plaintext, box } of vectors<SealingVectors[]>('sealing')) {
    for (const build of Object.values(BUILDS)) {
      const sealing = createSealing(build);
      assert.equal(bytesToHex(sha256(await sealing.sealingPublicKey(hex(seed)))), publicKeySha256);
      const opened = await sealing.openSealed(hex(seed), box, hex(info), hex(aad));
      assert.equal(bytesToHex(opened as Uint8Array), plaintext);
    }
  }
});

const [INFO, AAD] = [utf8('aceso/test/1'), utf8('about')];

test('what one build seals the other opens', async () => {
  for (const from of Object.values(BUILDS)) {
    for (const to of Object.values(BUILDS)) {
      const { seed, publicKey } = await generateSealingKey();
      for (const length of [0, 1, 32, 5000]) {
        const plaintext = new Uint8Array(length).fill(length);
        const box = await createSealing(from).sealTo(publicKey, plaintext, INFO, AAD);
        assert.equal(box.suite, SEALING_SUITE);
        assert.deepEqual(await createSealing(to).openSealed(seed, box, INFO, AAD), plaintext);
      }
    }
  }
});

test('another key, info or data, and any altered byte, open to nothing', async () => {
  const { seed, publicKey } = await generateSealingKey();
  const box = await sealTo(publicKey, utf8('secret'), INFO, AAD);
  assert.deepEqual(await openSealed(seed, box, INFO, AAD), utf8('secret'));
  assert.equal(await openSealed((await generateSealingKey()).seed, box, INFO, AAD), undefined);
  assert.equal(await openSealed(seed, box, utf8('aceso/test/2'), AAD), undefined);
  assert.equal(await openSealed(seed, box, INFO, utf8('above')), undefined);
  for (const field of ['enc', 'ciphertext'] as const) {
    const bytes = base64urlToBytes(box[field]) as Uint8Array;
    const step = field === 'enc' ? 37 : 1;
    for (let at = 0; at < bytes.length; at += step) {
      const altered = bytes.slice();
      altered[at] = (altered[at] as number) ^ 1;
      const opened = await openSealed(seed, { ...box, [field]: bytesToBase64url(altered) }, INFO, AAD);
      assert.equal(opened, undefined, `${field} byte ${at}`);
    }
  }
});

test('boxes of another form open to nothing, of another suite are refused by name', async () => {
  const { seed, publicKey } = await generateSealingKey();
  const box = await sealTo(publicKey, utf8('secret'), INFO, AAD);
  const open = (change: Partial<SealedBox>) => openSealed(seed, { ...box, ...change }, INFO, AAD);
  assert.equal(await open({ enc: box.enc.slice(4) }), undefined);
  assert.equal(await open({ enc: `${box.enc}AAAA` }), undefined);
  assert.equal(await open({ enc: `+${box.enc.slice(1)}` }), undefined);
  assert.equal(await open({ ciphertext: '' }), undefined);
  assert.equal(await open({ ciphertext: `${box.ciphertext}=` }), undefined);
  assert.equal(await open({ ciphertext: 'A'.repeat(2 * MAX_SEALED_BYTES) }), undefined);
  for (const suite of ['', 'x-wing.hkdf-sha256.aes-256-gcm.2', 'toString']) {
    await assert.rejects(open({ suite }), (error) => isReject(error) && error.code === 'SEALING_SUITE_UNKNOWN');
  }
});

test('what is no public key is refused, by either build', async () => {
  const { publicKey } = await generateSealingKey();
  const beyondModulus = publicKey.slice();
  beyondModulus.set([0x01, 0x0d], 0); // first coefficient: 3329
  const secondBeyond = publicKey.slice();
  secondBeyond.set([0x00, 0x10, 0xd0], 1149); // last coefficient: 3329
  assert.ok(isSealingPublicKey(publicKey));
  for (const key of [new Uint8Array(0), publicKey.subarray(1), new Uint8Array(1217), beyondModulus, secondBeyond]) {
    assert.ok(!isSealingPublicKey(key));
    for (const build of Object.values(BUILDS)) {
      const sealing = createSealing(build).sealTo(key, utf8('secret'), INFO, AAD);
      await assert.rejects(sealing, (error) => isReject(error) && error.code === 'SEALING_KEY_INVALID');
    }
  }
});

test('an X25519 half of low order is refused, or gives a box that only the ML-KEM half protects', async () => {
  const { seed, publicKey } = await generateSealingKey();
  const weak = publicKey.slice();
  weak.fill(0, 1184);
  for (const build of Object.values(BUILDS)) {
    const sealing = createSealing(build);
    const refused = await sealing.sealTo(weak, utf8('secret'), INFO, AAD).then(
      (box) => sealing.openSealed(seed, box, INFO, AAD).then((opened) => opened === undefined),
      (error) => isReject(error) && error.code === 'SEALING_KEY_INVALID',
    );
    assert.ok(refused);
  }
});

test('a registered key is taken in strict base64url, of the known suite, once its length is right', async () => {
  const { seed, publicKey } = await generateSealingKey();
  assert.deepEqual(await sealingPublicKey(seed), publicKey);
  const text = bytesToBase64url(publicKey);
  assert.deepEqual(sealingKeyBytes({ suite: SEALING_SUITE, publicKey: text }), publicKey);
  const codeOf = (suite: string, key: string) => {
    try {
      sealingKeyBytes({ suite, publicKey: key });
    } catch (error) {
      return isReject(error) ? error.code : String(error);
    }
    return undefined;
  };
  assert.equal(codeOf('other', text), 'SEALING_SUITE_UNKNOWN');
  for (const key of ['', text.slice(4), `${text}AAAA`, `${text}=`, text.replace(/^./, '*')]) {
    assert.equal(codeOf(SEALING_SUITE, key), 'SEALING_KEY_INVALID');
  }
});

test('lengths that are the caller’s fault throw', async () => {
  const { publicKey } = await generateSealingKey();
  await assert.rejects(sealTo(publicKey, new Uint8Array(MAX_SEALED_BYTES + 1), INFO, AAD), RangeError);
  await assert.rejects(sealingPublicKey(new Uint8Array(31)), RangeError);
});
