import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopbackHost, pathBelow } from './loopback-address.ts';

const OWN = 'http://localhost:8103/fhir';

test('a node at the loopback interface is the same under each of its names', () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]']) {
    assert.equal(pathBelow(`http://${host}:8103/fhir/Patient/x`, OWN), 'Patient/x', host);
    assert.equal(pathBelow('http://127.0.0.1:8103/fhir/Patient/x', `http://${host}:8103/fhir`), 'Patient/x', host);
  }
  assert.equal(pathBelow('http://127.0.0.1/fhir/Patient/x', 'http://localhost/fhir'), 'Patient/x');
});

test('another port, path, scheme or host is another node, and so is a loopback address to a node that has a name', () => {
  for (const value of [
    'http://127.0.0.1:8104/fhir/Patient/x',
    'http://127.0.0.1:81030/fhir/Patient/x',
    'http://127.0.0.1/fhir/Patient/x',
    'http://127.0.0.1:8103/fhirs/Patient/x',
    'http://127.0.0.1:8103/fhir',
    'https://127.0.0.1:8103/fhir/Patient/x',
    'http://127.0.0.2:8103/fhir/Patient/x',
    'http://127.0.0.1.example:8103/fhir/Patient/x',
    'http://localhost.example:8103/fhir/Patient/x',
    'http://localhost@evil.example:8103/fhir/Patient/x',
    'Patient/x',
  ])
    assert.equal(pathBelow(value, OWN), undefined, value);
  const named = 'https://aceso.example/fhir';
  assert.equal(pathBelow(`${named}/Patient/x`, named), 'Patient/x');
  assert.equal(pathBelow('http://127.0.0.1/fhir/Patient/x', named), undefined);
  assert.equal(pathBelow('http://127.0.0.1:8103/fhir/Patient/x', 'http://hospital.example:8103/fhir'), undefined);
  assert.equal(pathBelow('http://127.0.0.1.example/fhir/Patient/x', 'http://localhost.example/fhir'), undefined);
});

test('localhost leads to an address only where it is of the loopback interface', () => {
  assert.deepEqual(['localhost', '127.0.0.1', '::1'].map(isLoopbackHost), [true, true, true]);
  assert.deepEqual(['0.0.0.0', '::', '127.0.0.2', '10.0.0.1', 'node.local'].map(isLoopbackHost), Array(5).fill(false));
});
