import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchFault, redirectFault } from './redirect-uris.ts';

const TAKEN = [
  ...['https://app.example/callback', 'https://app.example/', 'https://app.example:8443/a?b=c', 'https://localhost/cb'],
  ...['http://127.0.0.1/cb', 'http://127.0.0.1:3000/cb', 'http://[::1]:3000/cb', 'http://localhost:3000/cb'],
  ...['com.example.app:/callback', 'com.example.app://callback', 'com.example-two.app:cb'],
];

const REFUSED = [
  ...['HTTP://app.example/cb', ' http://app.example/cb', 'hTTp://evil.example/', 'http:/app.example/cb'],
  ...['http:app.example/cb', 'http://app.example/cb', 'https:app.example/cb', 'https:/app.example/cb'],
  ...['HTTPS://app.example/cb', 'https://APP.example/cb', 'https://app.example:443/cb', 'https://app.example'],
  ...['https://app.example/a/../b', 'https://app.example\\cb', 'https://app.example/cb ', 'https://app.example/\tcb'],
  ...['https://app.example/cb#', 'https://app.example/cb#x', 'https://user@app.example/', 'https://u:p@app.example/'],
  ...['https://@app.example/', 'https://*.example/cb', 'https://app.example/\u202ebc', 'https://äpp.example/cb'],
  ...['https://app.example/%0a\u0000', '//app.example/cb', '/cb', '', 'evil:cb', 'mailto:x@y', 'javascript:alert(1)'],
  ...['data:text/html,x', 'intent://x/#Intent', 'file:///etc/passwd', 'blob:https://app.example/x', 'about:blank'],
  ...['http://127.1/cb', 'http://0x7f000001/cb', 'http://127.0.0.1.example/cb', 'http://localhost.example/cb'],
  ...[
    'http://127.0.0.2/cb',
    'com.example.app:/c b',
    'com.example.app:c b',
    'com.example.app:/\u202e',
    'Com.example.app:/cb',
    'ftp://a.b/',
  ],
];

test('a redirect URI is https, of a program on the machine itself, or of a private-use scheme, and reads as it stands', () => {
  for (const uri of TAKEN) assert.equal(redirectFault(uri), undefined, uri);
  for (const uri of REFUSED) assert.ok(redirectFault(uri) !== undefined, JSON.stringify(uri));
});

test('an app is launched at a page', () => {
  assert.equal(launchFault('https://app.example/launch'), undefined);
  assert.equal(launchFault('http://localhost:3000/launch'), undefined);
  for (const uri of ['com.example.app:/launch', 'http://app.example/launch', 'HTTPS://app.example/launch'])
    assert.ok(launchFault(uri) !== undefined, uri);
});
