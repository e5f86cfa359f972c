import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkUrl, isPublic } from './addresses.ts';
import { PageError } from './page.ts';

test('only addresses of the public internet are public', () => {
  for (const address of ['93.184.216.34', '8.8.8.8', '2606:4700::1111', '2a00:1450:4001:81b::200e']) {
    assert.equal(isPublic(address), true, address);
  }
  const others = [
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '127.0.0.1',
      '127.255.255.254',
      '100.64.0.1',
      '169.254.169.254',
      '168.63.129.16',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.168.1.1',
      '192.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '203.0.113.5',
      '224.0.0.1',
      '239.1.1.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '2001:db8::1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
    ],
    ...[
      '64:ff9b::a9fe:a9fe',
      '64:ff9b:1::1',
      '2002:7f00:1::',
      '2001::1',
      '::127.0.0.1',
      '100::1',
      '5f00::1',
      'not an address',
      '',
    ],
  ];
  for (const address of others) assert.equal(isPublic(address), false, address);
});

test('addresses that lead inside are refused however they are written', () => {
  const inside = [
    ...[
      'http://127.0.0.1/',
      'http://2130706433/',
      'http://0x7f.1/',
      'http://0177.0.0.1/',
      'http://[::1]/',
      'http://0/',
    ],
    ...[
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:7f00:1]/',
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1:8080/',
    ],
    ...['http://[fd00:ec2::254]/', 'http://[64:ff9b::7f00:1]/', 'http://１２７.0.0.1/', 'http://127.0.0.1./'],
  ];
  for (const url of inside) assert.throws(() => checkUrl(url, []), /private address/, url);
});

test('other schemes, ports and credentials are refused', () => {
  const refusals: readonly [string, RegExp][] = [
    ['ftp://example.com/', /Only http and https/],
    ['file:///etc/passwd', /Only http and https/],
    ['data:text/html,x', /Only http and https/],
    ['javascript:alert(1)', /Only http and https/],
    ['http://example.com:22/', /Port 22/],
    ['https://example.com:6379/', /Port 6379/],
    ['http://user:secret@example.com/', /user name or password/],
    ['nonsense', /not an address/],
    [`https://example.com/${'a'.repeat(5000)}`, /longer than/],
  ];
  for (const [url, message] of refusals) {
    assert.throws(
      () => checkUrl(url, []),
      (error) => error instanceof PageError && message.test(error.message),
      url,
    );
  }
  for (const port of ['', ':80', ':443', ':8080', ':8443']) checkUrl(`http://example.com${port}/a?b#c`, []);
});

test('a host that somebody named may be private, at its port only when one was named', () => {
  checkUrl('http://10.1.2.3:9000/', ['10.1.2.3:9000']);
  checkUrl('http://[fd00::1]/', ['fd00::1']);
  checkUrl('http://WIKI.intranet:81/', ['wiki.intranet']);
  assert.throws(() => checkUrl('http://10.1.2.3:9001/', ['10.1.2.3:9000']), PageError);
  assert.throws(() => checkUrl('http://10.1.2.4/', ['10.1.2.3']), PageError);
  assert.throws(() => checkUrl('http://user@10.1.2.3/', ['10.1.2.3']), PageError);
});
