'use strict';

// What a client is made of: hosts, credentials, headers, options, and the connections it uses.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { inspect } = require('node:util');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { at, connectTo, freshPrefix, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { rejection, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const server = withEtcd();

/** Expects an error for a mistake in the constructor's arguments, and that it names the argument. */
function assertThrows(work, code, name) {
  assert.throws(work, (error) => {
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(name), `"${error.message}" does not name ${name}`);
    return true;
  });
}

const TYPE = 'ERR_INVALID_ARG_TYPE';
const VALUE = 'ERR_INVALID_ARG_VALUE';

describe('the hosts', () => {
  const cleaned = [
    [undefined, ['http://127.0.0.1:2379']],
    [null, ['http://127.0.0.1:2379']],
    ['localhost:2379', ['http://localhost:2379']],
    ['http://h:1/', ['http://h:1']],
    ['https://h:443', ['https://h']],
    ['http://h:80', ['http://h']],
    ['h', ['http://h']],
    ['[::1]:2379', ['http://[::1]:2379']],
    ['::1', ['http://[::1]']],
    ['httpd:2379', ['http://httpd:2379']],
    ['h:1/prefix/', ['http://h:1/prefix']],
    ['user:p%40ss@h:1', ['http://user:p%40ss@h:1']],
    [
      ['a:1', 'https://b:2/'],
      ['http://a:1', 'https://b:2'],
    ],
    [[], []],
  ];

  for (const [given, expected] of cleaned) {
    test(`${JSON.stringify(given)} are the URLs ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(new Etcd(given).getHosts(), expected);
    });
  }

  test('are a new list each time', () => {
    const etcd = new Etcd(['a:1', 'b:1']);
    etcd.getHosts().pop();
    assert.deepEqual(etcd.getHosts(), ['http://a:1', 'http://b:1']);
  });

  test('may change later in the list that was given', () => {
    const given = Object.freeze(['a:1']);
    assert.deepEqual(new Etcd(given).getHosts(), ['http://a:1']);
  });

  test('that are none throw and are named', () => {
    for (const wrong of [5, {}, true, () => {}, [null], ['a:1', 5]]) assertThrows(() => new Etcd(wrong), TYPE, 'hosts');
    for (const wrong of ['', 'http://', 'h:port', 'a b', 'h:1?x=1', 'h:99999', ['a:1', '']]) {
      assertThrows(() => new Etcd(wrong), VALUE, 'host');
    }
  });

  test('that are no http(s) URL or host[:port] are refused, without showing their password', () => {
    for (const wrong of [
      'user:geheim@h:port',
      'etcd://u:geheim@h',
      'unix:///u:geheim@x',
      'ftp://u:geheim@h',
      'https:/u:geheim@h',
      'https:u:geheim@h',
      'http//u:geheim@h',
      'http/u:geheim@h',
      'htps://u:geheim@h',
      '//u:geheim@h',
      'http://h/u:geheim@x',
    ]) {
      assertThrows(() => new Etcd(wrong), VALUE, 'hosts[0]');
      assert.throws(
        () => new Etcd(wrong),
        (error) => !error.stack.replace(wrong, '').includes('geheim') && error.message.includes('expected'),
      );
    }
  });

  test('show no password in what prints a client, a watcher, a token or an error', async () => {
    const options = { maxRetries: 0, auth: { user: 'u', pass: 'geheim' }, headers: { 'x-secret': 'geheim' } };
    const proxied = { ...options, proxy: 'http://u:geheim@127.0.0.1:1' };
    class Inheriting extends Etcd {}
    const all = { depth: 20, showHidden: true, getters: true, showProxy: true };
    for (const [Client, settings] of [
      [Etcd, { maxRetries: 0 }],
      [Etcd, options],
      [Etcd, proxied],
      [Inheriting, options],
    ]) {
      const etcd = new Client('http://u:geheim@127.0.0.1:1', settings);
      const watcher = etcd.watcher('k');
      const [reconnect] = await once(watcher, 'reconnect');
      watcher.stop();
      const token = etcd.get('k');
      const error = await rejection(token);
      for (const thing of [etcd, watcher, token, error, reconnect, etcd.getSync('k').err]) {
        for (const how of [{ depth: 20, showHidden: true }, all, { ...all, customInspect: false }]) {
          const shown = inspect(thing, how);
          assert.ok(!shown.includes('geheim'), shown);
        }
        assert.ok(!JSON.stringify(thing).includes('geheim'));
      }
      assert.deepEqual([etcd.getHosts(), etcd.hosts], Array(2).fill(['http://u:geheim@127.0.0.1:1']));
    }
  });

  test('may have a path, which comes before that of every request', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    await new Etcd(`${wire.host}/proxy/etcd/`).get('k');
    await new Etcd(`${wire.host}/proxy/etcd/`).version();
    assert.deepEqual(
      (await wire.requests()).map(({ url }) => url),
      ['/proxy/etcd/v2/keys/k', '/proxy/etcd/version'],
    );
  });

  test('may be names', async () => {
    const { node } = await connectTo(at(`localhost:${server.port}`)).set(freshPrefix(), 'v');
    assert.equal(node.value, 'v');
  });
});

describe('credentials', () => {
  const basic = (text) => `Basic ${Buffer.from(text).toString('base64')}`;
  const cases = [
    ['user and pass', '', { auth: { user: 'u', pass: 'pä:ss' } }, basic('u:pä:ss')],
    ['username and password', '', { auth: { username: 'u', password: 'p' } }, basic('u:p')],
    ['no pass', '', { auth: { user: 'u' } }, basic('u:')],
    ['a bearer token', '', { auth: { bearer: 'token' } }, 'Bearer token'],
    ['a user in the host', 'u:p%40ss@', undefined, basic('u:p@ss')],
    ['auth and a user in the host', 'x:y@', { auth: { user: 'u', pass: 'p' } }, basic('u:p')],
    ['a header', '', { headers: { Authorization: 'Custom x' } }, 'Custom x'],
    ['a header and a user in the host', 'x:y@', { headers: { authorization: 'Custom x' } }, 'Custom x'],
    ['none', '', undefined, undefined],
  ];

  for (const [what, user, options, expected] of cases) {
    test(`are sent as given by ${what}, also by Sync calls`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      const etcd = new Etcd(user + wire.host, options);
      await etcd.get('k');
      etcd.getSync('k');
      for (const { headers } of await wire.requests()) assert.equal(headers.authorization, expected);
    });
  }

  test('that cannot be used throw and are named', () => {
    assertThrows(() => new Etcd('h:1', { auth: 'u:p' }), TYPE, 'auth');
    assertThrows(() => new Etcd('h:1', { auth: {} }), VALUE, 'auth');
    assertThrows(() => new Etcd('h:1', { auth: { user: 5 } }), TYPE, 'auth.user');
    assertThrows(() => new Etcd('h:1', { auth: { user: 'u', pass: 5 } }), TYPE, 'auth.pass');
    assertThrows(() => new Etcd('h:1', { auth: { user: 'u', token: 't' } }), VALUE, 'auth.token');
  });
});

describe('headers', () => {
  test('are sent with every request and win over our own', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const headers = { 'X-A': 'a', 'x-number': 5, Accept: 'text/plain', 'X-List': ['1', '2'] };
    const etcd = new Etcd(wire.host, { headers });
    await etcd.set('k', 'v');
    etcd.getSync('k');
    for (const { headers: sent } of await wire.requests()) {
      const { 'x-a': a, 'x-number': number, accept, 'x-list': list } = sent;
      assert.deepEqual([a, number, accept, list], ['a', '5', 'text/plain', '1, 2']);
    }
  });

  test('that frame a message or use its connection are refused', () => {
    const names = ['Content-Length', 'transfer-encoding', 'Connection', 'expect', 'TE', 'upgrade', 'keep-alive'];
    for (const name of names) assertThrows(() => new Etcd('h:1', { headers: { [name]: '0' } }), VALUE, name);
  });

  test('for a proxy do not go to a server', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    await new Etcd(wire.host, { headers: { 'Proxy-Authorization': 'x', 'x-a': 'a' } }).get('k');
    const [{ headers }] = await wire.requests();
    assert.deepEqual([headers['proxy-authorization'], headers['x-a']], [undefined, 'a']);
  });

  test('may have any host, as http needs no name of it', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    for (const host of ['[::1]:2379', '', 'h:1']) {
      await new Etcd(wire.host, { headers: { host } }).get('k');
      new Etcd('https://h', { headers: { host } });
      assert.equal((await wire.requests()).at(-1).headers.host, host);
    }
  });

  test('that are no object of names and values are refused', () => {
    for (const wrong of [new Map([['x-a', 'a']]), ['x-a'], new Headers({ 'x-a': 'a' })]) {
      assertThrows(() => new Etcd('h:1', { headers: wrong }), TYPE, 'headers');
    }
  });

  test('that cannot be sent throw and are named', () => {
    assertThrows(() => new Etcd('h:1', { headers: 'x: y' }), TYPE, 'headers');
    assertThrows(() => new Etcd('h:1', { headers: { 'x-a': {} } }), TYPE, 'x-a');
    assertThrows(() => new Etcd('h:1', { headers: { 'x-a': 'a\r\nb: c' } }), VALUE, 'x-a');
    assertThrows(() => new Etcd('h:1', { headers: { 'x a': 'b' } }), VALUE, 'x a');
  });
});

describe('an option of the client', () => {
  test('that is unknown throws, is named, and so are those that there are', () => {
    for (const name of ['timeOut', 'jar', 'lookup', 'agent', '__test__']) {
      assertThrows(() => new Etcd('h:1', { [name]: {} }), VALUE, name);
    }
    assertThrows(() => new Etcd('h:1', { nonsense: 1 }), VALUE, 'timeout');
  });

  test('of the wrong type throws and is named', () => {
    assertThrows(() => new Etcd('h:1', 5), TYPE, 'options');
    assertThrows(() => new Etcd('127.0.0.1', 4001), TYPE, 'options');
    assertThrows(() => new Etcd('h:1', { timeout: '5' }), TYPE, 'timeout');
    assertThrows(() => new Etcd('h:1', { timeout: -1 }), VALUE, 'timeout');
    assertThrows(() => new Etcd('h:1', { maxRetries: 'x' }), TYPE, 'maxRetries');
  });

  test('may be undefined or null, and the object frozen', async () => {
    const options = Object.freeze({ timeout: undefined, maxRetries: null, auth: undefined, headers: null, ca: null });
    assert.equal((await server.connect(options).version()).etcdserver, server.version);
  });
});

test('HTTP_PROXY is not obeyed by a CGI program, where it is a header that anybody can send', async () => {
  const wire = await scripted([], { fallback: { echo: true } });
  const source = `
    const Etcd = require('.');
    const etcd = new Etcd(process.argv[1], { api: 'v2', maxRetries: 0 });
    const codeOf = ({ err }) => err?.errors[0].httperror.code ?? null;
    const before = codeOf(etcd.getSync('k'));
    process.env.REQUEST_METHOD = 'GET';
    console.log(JSON.stringify([before, codeOf(etcd.getSync('k'))]));`;
  const env = { HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: undefined, no_proxy: undefined, REQUEST_METHOD: undefined };
  assert.deepEqual(await printedBy(source, { args: [wire.host], env }), ['ECONNREFUSED', null]);
});

describe('a connection', () => {
  test('is used again by the next request', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const etcd = new Etcd(wire.host);
    for (let i = 0; i < 20; i++) await etcd.set('k', i);
    assert.equal(await wire.connections(), 1);
  });

  test('that the server has closed is replaced, and nothing is sent twice', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    const etcd = new Etcd(wire.host, { maxRetries: 0 });
    for (let i = 0; i < 5; i++) {
      assert.equal((await etcd.create('k', i)).node.value, String(i));
      await wire.closeConnections();
      await waitUntil(async () => (await wire.openConnections()).length === 0);
    }
    assert.equal((await wire.requests()).length, 5);
  });

  test('is not shared by two clients', async () => {
    const wire = await scripted([], { fallback: { echo: true } });
    for (let i = 0; i < 3; i++) await new Etcd(wire.host).get('k');
    assert.equal(await wire.connections(), 3);
  });

  test('that is kept does not keep the process alive', async () => {
    const source = `
      const Etcd = require('.');
      new Etcd(process.argv[1]).version((err, body) => console.log(JSON.stringify(body)));`;
    assert.equal((await printedBy(source, { args: [server.host] })).etcdserver, server.version);
  });
});
