'use strict';

// A server that answers anything: every call settles once and in time, and the client works on.
// SEED=n repeats the fuzzed replies of a run that printed this seed.

const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const { after, before, describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('../..');
const { scripted } = require('../support/clean-up');
const { goodReply, startHostile } = require('../support/hostile-server');
const { printedBy } = require('../support/node-script');
const { called } = require('../support/promises');
const { random } = require('../support/random');

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const TIMEOUT = 2000;
/** What a busy machine may add to a timeout. */
const GRACE = 15_000;
const MAX_GROWTH = 200e6;
const DEEP = 100_000;

let server;
after(() => server?.stop());

let lastGood = 0;

/** The next request gets its own reply, both ways. */
async function assertUsable(etcd) {
  // The hostile server may still be busy with what it sends elsewhere.
  const patient = { timeout: 10_000 };
  const first = `good-${++lastGood}`;
  const { err, body } = etcd.getSync(first, patient);
  assert.deepEqual([err, body?.node.value], [null, first]);
  const second = `good-${++lastGood}`;
  assert.equal((await etcd.get(second, patient)).node.value, second);
}

/** Checks what every outcome must be: an error, or a success with headers. */
function assertOutcome({ err, headers }) {
  if (err === null) assert.equal(typeof headers, 'object');
  else assert.ok(err instanceof Error && err.message.length > 0, `no Error: ${err}`);
}

async function inTime(timeout, call) {
  const started = process.hrtime.bigint();
  const late = sleep(timeout + GRACE, 'late', { ref: false });
  const outcome = await Promise.race([call(), late]);
  const ms = Number(process.hrtime.bigint() - started) / 1e6;
  assert.ok(outcome !== 'late' && ms < timeout + GRACE, `settled after ${ms} ms at best`);
  assertOutcome(outcome);
  return outcome;
}

/** The outcomes of a request for `name` by callback, by promise and by Sync, each of which settles once. */
async function outcomesOf(name, options, host = server.host) {
  const etcd = new Etcd(host, { timeout: TIMEOUT, maxRetries: 0, maxResponseSize: 1e6, ...options });
  const { timeout } = { timeout: TIMEOUT, ...options };
  const rss = process.memoryUsage.rss();
  let calls = 0;
  const byCallback = await inTime(timeout, async () => {
    const [err, body, headers] = await called((done) =>
      etcd.get(name, (...args) => {
        calls += 1;
        done(...args);
      }),
    );
    return { err, body, headers };
  });
  const byPromise = await inTime(timeout, async () => {
    const token = etcd.get(name);
    return token.then(
      (body) => ({ err: null, body, headers: token.headers }),
      (err) => ({ err, body: '', headers: token.headers }),
    );
  });
  const bySync = await inTime(timeout, () => etcd.getSync(name));
  await assertUsable(new Etcd(server.host, { timeout: TIMEOUT, maxRetries: 0 }));
  if (host === server.host) await assertUsable(etcd);
  assert.equal(calls, 1);
  const growth = process.memoryUsage.rss() - rss;
  assert.ok(growth < MAX_GROWTH, `grew by ${growth} bytes`);
  return [byCallback, byPromise, bySync];
}

const okText = '{"action":"get","node":{"value":"v"}}';
const head = (...lines) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`;
const withBody = (body, ...lines) => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(head(`Content-Length: ${bytes.length}`, ...lines)), bytes]);
};
const chunked = head('Transfer-Encoding: chunked');
const status = (line) => `HTTP/1.1 ${line}\r\nContent-Length: ${okText.length}\r\n\r\n${okText}`;
const redirect = (to) => `HTTP/1.1 307 T\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`;
const closing = (raw) => ({ raw, after: 'close' });
/** No more comes, and the connection stays open: what waits for more ends by its timeout. */
const open = (raw) => ({ raw, options: { timeout: 300 } });
const small = { maxResponseSize: 100_000 };
const filler = Buffer.alloc(65_536, 'x');
const bomb = zlib.gzipSync(Buffer.alloc(64e6));
const gzip = 'Content-Encoding: gzip';

function failsWith(code) {
  return ({ err }) => assert.deepEqual([err?.errors?.length, err?.errors?.[0].httperror?.code], [1, code]);
}
const tooLarge = failsWith('ERR_RESPONSE_TOO_LARGE');
const timesOut = failsWith('ESOCKETTIMEDOUT');
const isGood = ({ err, body }) => assert.deepEqual([err, body], [null, JSON.parse(okText)]);

/** Fails, with the entry of an endpoint that gave no reply. */
function hasNoReply({ err }) {
  assert.equal(err?.errors?.length, 1, err?.message ?? 'succeeded');
  assert.ok(err.errors[0].httperror instanceof Error);
}

const CASES = {
  lengths: {
    'too long, then closed': { ...closing(`${head('Content-Length: 100')}{}`), check: hasNoReply },
    'too long, then open': { ...open(`${head('Content-Length: 100')}{}`), check: timesOut },
    'too long, then reset': { raw: `${head('Content-Length: 100')}{}`, after: 'reset', check: hasNoReply },
    'too short': { raw: `${head('Content-Length: 2')}{}${'x'.repeat(1000)}` },
    negative: { ...closing(`${head('Content-Length: -1')}${okText}`), check: hasNoReply },
    'of 2^63': { ...closing(`${head('Content-Length: 9223372036854775808')}{}`), check: hasNoReply },
    'of 2^64 - 1': { ...closing(`${head('Content-Length: 18446744073709551615')}{}`), check: hasNoReply },
    'beyond 2^64': { ...closing(`${head('Content-Length: 99999999999999999999999')}{}`), check: hasNoReply },
    'of a terabyte': { ...closing(`${head('Content-Length: 1000000000000')}{}`), check: hasNoReply },
    'no number': { ...closing(`${head('Content-Length: many')}${okText}`), check: hasNoReply },
    'two that differ': { ...closing(`${head('Content-Length: 2', 'Content-Length: 22')}${okText}`), check: hasNoReply },
    'and chunks too': closing(`${head('Content-Length: 5', 'Transfer-Encoding: chunked')}16\r\n${okText}\r\n0\r\n\r\n`),
    'none, and nothing': { ...open(head()), check: timesOut },
    'none, and closed at once': closing(head()),
  },
  chunks: {
    'of a size beyond 2^64': { ...closing(`${chunked}fffffffffffffffff\r\n{}`), check: hasNoReply },
    'of 2^64 - 1': { ...closing(`${chunked}ffffffffffffffff\r\n{}`), check: hasNoReply },
    'of a negative size': { ...closing(`${chunked}-1\r\n{}\r\n0\r\n\r\n`), check: hasNoReply },
    'of no size': { ...closing(`${chunked}zz\r\n{}\r\n0\r\n\r\n`), check: hasNoReply },
    'longer than they say': { ...closing(`${chunked}1\r\n{}\r\n0\r\n\r\n`), check: hasNoReply },
    'without an end': { ...closing(`${chunked}2\r\n{}\r\n`), check: hasNoReply },
    'with an endless extension': { raw: `${chunked}2;`, endless: filler, check: hasNoReply },
    'with endless trailers': { raw: `${chunked}2\r\n{}\r\n0\r\n`, endless: Buffer.from('X-A: b\r\n'.repeat(5000)) },
    'with an endless size': {
      raw: chunked,
      endless: Buffer.alloc(65_536, '0'),
      options: { timeout: 300 },
      check: hasNoReply,
    },
  },
  'endless bodies': {
    'announced by nothing': { raw: head(), endless: filler, options: small, check: tooLarge },
    'with an announced terabyte': {
      raw: head('Content-Length: 1000000000000'),
      endless: filler,
      options: small,
      check: tooLarge,
    },
    'in chunks': {
      raw: chunked,
      endless: Buffer.concat([Buffer.from('10000\r\n'), filler, Buffer.from('\r\n')]),
      options: small,
      check: tooLarge,
    },
    'in chunks of a byte': {
      raw: chunked,
      endless: Buffer.from('1\r\nx\r\n'.repeat(500)),
      options: small,
      check: tooLarge,
    },
    'of an error': { raw: 'HTTP/1.1 500 No\r\n\r\n', endless: filler, options: small, check: tooLarge },
    'of a redirect': {
      raw: 'HTTP/1.1 307 No\r\nLocation: /v2/keys/good-other\r\n\r\n',
      endless: filler,
      options: small,
    },
    'of zeros': { raw: head(), endless: Buffer.alloc(65_536), options: small, check: tooLarge },
  },
  heads: {
    'with endless header lines': {
      raw: 'HTTP/1.1 200 OK\r\n',
      endless: Buffer.from('X-A: b\r\n'.repeat(5000)),
      check: hasNoReply,
    },
    'with an endless header line': { raw: 'HTTP/1.1 200 OK\r\nX-A: ', endless: filler, check: hasNoReply },
    'with an endless reason': { raw: 'HTTP/1.1 200 ', endless: filler, check: hasNoReply },
    'with endless empty lines': { raw: '', endless: Buffer.alloc(65_536, '\r\n'), options: { timeout: 300 } },
    'with 10,000 header lines': closing(withBody(okText, ...Array.from({ length: 10_000 }, (_, i) => `X-${i}: ${i}`))),
    'with 10,000 equal header lines': closing(withBody(okText, ...Array(10_000).fill('X-A: b'))),
    'after endless interim replies': {
      raw: '',
      endless: Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'.repeat(2000)),
      options: { timeout: 300 },
      check: hasNoReply,
    },
    'that drip for ever': {
      raw: 'HTTP/1.1 200 OK\r\nX-A: ',
      endless: Buffer.from('x'),
      pauseMs: 50,
      options: { timeout: 300 },
      check: hasNoReply,
    },
    'with NUL bytes': { ...closing(withBody(okText, 'X-\0: a\0b')), check: hasNoReply },
    'with a NUL in a value': { ...closing(withBody(okText, 'X-A: a\0b')), check: hasNoReply },
    'with invalid UTF-8': closing(
      Buffer.from(`HTTP/1.1 200 \xff\r\nX-A: \xff\xfe\r\nContent-Length: ${okText.length}\r\n\r\n${okText}`, 'latin1'),
    ),
    'with bare LF': closing(`HTTP/1.1 200 OK\nContent-Length: ${okText.length}\nX-A: b\n\n${okText}`),
    'with bare CR': { ...closing(withBody(okText, 'X-A: a\rX-B: b')), check: hasNoReply },
    'with a folded line': closing(withBody(okText, 'X-A: a', ' X-B: b')),
    'with a space before a colon': closing(withBody(okText, 'X-A : a')),
    'without a colon': { ...closing(withBody(okText, 'nothing')), check: hasNoReply },
    'with a nameless header': { ...closing(withBody(okText, ': a')), check: hasNoReply },
    'after empty lines': closing(`\r\n\r\n${withBody(okText)}`),
    'of status 999': {
      ...closing(status('999 Odd')),
      check: ({ err }) => assert.equal(err?.errors?.[0].httpstatus, 999),
    },
    'of status 000': { ...closing(status('000 Odd')), check: hasNoReply },
    'of status 99': { ...closing(status('99 Odd')), check: hasNoReply },
    'of status 1000': { ...closing(status('1000 Odd')), check: hasNoReply },
    'of status 101': {
      raw: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      options: { timeout: 300 },
    },
    'of status 204 with a body': closing(`HTTP/1.1 204 No\r\nContent-Length: ${okText.length}\r\n\r\n${okText}`),
    'of HTTP/1.0': { ...closing(`HTTP/1.0 200 OK\r\n\r\n${okText}`), check: isGood },
    'of HTTP/2.0': { ...closing(`HTTP/2.0 200 OK\r\n\r\n${okText}`), check: hasNoReply },
    'of HTTP/0.9': { ...closing(okText), check: hasNoReply },
    'of another protocol': { ...closing('SSH-2.0-OpenSSH_9.2\r\n'), check: hasNoReply },
    'that are a TLS alert': { ...closing(Buffer.from('15030100020228', 'hex')), check: hasNoReply },
    'that are an HTTP/2 preface': {
      ...closing('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'),
      check: hasNoReply,
    },
    'that are a request': { ...closing('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), check: hasNoReply },
    'that are nothing': { ...closing(''), check: hasNoReply },
    'cut off': { ...closing('HTTP/1.1 200 OK\r\nContent-Le'), check: hasNoReply },
    'that never come': { ...open(''), check: timesOut },
  },
  redirects: {
    'for ever': { ...closing(redirect('/v2/keys/redirects%20for%20ever')) },
    'to no URL': closing(redirect('http://[::1')),
    'to a file': closing(redirect('file:///etc/passwd')),
    'to a script': closing(redirect('javascript:alert(1)')),
    'to a port beyond all': closing(redirect('http://127.0.0.1:99999/')),
    'to port 0': closing(redirect('http://127.0.0.1:0/')),
    'to a very long URL': closing(redirect(`/v2/keys/${'x'.repeat(100_000)}`)),
    'to NUL and invalid UTF-8': closing(Buffer.from(redirect('/v2/keys/\xff\xfe'), 'latin1')),
  },
  bodies: {
    'of invalid UTF-8': {
      raw: withBody(Buffer.from('{"action":"get","node":{"value":"a\xff\xc3(\xed\xa0\x80z"}}', 'latin1')),
      check: ({ err, body }) => assert.ok(err === null && /^a\uFFFD+\(\uFFFD+z$/.test(body.node.value), `${body}`),
    },
    'of NUL bytes': { raw: withBody('\0\0\0'), check: ({ err }) => assert.equal(err?.httpbody, '\0\0\0') },
    'of JSON nested deep': {
      raw: withBody(`{"action":"get","node":{"value":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}}`),
      check({ err, body }) {
        assert.equal(err, null);
        let depth = 0;
        for (let list = body.node.value; list !== undefined; list = list[0]) depth += 1;
        assert.equal(depth, DEEP);
      },
    },
    'of JSON nested deep without an end': {
      raw: withBody('['.repeat(DEEP)),
      check: ({ err }) => assert.equal(err?.httpbody.length, DEEP),
    },
    'of JSON nested deep in an error': {
      raw: `HTTP/1.1 500 No\r\nContent-Length: ${2 * DEEP}\r\n\r\n${'['.repeat(DEEP)}${']'.repeat(DEEP)}`,
      check: ({ err }) => assert.equal(err?.errors[0].httpstatus, 500),
    },
    'with a deep message': {
      raw: withBody(`{"errorCode":1,"message":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`),
      check: ({ err }) => assert.equal(err?.errorCode, 1),
    },
    'with a message that is no text': {
      raw: withBody('{"errorCode":1,"message":{"toString":1,"valueOf":1}}'),
      check: ({ err }) => assert.equal(err?.errorCode, 1),
    },
    'with a message of a number': {
      raw: withBody('{"errorCode":1,"message":5}'),
      check: ({ err }) => assert.equal(err?.message, '5'),
    },
    'with __proto__ keys': {
      raw: withBody(
        '{"action":"get","node":{},"__proto__":{"polluted":1,"errorCode":1},"constructor":{"prototype":{"polluted":1}}}',
        '__proto__: polluted',
        'constructor: a',
      ),
      check({ err, body, headers }) {
        assert.equal(err, null);
        assert.deepEqual(
          [Object.getPrototypeOf(body), Object.getPrototypeOf(headers)],
          [Object.prototype, Object.prototype],
        );
        assert.deepEqual([{}.polluted, {}.errorCode, body.polluted, headers.polluted], Array(4).fill(undefined));
      },
    },
    'with __proto__ keys in an error': {
      raw: withBody('{"errorCode":1,"message":"no","__proto__":{"polluted":1}}'),
      check: ({ err }) =>
        assert.deepEqual(
          [err?.errorCode, err.polluted, err.error.polluted, {}.polluted],
          [1, undefined, undefined, undefined],
        ),
    },
  },
  gzip: {
    'that is a bomb': { raw: withBody(bomb, gzip), options: { ...small, gzip: true }, check: tooLarge },
    'that is a bomb of many members': {
      raw: head(gzip),
      endless: bomb,
      options: { ...small, gzip: true },
      check: tooLarge,
    },
    'that is none': { raw: withBody(okText, gzip), options: { gzip: true }, check: hasNoReply },
    'cut off': {
      raw: withBody(zlib.gzipSync(okText).subarray(0, 20), gzip),
      options: { gzip: true },
      check: hasNoReply,
    },
    'with a wrong checksum': {
      raw: withBody(Buffer.concat([zlib.gzipSync(okText).subarray(0, -8), Buffer.alloc(8, 1)]), gzip),
      options: { gzip: true },
      check: hasNoReply,
    },
    'of nothing': { raw: withBody('', gzip), options: { gzip: true } },
    'not asked for': { raw: withBody(bomb, gzip), options: small },
  },
};

const nameOf = (group, what) => encodeURIComponent(`${group} ${what}`);

before(async () => {
  server = await startHostile();
  const defined = {};
  for (const [group, cases] of Object.entries(CASES)) {
    for (const [what, { raw, endless, pauseMs, after: end }] of Object.entries(cases)) {
      defined[nameOf(group, what)] = { raw, endless, pauseMs, after: end };
    }
  }
  await server.define(defined);
});

for (const [group, cases] of Object.entries(CASES)) {
  describe(`hostile ${group}`, () => {
    for (const [what, { options, check }] of Object.entries(cases)) {
      test(what, async () => {
        for (const outcome of await outcomesOf(nameOf(group, what), options)) {
          check?.(outcome);
        }
      });
    }
  });
}

describe('a reply that nobody asked for', () => {
  const stolen = goodReply('stolen');

  test('before the request is not the reply to a later one', async () => {
    const etcd = new Etcd(server.eagerHost, { timeout: TIMEOUT, maxRetries: 0 });
    const other = new Etcd(server.host);
    for (let i = 0; i < 20; i++) {
      const name = `good-${++lastGood}`;
      const outcomes = [await settled(etcd.get(name)), etcd.getSync(name)];
      for (const { err, body } of outcomes) {
        assert.ok(err instanceof Error || body.node.value === name || body.node.value === 'eager');
      }
      // The server has sent the real replies too by now: a client that hears of them only later cannot tell.
      await assertUsable(other);
    }
  });

  for (const [what, garbage] of [
    ['a whole reply', stolen],
    ['many replies', Buffer.concat(Array(100).fill(stolen))],
    ['half a reply', stolen.subarray(0, 20)],
    ['random bytes', randomBytes(random(1), 1000)],
    ['a line break', Buffer.from('\r\n')],
  ]) {
    test(`after a good one is not the reply to the next request: ${what}`, async () => {
      const name = `garbage-${what.replaceAll(' ', '-')}`;
      await server.define({
        [name]: { raw: Buffer.concat([withBody(okText), garbage]) },
        [`${name}-later`]: {
          raw: [
            [0, withBody(okText)],
            [10, garbage],
          ],
        },
      });
      const etcd = new Etcd(server.host, { timeout: TIMEOUT, maxRetries: 0 });
      for (let i = 0; i < 20; i++) {
        isGood(await settled(etcd.get(name)));
        isGood(etcd.getSync(name));
        await assertUsable(etcd);
      }
      isGood(await settled(etcd.get(`${name}-later`)));
      isGood(etcd.getSync(`${name}-later`));
      await sleep(100);
      await assertUsable(etcd);
    });
  }
});

describe('fuzzed replies', () => {
  const COUNT = 300;

  test(`settle every call (SEED=${SEED})`, async (t) => {
    t.diagnostic(`SEED=${SEED}`);
    const next = random(SEED);
    const names = Array.from({ length: COUNT }, (_, i) => `fuzz-${i}`);
    const defined = {};
    for (const name of names) {
      const raw = next() < 0.3 ? randomReply(next) : mutated(next, goodReply(name));
      defined[name] = { raw, after: next() < 0.2 ? 'reset' : 'close' };
      defined[`${name}-open`] = { raw };
    }
    await server.define(defined);
    const rss = process.memoryUsage.rss();
    const etcd = new Etcd(server.host, {
      timeout: TIMEOUT,
      maxRetries: 0,
      maxResponseSize: 1e6,
      gzip: true,
      maxSockets: 1000,
    });
    const shown = (name) => `SEED=${SEED} ${name}: ${JSON.stringify(defined[name].raw.toString('latin1'))}`;
    const calls = new Map();
    const all = Object.keys(defined).map((name) =>
      inTime(TIMEOUT, () =>
        called((done) =>
          etcd.get(name, (...args) => {
            calls.set(name, (calls.get(name) ?? 0) + 1);
            done(...args);
          }),
        ).then(([err, body, headers]) => ({ err, body, headers })),
      ).catch((error) => assert.fail(`${shown(name)}: ${error.message}`)),
    );
    await Promise.all(all);
    for (const name of names) {
      const started = Date.now();
      assertOutcome(etcd.getSync(name) ?? assert.fail(shown(name)));
      assert.ok(Date.now() - started < TIMEOUT + GRACE, shown(name));
    }
    await assertUsable(etcd);
    for (const name of Object.keys(defined)) assert.equal(calls.get(name), 1, shown(name));
    assert.ok(process.memoryUsage.rss() - rss < MAX_GROWTH);
  });
});

test('a reply that takes long to read keeps nobody else from being answered', async () => {
  const etcd = new Etcd(server.host, { timeout: TIMEOUT, maxRetries: 0 });
  let isOver = false;
  const endless = settled(etcd.get(nameOf('chunks', 'with an endless size'))).finally(() => {
    isOver = true;
  });
  let answered = 0;
  for (; !isOver; answered += 1) await assertUsable(etcd);
  assert.ok((await endless).err);
  assert.ok(answered > 10, `${answered} others in ${TIMEOUT} ms`);
});

describe('a small reply that JSON makes much of', () => {
  const listOf = (element, size) => `[${`${element},`.repeat(size / (element.length + 1))}0]`;
  const MANY = {
    objects: listOf('{}', 24e6),
    lists: listOf('[]', 24e6),
    'objects with a name that makes them sparse': listOf('{"1023":0}', 48e6),
    'objects in objects': `${'{"a":'.repeat(4e6)}0${'}'.repeat(4e6)}`,
    'objects without an end': '[{"a":'.repeat(4e6),
  };

  for (const [what, body] of Object.entries(MANY)) {
    test(`${what}: fails in a process with a small heap, both ways and to a watcher`, async () => {
      const wire = await scripted([], { fallback: { reply: { body, headers: { 'x-etcd-index': '1' } } } });
      const codes = await printedBy(
        `const Etcd = require('.');
        const codeOf = (err) => err.errors[0].httperror.code;
        (async () => {
          const etcd = new Etcd(process.argv[1], { maxRetries: 0 });
          const promise = await etcd.get('a').then(() => 'taken', codeOf);
          const sync = codeOf(etcd.getSync('a').err);
          const watcher = etcd.watcher('a', 1);
          const watched = await new Promise((resolve) => watcher.once('reconnect', ({ error }) => resolve(codeOf(error))));
          watcher.stop();
          console.log(JSON.stringify([promise, sync, watched]));
        })()`,
        { args: [wire.host], execArgv: ['--max-old-space-size=256'] },
      );
      assert.deepEqual(codes, Array(3).fill('ERR_RESPONSE_TOO_LARGE'));
    });
  }

  test('is taken when it has no more values than etcd may send of 200,000 keys', async () => {
    const nodes = Array.from({ length: 200_000 }, (_, i) => ({
      key: `/a/${i}`,
      value: '[,{',
      modifiedIndex: i,
      createdIndex: i,
    }));
    const json = { action: 'get', node: { key: '/a', dir: true, nodes } };
    const wire = await scripted([{ reply: { json } }]);
    const body = await new Etcd(wire.host).get('a', { recursive: true });
    assert.deepEqual(body, json);
  });
});

describe('a reply of 32 MiB', () => {
  const value = 'x'.repeat(32 * 2 ** 20);
  const json = { action: 'get', node: { key: '/k', value } };

  test('comes complete, chunked or not, both ways', async () => {
    for (const chunked of [false, true]) {
      const wire = await scripted([], { fallback: { reply: { json, chunked } } });
      const etcd = new Etcd(wire.host);
      assert.ok((await etcd.get('k')).node.value === value, 'asynchronous');
      assert.ok(etcd.getSync('k').body.node.value === value, 'Sync');
    }
  });

  test('that is cut short is an error', async () => {
    const wire = await scripted([], { fallback: { cut: { bytes: 30e6, json } } });
    const etcd = new Etcd(wire.host);
    for (const { err } of [await settled(etcd.get('k', { maxRetries: 0 })), etcd.getSync('k', { maxRetries: 0 })]) {
      assert.equal(err.errors[0].httperror.code, 'ECONNRESET');
    }
  });
});

/** Resolves with the outcome of a promise in the shape of that of a Sync call. */
function settled(token) {
  return token.then(
    (body) => ({ err: null, body, headers: token.headers }),
    (err) => ({ err, body: '', headers: token.headers }),
  );
}

function randomBytes(next, length) {
  return Buffer.from(Array.from({ length }, () => Math.floor(next() * 256)));
}

/** Random bytes, alone or after something that makes the client read on. */
function randomReply(next) {
  const starts = ['', 'HTTP/1.1 ', 'HTTP/1.1 200 OK\r\n', head(), head('Content-Length: 50'), chunked, head(gzip)];
  const start = starts[Math.floor(next() * starts.length)];
  return Buffer.concat([Buffer.from(start), randomBytes(next, Math.floor(next() * 2000))]);
}

/** A reply with a few bytes changed, cut out, doubled or put in. */
function mutated(next, reply) {
  const pieces = [
    '\r\n',
    '\r\n\r\n',
    '\0',
    '\xff',
    '-',
    '9',
    ':',
    '[',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 3\r\n',
    '{"errorCode":1,',
  ];
  let bytes = reply;
  for (let left = 1 + Math.floor(next() * 5); left > 0; left--) {
    const from = Math.floor(next() * (bytes.length + 1));
    const to = Math.min(bytes.length, from + Math.floor(next() * 20));
    const kinds = [
      randomBytes(next, to - from),
      Buffer.alloc(0),
      Buffer.concat([bytes.subarray(from, to), bytes.subarray(from, to)]),
      Buffer.from(pieces[Math.floor(next() * pieces.length)], 'latin1'),
    ];
    const put = kinds[Math.floor(next() * kinds.length)];
    bytes = Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(put === kinds[3] ? from : to)]);
  }
  return bytes;
}
