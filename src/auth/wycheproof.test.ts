import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cose, isoCrypto } from '@simplewebauthn/server/helpers';
import { type CryptoKey, compactVerify, type JWK } from 'jose';

/*
 * Project Wycheproof's vectors against the libraries that judge what comes from outside: jose, by which oidc-provider
 * verifies the assertions of `private_key_jwt`, and @simplewebauthn/server, by which passkeys are verified. What is no
 * JWS is made one: see `joseVerifies`. Each test tells how many cases of its file it ran.
 */

const FOLDER = fileURLToPath(new URL('../../../shared/data/wycheproof/', import.meta.url));

interface Case {
  readonly tcId: number;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly flags: readonly string[];
  readonly comment: string;
  readonly msg?: string;
  readonly sig?: string;
  readonly jws?: string;
}

interface Group {
  readonly tests: readonly Case[];
  readonly comment?: string;
  readonly publicKeyDer?: string;
  readonly publicKey?: { readonly pk: string; readonly wx: string; readonly wy: string };
  readonly public?: JWK & { readonly keys?: readonly JWK[] };
  readonly private?: JWK & { readonly keys?: readonly JWK[] };
}

/** Runs `verifies` for each case of a file that `applies`, and holds its answer against what the case expects. */
function wycheproof(
  file: string,
  title: string,
  verifies: (entry: Case, group: Group, t: TestContext) => Promise<boolean>,
  options: {
    applies?: (group: Group) => boolean;
    /** Cases that are judged otherwise than the file says, with the reason; each must still be so. */
    otherwise?: Readonly<Record<number, string>>;
    /** Cases that may verify at all; the others must be refused, however right they are. */
    takes?: (entry: Case) => boolean;
  } = {},
): void {
  const path = `${FOLDER}${file}_test.json`;
  const skip = existsSync(path) ? false : `needs ../shared/data/wycheproof/${file}_test.json`;
  test(`Wycheproof ${title}`, { skip }, async (t) => {
    const { applies = () => true, otherwise = {}, takes } = options;
    let verified = 0;
    const all = JSON.parse(readFileSync(path, 'utf8')) as { testGroups: Group[]; numberOfTests: number };
    const seen = { valid: 0, invalid: 0, acceptable: 0 };
    const wrong: string[] = [];
    for (const group of all.testGroups.filter(applies)) {
      for (const entry of group.tests) {
        // Acceptable is what old signers made and a strict verifier refuses; all of these are strict.
        const isGood = (entry.result === 'valid') !== entry.tcId in otherwise;
        const expected = isGood && takes?.(entry) !== false;
        const isVerified = await verifies(entry, group, t);
        if (isVerified) verified += 1;
        if (isVerified !== expected)
          wrong.push(`case ${entry.tcId} (${entry.result}) ${group.comment} ${entry.comment} ${entry.flags}`);
        seen[entry.result] += 1;
      }
    }
    assert.deepEqual(wrong, []);
    const count = seen.valid + seen.invalid + seen.acceptable;
    assert.ok(count > 0);
    const unlike = Object.keys(otherwise).length;
    const parts = [
      `${seen.valid} valid, ${seen.invalid} invalid, ${seen.acceptable} acceptable and refused`,
      ...(unlike === 0 ? [] : [`${unlike} of them judged otherwise, as named`]),
      ...(takes === undefined ? [] : [`${verified} verified, all of an algorithm that is accepted`]),
    ];
    t.diagnostic(`${title}: ${count} of ${all.numberOfTests} cases of ${file} (${parts.join('; ')})`);
  });
}

function hex(value: string | undefined): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(value ?? '', 'hex'));
}

function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

/**
 * Verifies a signature over any bytes through the whole of `compactVerify`, which signs `header.payload` only: it is
 * given a JWS with that signature, and as it hands key, algorithm and signature to WebCrypto, the bytes of the case
 * take the place of those of the JWS, and nothing else changes.
 */
async function joseVerifies(t: TestContext, alg: string, jwk: JWK, entry: Case): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const verify = subtle.verify.bind(subtle);
  let calls = 0;
  const mocked = t.mock.method(
    subtle,
    'verify',
    (algorithm: object, key: CryptoKey, signature: Uint8Array<ArrayBuffer>) => {
      calls += 1;
      return verify(algorithm as never, key as never, signature, hex(entry.msg));
    },
  );
  try {
    const jws = `${base64url(JSON.stringify({ alg }))}.${base64url('{}')}.${base64url(hex(entry.sig))}`;
    return await compactVerify(jws, jwk, { algorithms: [alg] }).then(
      () => true,
      () => false,
    );
  } finally {
    mocked.mock.restore();
    assert.equal(calls, 1, 'jose asked WebCrypto once');
  }
}

function jwkOf(group: Group): JWK {
  return createPublicKey({ key: Buffer.from(hex(group.publicKeyDer)), format: 'der', type: 'spki' }).export({
    format: 'jwk',
  }) as JWK;
}

wycheproof('ecdsa_secp384r1_sha384_p1363', 'ES384 by jose', (entry, group, t) =>
  joseVerifies(t, 'ES384', jwkOf(group), entry),
);
wycheproof('ecdsa_secp256r1_sha256_p1363', 'ES256 by jose', (entry, group, t) =>
  joseVerifies(t, 'ES256', jwkOf(group), entry),
);
wycheproof('rsa_signature_2048_sha384', 'RS384 by jose', (entry, group, t) =>
  joseVerifies(t, 'RS384', jwkOf(group), entry),
);

/** As oidc-provider's `JWT.verify`: the keys that fit the header, by its own key store, then jose for each. */
interface KeyStore {
  selectForVerify(by: { alg: string; kid?: string }): readonly JWK[];
}
const { default: KeyStore } = (await import(
  new URL('../../node_modules/oidc-provider/lib/helpers/keystore.js', import.meta.url).href
)) as { default: new (keys: readonly JWK[]) => KeyStore };

async function providerVerifies(entry: Case, group: Group, algorithms: string[] | undefined): Promise<boolean> {
  const set = group.public ?? group.private;
  const keys = set?.keys ?? [set as JWK];
  const jws = entry.jws ?? '';
  try {
    const header = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as {
      alg: string;
      kid?: string;
    };
    for (const key of new KeyStore(keys).selectForVerify(header)) {
      const isVerified = await compactVerify(jws, key, algorithms === undefined ? {} : { algorithms }).then(
        () => true,
        () => false,
      );
      if (isVerified) return true;
    }
    return false;
  } catch {
    return false;
  }
}

/** Those of `private_key_jwt` (SMART App Launch 2.2, "Asymmetric authentication"). */
const ACCEPTED = ['RS384', 'ES384'];
const JOSE_FILES = { json_web_signature: 'JWS', json_web_key: 'JWK', json_web_crypto: 'JWS of the older collection' };
const isJws = (group: Group) => group.comment?.startsWith('jwe') !== true;

/**
 * What the library makes of the cases when every algorithm of JWS is let in, as this node never does. Each is of an
 * algorithm that is not accepted, or of a key that its own holder chose badly.
 */
const OTHERWISE: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  json_web_signature: {
    346: 'refused: the key says PS256, the header PS384',
    347: 'refused: the key says ES521, which is no algorithm',
    350: 'refused: as 346',
    351: 'refused: as 347',
    360: 'accepted: white space in base64url is passed over',
    365: 'accepted: as 360',
    367: 'accepted: the same bytes as case 357, which is valid',
    368: 'accepted: as 360',
    370: 'accepted: as 367',
    372: 'refused: a character that is not of base64url',
    373: 'refused: as 372',
    375: 'accepted: bits after the end of base64url are passed over',
  },
  json_web_key: {
    1: 'accepted: a set of secret and public keys; the key is chosen by its id and type',
    4: 'accepted: two keys of one id; each is tried',
    7: 'accepted: RSA keys are not examined for ROCA',
    9: 'accepted: RSA keys may have the exponent 1',
    10: 'accepted: secrets shorter than their hash',
    11: 'accepted: as 10',
    12: 'accepted: as 10',
  },
  json_web_crypto: {
    46: 'accepted: RSA keys are not examined for ROCA',
    47: 'accepted: a set of secret and public keys; the key is chosen by its id and type',
  },
};

for (const [file, title] of Object.entries(JOSE_FILES)) {
  wycheproof(file, `${title} by jose, all algorithms`, (entry, group) => providerVerifies(entry, group, undefined), {
    applies: isJws,
    otherwise: OTHERWISE[file] ?? {},
  });
  // No case of another algorithm gets through, however right its signature is.
  wycheproof(
    file,
    `${title} by jose, as private_key_jwt takes it`,
    (entry, group) => providerVerifies(entry, group, ACCEPTED),
    { applies: isJws, takes: (entry) => ACCEPTED.includes(algorithmOf(entry)) },
  );
}

function algorithmOf({ jws = '' }: Case): string {
  try {
    const { alg } = JSON.parse(Buffer.from(jws.split('.')[0] ?? '', 'base64url').toString()) as { alg?: unknown };
    return String(alg);
  } catch {
    return '';
  }
}

/** What is no signature at all throws, at once or later. */
async function passkeyVerifies(
  key: readonly (readonly [number, unknown])[],
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    return await isoCrypto.verify({ cosePublicKey: new Map(key) as never, signature, data });
  } catch {
    return false;
  }
}

/**
 * The library reads BER and passes over what follows r and s, where DER is asked for (WebAuthn L3 §6.5.5). WebCrypto then
 * verifies r and s, so each of these is the signer's own signature in other bytes, and nothing rests on those bytes.
 */
const LOOSE_DER = [
  ...[6, 8, 9, 11, 23, 25, 26, 48, 50, 52, 53, 55, 56, 57, 58, 59, 62],
  ...[67, 68, 114, 115, 472, 473, 474],
];

const { COSEALG, COSECRV, COSEKEYS, COSEKTY } = cose;
wycheproof(
  'ecdsa_secp256r1_sha256',
  'ES256 of passkeys by @simplewebauthn/server',
  (entry, group) => {
    const jwk = jwkOf(group);
    const key = [
      [COSEKEYS.kty, COSEKTY.EC2],
      [COSEKEYS.alg, COSEALG.ES256],
      [COSEKEYS.crv, COSECRV.P256],
      [COSEKEYS.x, new Uint8Array(Buffer.from(jwk.x ?? '', 'base64url'))],
      [COSEKEYS.y, new Uint8Array(Buffer.from(jwk.y ?? '', 'base64url'))],
    ] as const;
    return passkeyVerifies(key, hex(entry.sig), hex(entry.msg));
  },
  { otherwise: Object.fromEntries(LOOSE_DER.map((tcId) => [tcId, 'accepted: another encoding of the right r and s'])) },
);
wycheproof('ed25519', 'EdDSA of passkeys by @simplewebauthn/server', (entry, group) => {
  const key = [
    [COSEKEYS.kty, COSEKTY.OKP],
    [COSEKEYS.alg, COSEALG.EdDSA],
    [COSEKEYS.crv, COSECRV.ED25519],
    [COSEKEYS.x, hex(group.publicKey?.pk)],
  ] as const;
  return passkeyVerifies(key, hex(entry.sig), hex(entry.msg));
});
wycheproof(
  'json_web_signature',
  'RS256 of passkeys by @simplewebauthn/server',
  (entry, group) => {
    const [header = '', payload = '', signature = ''] = (entry.jws ?? '').split('.');
    const key = [
      [COSEKEYS.kty, COSEKTY.RSA],
      [COSEKEYS.alg, COSEALG.RS256],
      [COSEKEYS.n, new Uint8Array(Buffer.from(group.public?.n ?? '', 'base64url'))],
      [COSEKEYS.e, new Uint8Array(Buffer.from(group.public?.e ?? '', 'base64url'))],
    ] as const;
    return passkeyVerifies(
      key,
      new Uint8Array(Buffer.from(signature, 'base64url')),
      new Uint8Array(Buffer.from(`${header}.${payload}`)),
    );
  },
  { applies: ({ public: key }) => key?.kty === 'RSA' && key.alg === 'RS256' },
);
