'use strict';

// Which host a request goes to, and which next.

const assert = require('node:assert/strict');
const { inspect } = require('node:util');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { startDeaf } = require('../support/deaf-server');
const { connectTo, freePort, freshPrefix, withEtcd } = require('../support/etcd');
const { called, rejection, waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const server = withEtcd();
const refusing = async () => `127.0.0.1:${await freePort()}`;

describe('the hosts', () => {
  test('are tried in a random order, each once', () => {
    const hosts = ['a.invalid:1', 'b.invalid:1', 'c.invalid:1'];
    const etcd = new Etcd(hosts);
    const orders = new Set();
    for (let i = 0; i < 400; i++) {
      const token = etcd.get('k', () => {});
      token.abort();
      assert.deepEqual([...token.servers].sort(), etcd.getHosts());
      orders.add(token.servers.join());
    }
    assert.equal(orders.size, 6);
  });

  test('are asked in the order that the token tells', async () => {
    const wires = await Promise.all([1, 2, 3].map(() => scripted([], { fallback: { reply: { status: 500 } } })));
    const etcd = new Etcd(wires.map(({ host }) => host));
    const token = etcd.get('k');
    const err = await rejection(token);
    assert.deepEqual(
      err.errors.map((entry) => entry.server),
      token.servers,
    );
    for (const wire of wires) assert.equal((await wire.requests()).length, 1);
    const times = err.errors.map(({ timestamp }) => Number(timestamp));
    assert.deepEqual([...times].sort(), times);
  });

  test('share the requests', async () => {
    const wires = await Promise.all([1, 2].map(() => scripted([], { fallback: { echo: true } })));
    const etcd = new Etcd(wires.map(({ host }) => host));
    await Promise.all(Array.from({ length: 64 }, () => etcd.get('k')));
    const counts = await Promise.all(wires.map(async (wire) => (await wire.requests()).length));
    assert.equal(counts[0] + counts[1], 64);
    assert.ok(counts[0] > 0 && counts[1] > 0, String(counts));
  });
});

describe('the next host is asked when one', () => {
  const failures = {
    'answers with a status of 500': { reply: { status: 500, body: 'no' } },
    'answers with a status of 599 and JSON': { reply: { status: 599, json: { message: 'no' } } },
    'answers that a leader is being elected': { reply: { status: 500, json: { errorCode: 301 } } },
    'resets the connection': { reset: true },
    'closes the connection': { close: true },
    'cuts its reply short': { cut: { body: '0123456789', bytes: 4 } },
    'cuts a chunked reply short': { cut: { body: '0123456789', chunked: true, bytes: 4 } },
    'does not answer in time': { stall: true },
    'stops in the middle of its reply': { reply: { chunks: ['{'], hold: true } },
    'does not speak HTTP': { raw: 'hello\r\n\r\n', after: 'close' },
  };

  for (const [what, step] of Object.entries(failures)) {
    test(what, async () => {
      const bad = await scripted([], { fallback: step });
      const good = await scripted([], { fallback: { echo: true } });
      const etcd = new Etcd([bad.host, good.host], { timeout: 200 });
      let failures = 0;
      for (let i = 0; failures === 0 && i < 50; i++) {
        const token = etcd.set('k', i);
        assert.equal((await token).node.value, String(i));
        failures = token.errors.length;
        if (failures > 0) assert.equal(token.errors[0].server, bad.url);
        assert.equal(token.retries, 0);
      }
      assert.equal(failures, 1);
      assert.equal((await bad.requests()).length, 1);
    });
  }

  test('refuses the connection', async () => {
    const key = freshPrefix('failover');
    const etcd = connectTo([await refusing(), await refusing(), server.host]);
    for (let i = 0; i < 20; i++) assert.equal((await etcd.set(key, i)).node.value, String(i));
  });

  test('has a name that is unknown', async () => {
    const etcd = connectTo(['no-such-host.invalid:2379', server.host]);
    for (let i = 0; i < 10; i++) assert.equal((await etcd.version()).etcdserver, server.version);
  });

  test('and not when one answers with a status below 500', async () => {
    const wires = await Promise.all(
      [1, 2].map(() => scripted([], { fallback: { reply: { status: 499, body: 'x' } } })),
    );
    const etcd = new Etcd(wires.map(({ host }) => host));
    assert.equal((await rejection(etcd.get('k'))).httpstatus, 499);
    const requests = (await Promise.all(wires.map((wire) => wire.requests()))).flat();
    assert.equal(requests.length, 1);
  });
});

describe('a host that failed', () => {
  const echo = { fallback: { echo: true } };
  const requestsTo = async (wire) => (await wire.requests()).length;
  /** Makes requests until the bad host has failed for one. */
  const failOnce = async (etcd, bad) => {
    for (let i = 0; (await requestsTo(bad)) === 0 && i < 50; i++) await etcd.set('k', i);
    assert.equal(await requestsTo(bad), 1);
  };

  for (const [what, step] of Object.entries({
    'by a lost connection': { reset: true },
    'by a timeout': { stall: true },
  })) {
    test(`${what} is asked last by later requests, Sync ones as well`, async () => {
      const [bad, good] = [await scripted([], { fallback: step }), await scripted([], echo)];
      const etcd = new Etcd([bad.host, good.host], { timeout: 500 });
      await failOnce(etcd, bad);
      const before = await requestsTo(good);
      for (let i = 0; i < 20; i++) {
        const token = etcd.set('k', i);
        assert.deepEqual(token.servers, [good.url, bad.url]);
        await token;
        assert.equal(etcd.setSync('k', i).err, null);
      }
      assert.deepEqual([await requestsTo(bad), await requestsTo(good)], [1, before + 40]);
    });
  }

  test('during a Sync call is asked last by those that are not', async () => {
    const [bad, good] = [await scripted([], { fallback: { reset: true } }), await scripted([], echo)];
    const etcd = new Etcd([bad.host, good.host]);
    for (let i = 0; (await requestsTo(bad)) === 0 && i < 50; i++) etcd.setSync('k', i);
    await Promise.all(Array.from({ length: 40 }, (_, i) => etcd.set('k', i)));
    assert.equal(await requestsTo(bad), 1);
  });

  test('is still asked when the others fail as well', async () => {
    const bad = await scripted([{ reset: true }], echo);
    const good = await scripted([], echo);
    const etcd = new Etcd([bad.host, good.host]);
    await failOnce(etcd, bad);
    await good.setScript([], { fallback: { reset: true } });
    const token = etcd.set('k', 'v');
    assert.equal((await token).node.value, 'v');
    assert.deepEqual(
      token.errors.map((entry) => entry.server),
      [good.url],
    );
  });

  test('is tried again after a while, and has its share of the requests once it answers', async () => {
    const [bad, good] = [await scripted([{ reset: true }], echo), await scripted([], echo)];
    const etcd = new Etcd([bad.host, good.host]);
    await failOnce(etcd, bad);
    const again = async () => {
      await etcd.get('k');
      return (await requestsTo(bad)) > 1;
    };
    await waitUntil(again, { timeoutMs: 30_000 });
    const before = await requestsTo(bad);
    for (let i = 0; i < 50; i++) await etcd.get('k');
    const share = (await requestsTo(bad)) - before;
    assert.ok(share > 0 && share < 50, String(share));
  });
});

describe('the error when no host is left', () => {
  test('is all that the callback gets', async () => {
    const args = await called(async (done) => new Etcd(await refusing(), { maxRetries: 0 }).get('k', done));
    assert.equal(args.length, 1);
    const [err] = args;
    assert.ok(err instanceof Error);
    assert.deepEqual([err.message, err.retries, err.errors.length], ['All servers returned error', 0, 1]);
  });

  test('tells of each try what the network said', async () => {
    const host = await refusing();
    const before = Date.now();
    const { errors } = await rejection(new Etcd(host, { maxRetries: 0 }).get('k'));
    const [{ httperror, timestamp, ...entry }] = errors;
    assert.deepEqual(entry, {
      server: `http://${host}`,
      httpstatus: undefined,
      httpbody: undefined,
      response: undefined,
    });
    assert.ok(httperror instanceof Error);
    const [address, port] = host.split(':');
    const { message, code, errno, syscall, address: at, port: of } = httperror;
    const expected = [`connect ECONNREFUSED ${host}`, 'ECONNREFUSED', -111, 'connect', address, Number(port)];
    if (process.platform === 'linux') assert.deepEqual([message, code, errno, syscall, at, of], expected);
    assert.ok(timestamp instanceof Date);
    assert.ok(timestamp >= before - 1 && timestamp <= Date.now() + 1, `${before} ${Number(timestamp)}`);
  });

  test('tells of each try what the server answered', async () => {
    const json = { message: 'overloaded' };
    const wire = await scripted([], { fallback: { reply: { status: 503, json, headers: { 'X-A': '1' } } } });
    const { errors } = await rejection(new Etcd(wire.host).get('k'));
    assert.equal(errors.length, 1);
    const [{ timestamp, response, ...entry }] = errors;
    assert.deepEqual(entry, { server: wire.url, httperror: null, httpstatus: 503, httpbody: json });
    assert.deepEqual([response.statusCode, response.headers['x-a'], response.body], [503, '1', json]);
    assert.ok(timestamp instanceof Date);
  });

  test('has the text of an answer that is no JSON', async () => {
    const wire = await scripted([], { fallback: { reply: { status: 502, body: '<html>' } } });
    const { errors } = await rejection(new Etcd(wire.host).get('k'));
    assert.deepEqual([errors[0].httpstatus, errors[0].httpbody], [502, '<html>']);
  });

  test('has the same entries in the order of the tries as the token', async () => {
    const wire = await scripted([], { fallback: { reply: { status: 500 } } });
    const token = new Etcd([wire.host, await refusing()]).get('k');
    const err = await rejection(token);
    assert.equal(err.errors, token.errors);
    assert.deepEqual(
      err.errors.map(({ server: url }) => url),
      token.servers,
    );
  });

  test('is the same for a Sync call', async () => {
    const wire = await scripted([], { fallback: { reply: { status: 503, body: 'no' } } });
    const { err } = new Etcd(wire.host).getSync('k');
    const { server: url, httperror, httpstatus, httpbody, response } = err.errors[0];
    assert.deepEqual([url, httperror, httpstatus, httpbody, response.statusCode], [wire.url, null, 503, 'no', 503]);
  });

  test('shows no password, nor does the token', async () => {
    const [encoded, password] = ['s%C3%A9cr%40t', 'sécr@t'];
    const basic = Buffer.from(`alice:${password}`).toString('base64');
    const wire = await scripted([], { fallback: { reset: true } });
    const hosts = [`alice:${encoded}@${wire.host}`, `alice:${encoded}@${await refusing()}`];
    const token = new Etcd(hosts, { maxRetries: 0 }).get('k');
    const shown = [token, await rejection(token)].map((value) => inspect(value, { depth: 20, showHidden: true }));
    for (const text of shown) {
      for (const secret of [encoded, password, basic, 'alice']) assert.equal(text.includes(secret), false, text);
    }
    // It was a secret that mattered.
    assert.equal((await wire.requests())[0].headers.authorization, `Basic ${basic}`);
  });
});

describe('a timeout', () => {
  test('while waiting for an answer is an ESOCKETTIMEDOUT, at each host once, and not retried', async () => {
    const wires = await Promise.all([1, 2].map(() => scripted([], { fallback: { stall: true } })));
    const err = await rejection(
      new Etcd(
        wires.map(({ host }) => host),
        { timeout: 50 },
      ).set('k', 'v'),
    );
    assert.equal(err.retries, 0);
    assert.deepEqual(
      err.errors.map(({ httperror: { message, code, connect } }) => [message, code, connect]),
      Array(2).fill(['ESOCKETTIMEDOUT', 'ESOCKETTIMEDOUT', false]),
    );
    for (const wire of wires) await wire.waitFor((requests) => requests.length === 1 && requests[0].aborted);
  });

  test('while connecting is an ETIMEDOUT, and not retried', { skip: process.platform !== 'linux' }, async () => {
    const deaf = keep(await startDeaf());
    const err = await rejection(new Etcd(`127.0.0.1:${deaf.port}`, { timeout: 50 }).get('k'));
    const { message, code, connect } = err.errors[0].httperror;
    assert.deepEqual([message, code, connect], ['ETIMEDOUT', 'ETIMEDOUT', true]);
    assert.deepEqual([err.errors.length, err.retries], [1, 0]);
  });

  test('is counted from the last byte, not from the start', async () => {
    const chunks = Array.from('{"action":"get","node":{}}', (data) => ({ data, delayMs: 50 }));
    const wire = await scripted([{ reply: { chunks } }]);
    assert.deepEqual(await new Etcd(wire.host, { timeout: 900 }).get('k'), { action: 'get', node: {} });
  });

  test('of a call wins over that of the client, and none is sent to the server', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const err = await rejection(new Etcd(wire.host, { timeout: 60_000 }).get('k', { timeout: 50 }));
    assert.equal(err.errors[0].httperror.code, 'ESOCKETTIMEDOUT');
    assert.equal((await wire.requests())[0].url, '/v2/keys/k');
  });

  test('of zero is none', async () => {
    const wire = await scripted([{ delayMs: 300, echo: true }]);
    assert.equal((await new Etcd(wire.host, { timeout: 50 }).get('k', { timeout: 0 })).node.key, '/k');
  });
});
