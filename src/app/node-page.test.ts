import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePage } from './node-page.ts';

test('names on the page are text, whatever an administrator called an organisation', () => {
  const html = nodePage({
    version: '1',
    genesis: '00',
    status: 'ok',
    height: 3,
    organisations: [{ name: '<script>alert("1")</script>', account: 'ab' }],
  });
  assert(!html.includes('<script>'));
  assert(html.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'));
});
