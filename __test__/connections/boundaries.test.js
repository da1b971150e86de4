'use strict';

// The security model as tests: whatever a program hands over as key, value, option, path, header or host, and wherever
// a server redirects to. What servers did receive is the measure. SECURITY.md says it in words.

const assert = require('node:assert/strict');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const Etcd = require('../..');
const { makeCertificates } = require('../support/certificates');
const { scripted } = require('../support/clean-up');
const { runScript } = require('../support/node-script');
const { rejection } = require('../support/promises');

const TIMEOUT = 2000;
const ECHO = { fallback: { echo: true } };

/** Does what may fail in any way. */
async function settle(work) {
  try {
    return await work();
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
}

describe('a key', () => {
  const DOTS = ['..', '.', '%2e%2e', '%2E%2e', '.%2e', '%2e.', '%2e'];
  const SLASHES = ['/', '//', '%2f', '%2F', '/%2f', '%2F/'];
  const climbing = DOTS.flatMap((dots) =>
    SLASHES.flatMap((slash) => [
      `${dots}${slash}${dots}${slash}version`,
      `a${slash}${dots}${slash}${dots}${slash}${dots}${slash}version`,
      `a${slash}${dots}`,
      `${slash}${dots}`,
    ]),
  );
  const odd = [
    'http://evil.example/',
    'https://evil.example',
    '//evil.example/k',
    '/\\evil.example',
    '\\\\evil.example',
  ];
  odd.push('@evil.example', ':1@evil.example/', 'k?recursive=true', 'k#f', '?', '#', 'k;a=b', 'file:///etc/passwd');
  odd.push('..\\version', '..%5cversion', '%252e%252e/version', '%252e%252e%252fversion', '..;/version', '...', '.. ');
  odd.push('.\t./version', '.\n./version', '\0', '%c0%ae%c0%ae/version', '\uff0e\uff0e/version', '..\u2215version');
  odd.push(' ../version', '.\u200b./version', 'k HTTP/1.1', '%', '%%32%65/version', '%2', '*');

  const calls = {
    get: (etcd, key) => etcd.get(key),
    set: (etcd, key) => etcd.set(key, 'v'),
    del: (etcd, key) => etcd.del(key),
    create: (etcd, key) => etcd.create(key, 'v'),
    compareAndSwap: (etcd, key) => etcd.compareAndSwap(key, 'v', 'w'),
    watch: (etcd, key) => etcd.watch(key),
    getSync: (etcd, key) => etcd.getSync(key),
    rmdirSync: (etcd, key) => etcd.rmdirSync(key),
  };

  /** What a server finds in a path, which it decodes once before it looks for dot segments, as etcd does. */
  const resource = (pathname) => path.posix.normalize(decodeURIComponent(pathname.replaceAll(/%[89a-f]./gi, '?')));

  for (const [name, call] of Object.entries(calls)) {
    test(`however odd is one below the prefix of its host: ${name}`, async () => {
      const wire = await scripted([], ECHO);
      for (const prefix of ['', '/prefix']) {
        const etcd = new Etcd(`${wire.host}${prefix}`);
        await wire.forget();
        for (const key of odd) await call(etcd, key);
        const requests = await wire.requests();
        assert.equal(requests.length, odd.length);
        requests.forEach(({ url, headers }, at) => {
          const [pathname, query = ''] = url.split('?');
          const about = `${JSON.stringify(odd[at])} as ${url}`;
          assert.ok(pathname.startsWith(`${prefix}/v2/keys/`), about);
          assert.ok(resource(pathname).startsWith(`${prefix}/v2/keys/`), about);
          assert.equal(new URL(url, 'http://h').pathname, pathname, about);
          assert.doesNotMatch(url, /[\s\0\\#]/, about);
          assert.match(query, /^(prevValue=w|wait=true|dir=true)?$/, about);
          assert.equal(headers.host, wire.host, about);
        });
      }
    });
  }

  test('that climbs is refused in every spelling, and nothing is sent', async () => {
    const wire = await scripted([], ECHO);
    const etcd = new Etcd(`${wire.host}/prefix`);
    for (const key of climbing) {
      assert.equal((await rejection(etcd.set(key, 'v'))).code, 'ERR_INVALID_KEY', key);
      assert.equal(etcd.getSync(key).err.code, 'ERR_INVALID_KEY', key);
    }
    const watcher = etcd.watcher('a/../b');
    const error = await new Promise((resolve) => watcher.once('error', resolve));
    watcher.stop();
    assert.equal(error.code, 'ERR_INVALID_KEY');
    assert.deepEqual(await wire.requests(), []);
  });

  test('puts nothing into the query, and an option nothing into the path', async () => {
    const wire = await scripted([], ECHO);
    const evil = 'x&recursive=true#/version?dir=true';
    await new Etcd(wire.host).get(evil, { [evil]: evil });
    const [{ url }] = await wire.requests();
    const { pathname, searchParams, hash } = new URL(url, 'http://h');
    assert.equal(decodeURIComponent(pathname), `/v2/keys/${evil}`);
    assert.deepEqual([[...searchParams], hash], [[[evil, evil]], '']);
  });
});

describe('the path of raw', () => {
  test('reaches any endpoint of the host, and no other host', async () => {
    const wire = await scripted([], ECHO);
    const etcd = new Etcd(wire.host);
    const evil = [
      'http://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '\\\\evil.example',
      '@evil.example',
      ':1/',
    ];
    evil.push(
      '../../..',
      '%2e%2e/x',
      '.evil.example',
      '?@evil.example',
      '#@evil.example',
      '\t//evil.example',
      'a b\r\nc',
    );
    for (const text of evil) {
      await settle(() => etcd.raw('GET', text));
      await settle(() => etcd.raw('GET', text, null, { synchronous: true }));
    }
    const requests = await wire.requests();
    assert.equal(requests.length, 2 * evil.length);
    for (const { url, headers } of requests) {
      assert.match(url, /^\/[^\s\\]*$/);
      assert.equal(headers.host, wire.host);
    }
  });
});

describe('a host', () => {
  const good = (text, { wire }) => text.replaceAll('GOOD', wire.host);
  const tricks = [
    'http://GOOD@EVIL',
    'http://EVIL@GOOD',
    'http://GOOD:80@EVIL',
    'http://GOOD\\@EVIL',
    'http://GOOD/@EVIL',
  ];
  tricks.push(
    'http://GOOD#@EVIL',
    'http://GOOD?@EVIL',
    'http://GOOD%2F@EVIL',
    'http://GOOD@EVIL@GOOD',
    'http:\\\\GOOD@EVIL',
  );
  tricks.push('http:GOOD@EVIL', 'http://GOOD\t@EVIL', 'http://GOOD\n@EVIL', 'http:///EVIL', 'http://GOOD/..//EVIL');
  tricks.push(
    'http://GOOD;@EVIL',
    'http://user:GOOD@EVIL',
    'http://[GOOD]@EVIL',
    'http://GOOD,EVIL',
    'http://GOOD EVIL',
  );
  tricks.push('GOOD@EVIL', 'GOOD/@EVIL', 'GOOD\\@EVIL', 'GOOD#EVIL', 'EVIL:x@GOOD');

  test('is the one that the URL standard finds and getHosts() shows, or refused', async () => {
    const wire = await scripted([], ECHO);
    const evil = await scripted([], ECHO);
    for (const trick of tricks) {
      const text = good(trick, { wire }).replaceAll('EVIL', evil.host);
      for (const server of [wire, evil]) await server.forget();
      let etcd;
      try {
        etcd = new Etcd(text, { timeout: TIMEOUT, maxRetries: 0 });
      } catch (error) {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', trick);
        continue;
      }
      const { host, protocol } = new URL(text.includes('://') ? text : `http://${text}`);
      assert.deepEqual([new URL(etcd.getHosts()[0]).host, protocol], [host, 'http:'], trick);
      await settle(() => etcd.get('k'));
      etcd.getSync('k');
      for (const server of [wire, evil]) {
        const expected = server.host === host ? 2 : 0;
        assert.equal((await server.requests()).length, expected, `${trick} at ${server === wire ? 'GOOD' : 'EVIL'}`);
      }
    }
  });

  test('is asked by http or https, whatever scheme it has', () => {
    for (const text of [
      'file:///etc/passwd',
      'ftp://h:1',
      'unix:/run/x',
      'javascript:alert(1)',
      'ws://h:1',
      'data:,x',
    ]) {
      let hosts = [];
      try {
        hosts = new Etcd(text).getHosts();
      } catch (error) {
        assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
      }
      for (const host of hosts) assert.match(host, /^http:\/\//);
    }
  });

  test('is not changed by a `host` header, which is only a name', async () => {
    const wire = await scripted([], ECHO);
    const evil = await scripted([], ECHO);
    await new Etcd(wire.host, { headers: { host: evil.host } }).get('k');
    assert.deepEqual([(await wire.requests())[0].headers.host, await evil.requests()], [evil.host, []]);
  });
});

describe('credentials', () => {
  const SECRETS = {
    'a user and a password': { options: { auth: { user: 'jo', pass: 'geheim' } } },
    'a token': { options: { auth: { bearer: 'geheim' } } },
    'a password in the host': { user: 'jo:geheim@' },
    'an authorization header': { options: { headers: { AUTHORIZATION: 'geheim' } } },
    'a cookie': { options: { headers: { Cookie: 'session=geheim' } } },
  };
  const secretIn = ({ head }) => /geheim|Z2VoZWlt/.test(head);

  const move = (status, location) => ({ reply: { status, headers: { Location: location } } });
  const calls = {
    get: (etcd) => settle(() => etcd.get('k')),
    set: (etcd) => settle(() => etcd.set('k', 'v')),
    setSync: (etcd) => etcd.setSync('k', 'v'),
    watcher: (etcd, other) =>
      new Promise((resolve, reject) => {
        const watcher = etcd.watcher('k');
        const stop = (settled) => (value) => {
          watcher.stop();
          settled(value);
        };
        watcher.on('error', () => {}).on('reconnect', () => {});
        other.waitFor(1).then(stop(resolve), stop(reject));
      }),
  };

  for (const [what, { user = '', options }] of Object.entries(SECRETS)) {
    test(`do not follow a redirect to another host: ${what}`, async () => {
      const other = await scripted([], { ...ECHO, host: 'localhost' });
      const wire = await scripted([]);
      const locations = [
        `http://${other.host}/v2/keys/k`,
        `//${other.host}/v2/keys/k`,
        `http://LOCALHOST:${other.port}/`,
      ];
      // Looks like the host that was asked.
      locations.push(`http://${wire.host}@${other.host}/v2/keys/k`, `http:\\\\${other.host}\\k`);
      for (const status of [301, 302, 303, 307, 308]) {
        for (const location of status === 307 ? locations : [locations[0]]) {
          for (const [name, call] of Object.entries(calls)) {
            await wire.setScript([], { fallback: move(status, location) });
            for (const server of [wire, other]) await server.forget();
            await call(new Etcd(`http://${user}${wire.host}`, { ...options, maxRetries: 0 }), other);
            const about = `${name}, ${status} to ${location}`;
            assert.ok((await wire.requests()).every(secretIn), `not sent at all: ${about}`);
            const followed = await other.requests();
            assert.ok(followed.length >= 1, `not followed: ${about}`);
            assert.ok(!followed.some(secretIn), about);
            assert.ok(!followed.some(({ headers }) => headers.referer), about);
          }
        }
      }
    });

    test(`do not come back once they were left behind: ${what}`, async () => {
      const wire = await scripted([]);
      const other = await scripted([], { fallback: move(307, `http://${wire.host}/back`), host: 'localhost' });
      await wire.setScript([move(307, `http://${other.host}/`)], ECHO);
      const etcd = new Etcd(`http://${user}${wire.host}`, options);
      await etcd.get('k');
      assert.deepEqual((await wire.requests()).map(secretIn), [true, false]);
      assert.deepEqual((await other.requests()).map(secretIn), [false]);
    });
  }

  test('in a location are not used', async () => {
    const wire = await scripted([]);
    await wire.setScript([move(307, `http://jo:geheim@${wire.host}/to`)], ECHO);
    await new Etcd(wire.host).get('k');
    assert.deepEqual(
      (await wire.requests()).map(({ headers }) => headers.authorization),
      [undefined, undefined],
    );
  });

  test('of one host do not go to another host of the client', async () => {
    const refusing = await scripted([], { fallback: { reply: { status: 500 } } });
    const other = await scripted([], { fallback: { reply: { status: 500 } } });
    await settle(() => new Etcd([`jo:geheim@${refusing.host}`, other.host]).get('k'));
    assert.deepEqual(
      [(await refusing.requests()).map(secretIn), (await other.requests()).map(secretIn)],
      [[true], [false]],
    );
  });

  test('are in no message, no error, no debugging output and no event for tracing', async () => {
    const wire = await scripted([], { fallback: { reply: { status: 500, body: 'broken' } } });
    const source = `
      const Etcd = require('.');
      const { subscribe } = require('node:diagnostics_channel');
      const { inspect } = require('node:util');
      const show = (value) => console.log(inspect(value, { depth: Infinity, showHidden: true }));
      const [wire, refused] = process.argv.slice(1);
      for (const name of ['start', 'reply', 'error', 'retry']) subscribe('node-etcd-native:request:' + name, show);
      const attempt = (work) => { try { work(); } catch (error) { show(error); } };
      const auth = { user: 'jo', pass: 'geheim' };
      for (const [hosts, options] of [
        ['jo:geheim@' + wire], ['jo:geheim@' + refused], [wire, { auth }], [wire, { auth: { bearer: 'geheim' } }],
        [wire, { headers: { authorization: 'geheim' } }], [wire, { proxy: 'http://jo:geheim@' + refused }],
        ['https://jo:geheim@' + wire, { passphrase: 'geheim', auth }], ['https://jo:geheim@h.invalid', { proxy: 'http://jo:geheim@' + wire }],
      ]) {
        const etcd = new Etcd(hosts, { ...options, maxRetries: 1, timeout: 1000 });
        show(etcd.getSync('k').err);
        const token = etcd.set('k', 'v', (err) => show([err, token]));
        const watcher = etcd.watcher('k').once('reconnect', (err) => { show(err); watcher.stop(); });
      }
      for (const [hosts, options] of [
        ['http://jo:geheim@'], ['http://jo:geheim@h:port'], ['http://jo:geheim@h?x'], [['h', 'jo:geheim@h:99999']],
        ['h', { proxy: 'geheim' }], ['h', { proxy: 'ftp://jo:geheim@h' }], ['h', { auth: { user: 'jo', pass: ['geheim'] } }],
        ['h', { auth: { bearer: 'geheim\\n' } }], ['h', { headers: { authorization: 'geheim\\n' } }], ['h', { auth: 'jo:geheim' }],
        ['h', { cert: 'x', key: 'geheim', passphrase: 'geheim' }], ['h', { pfx: Buffer.from('geheim'), passphrase: 'geheim' }],
      ]) attempt(() => new Etcd(hosts, options));`;
    const env = { NODE_DEBUG: 'etcd', RUNNING_UNIT_TESTS: 'true', HTTP_PROXY: '', http_proxy: '' };
    const { code, stdout, stderr } = await runScript(source, { args: [wire.host, '127.0.0.1:1'], env });
    assert.equal(code, 0, stderr);
    assert.ok(stderr.includes(`PUT http://${wire.host}/v2/keys/k 500`) && stdout.length > 10_000, stderr);
    // Nor as base64 or as bytes.
    assert.doesNotMatch(stdout + stderr, /geheim|Z2VoZWlt|67 65 68 65 69 6d/);
    assert.ok((await wire.requests()).some(secretIn), 'sent at all');
  });
});

describe('TLS', () => {
  let certificates;
  before(() => {
    certificates = makeCertificates();
  });
  after(() => certificates?.remove());

  const secure = (name, steps = [], options = ECHO) => {
    const [cert, key] = [certificates.read(`${name}.pem`), certificates.read(`${name}-key.pem`)];
    return scripted(steps, { ...options, tls: { cert, key } });
  };
  const errorsOf = async (etcd) => [await rejection(etcd.set('k', 'v')), etcd.setSync('k', 'v').err];

  test('is never left by a redirect, and no other scheme is followed', async () => {
    const plain = await scripted([], ECHO);
    const wire = await secure('server');
    const etcd = new Etcd(wire.url, { ca: certificates.read('ca.pem'), auth: { user: 'jo', pass: 'geheim' } });
    for (const location of [
      plain.url,
      plain.url.toUpperCase(),
      'ftp://h/',
      'file:///etc/passwd',
      'javascript:1',
      'ws://h/',
    ]) {
      await wire.setScript([], { fallback: { reply: { status: 307, headers: { Location: location } } } });
      for (const err of await errorsOf(etcd)) {
        assert.equal(err.errors[0].httperror.code, 'ERR_UNSAFE_REDIRECT', location);
      }
    }
    assert.deepEqual([await plain.requests(), await plain.connections()], [[], 0]);
  });

  test('is verified at the end of a redirect, too', async () => {
    const wire = await secure('server');
    const ca = certificates.read('ca.pem');
    for (const name of ['elsewhere', 'expired', 'alone']) {
      const other = await secure(name);
      await wire.setScript([], { fallback: { reply: { status: 307, headers: { Location: `${other.url}/k` } } } });
      for (const err of await errorsOf(new Etcd(wire.url, { ca }))) assert.ok(err.errors[0].httperror.code, name);
      assert.deepEqual(await other.requests(), [], name);
    }
  });

  test('is verified unless a boolean says otherwise: nothing is sent to whom nobody knows', async () => {
    const wire = await secure('server');
    for (const options of [{}, { rejectUnauthorized: undefined }, { rejectUnauthorized: null }, { strictSSL: null }]) {
      for (const err of await errorsOf(new Etcd(wire.url, options))) {
        assert.equal(err.errors[0].httperror.code, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
      }
    }
    for (const wrong of [0, '', 'false', Number.NaN]) {
      assert.throws(() => new Etcd(wire.url, { rejectUnauthorized: wrong }), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    assert.deepEqual(await wire.requests(), []);
    await new Etcd(wire.url, { rejectUnauthorized: false }).get('k');
    assert.equal((await wire.requests()).length, 1);
  });
});

test('no redirect is followed when the options say so', async () => {
  const other = await scripted([], { ...ECHO, host: 'localhost' });
  const wire = await scripted([], { fallback: { reply: { status: 307, headers: { Location: `${other.url}/k` } } } });
  const etcd = new Etcd(wire.host, { followRedirect: false, followAllRedirects: false });
  assert.equal((await rejection(etcd.set('k', 'v'))).httpstatus, 307);
  assert.equal(etcd.getSync('k').err.httpstatus, 307);
  assert.deepEqual(await other.connections(), 0);
});

describe('CR and LF', () => {
  const LINE_BREAKS = ['\r\n', '\n', '\r', '\u2028', '\u010d\u010a', '%0d%0a', '\0'];
  const evil = (lineBreak) =>
    `a${lineBreak}X-Injected: 1${lineBreak}${lineBreak}GET /injected HTTP/1.1${lineBreak}${lineBreak}`;

  /** Without what would end the user of a URL. */
  const plain = (text) => text.replaceAll(/[ /]/g, '');

  /** Every way to bring text to the wire. What throws is as good as what sends it encoded. */
  const WAYS = {
    key: (host, text) => [new Etcd(host), (etcd) => etcd.setSync(text, 'v'), (etcd) => etcd.get(text)],
    value: (host, text) => [new Etcd(host), (etcd) => etcd.setSync('k', text), (etcd) => etcd.set('k', text)],
    query: (host, text) => [
      new Etcd(host),
      (etcd) => etcd.getSync('k', { [text]: text }),
      (etcd) => etcd.get('k', { [text]: text }),
    ],
    path: (host, text) => [
      new Etcd(host),
      (etcd) => etcd.raw('GET', text),
      (etcd) => etcd.raw('GET', `v2/keys?a=${text}`),
    ],
    method: (host, text) => [
      new Etcd(host),
      (etcd) => etcd.raw(`GET ${text}`, 'v2/keys/k'),
      (etcd) => etcd.raw(text, 'v2/keys/k'),
    ],
    'value of a header': (host, text) => [new Etcd(host, { headers: { 'X-A': text } })],
    'name of a header': (host, text) => [new Etcd(host, { headers: { [`X-A: ${text}`]: 'v' } })],
    'list of header lines': (host, text) => [new Etcd(host, { headers: { 'X-A': ['b', text] } })],
    'host header': (host, text) => [new Etcd(host, { headers: { host: text } })],
    'host, at its end': (host, text) => [new Etcd(`${host}${text}`)],
    'host, in its path': (host, text) => [new Etcd(`${host}/${text}`)],
    'host, in its user': (host, text) => [new Etcd(`http://${plain(text)}:${plain(text)}@${host}`)],
    user: (host, text) => [new Etcd(host, { auth: { user: text, pass: text } })],
    bearer: (host, text) => [new Etcd(host, { auth: { bearer: text } })],
    proxy: (host, text) => [
      new Etcd('192.0.2.1:1', { proxy: `http://${plain(text)}@${host}`, timeout: TIMEOUT, maxRetries: 0 }),
    ],
  };

  for (const [what, make] of Object.entries(WAYS)) {
    test(`in a ${what} put no header and no request on the wire`, async () => {
      const wire = await scripted([], { fallback: { echo: true } });
      let asked = 0;
      for (const lineBreak of LINE_BREAKS) {
        await settle(async () => {
          const [etcd, ...ways] = make(wire.host, evil(lineBreak));
          for (const way of [...ways, () => etcd.getSync('k'), () => etcd.get('k')]) {
            asked += 1;
            await settle(() => way(etcd));
          }
        });
      }
      const requests = await wire.requests();
      assert.ok(requests.length <= asked, `${requests.length} requests for ${asked} calls`);
      for (const { head: sent } of requests) {
        assert.doesNotMatch(sent.replaceAll('\r\n', ' \u2028'), /[\r\n\0]/);
        assert.doesNotMatch(sent, /^x-injected/im);
        assert.doesNotMatch(sent, /^GET \/injected/im);
        const [line] = sent.split('\r\n');
        assert.match(line, /^[A-Z]+ \S+ HTTP\/1\.1$/);
      }
    });
  }
});
