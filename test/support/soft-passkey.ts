import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/*
 * An authenticator in software (WebAuthn L3 §6): one discoverable ES256 credential with user verification. For tests over
 * HTTP that have to sign somebody in; the ceremonies themselves are tested in a browser.
 */

export interface SoftPasskey {
  /** RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON. */
  create(options: { challenge: string; user: { id: string } }): object;
  /** AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON. */
  get(options: { challenge: string }): object;
}

/** `origin` of the page that uses it, whose host is the relying party. */
export function createSoftPasskey(origin: string): SoftPasskey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const id = randomBytes(16);
  const relyingParty = sha256(Buffer.from(new URL(origin).hostname));
  let counter = 0;
  let userHandle = '';
  const clientData = (type: string, challenge: string) =>
    Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  // User present, user verified.
  const authenticatorData = (flags: number, attested: Buffer) =>
    Buffer.concat([relyingParty, Buffer.from([flags]), u32(++counter), attested]);
  return {
    create({ challenge, user }) {
      userHandle = user.id;
      const credential = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(publicKey)]);
      const data = authenticatorData(0x45, credential);
      // {"fmt": "none", "attStmt": {}, "authData": data}
      const attestation = Buffer.concat([
        ...[Buffer.from([0xa3]), text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData')],
        ...[Buffer.from([0x58, data.length]), data],
      ]);
      const response = {
        clientDataJSON: clientData('webauthn.create', challenge).toString('base64url'),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      };
      return { id: id.toString('base64url'), response };
    },
    get({ challenge }) {
      const client = clientData('webauthn.get', challenge);
      const data = authenticatorData(0x05, Buffer.alloc(0));
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey);
      const response = {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: signature.toString('base64url'),
        userHandle,
      };
      return { id: id.toString('base64url'), response };
    },
  };
}

/** COSE_Key of an ES256 key (RFC 9053 §7.1.1): {1: 2, 3: -7, -1: 1, -2: x, -3: y}. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const coordinate = (value: string) => Buffer.concat([Buffer.from([0x58, 32]), Buffer.from(value, 'base64url')]);
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    coordinate(x),
    Buffer.from([0x22]),
    coordinate(y),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
