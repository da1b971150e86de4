'use strict';

// What a watcher does when the server, the network or a listener fails.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const Etcd = require('../..');
const { keep, scripted } = require('../support/clean-up');
const { freePort, withClient } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { waitUntil } = require('../support/promises');
const { describe, test } = require('../support/test');

const t = withClient('watcher');

const watch = (hosts, name, index) => keep(new Etcd(hosts).watcher(name, index));

/** An event that comes while its poll is open. */
const event = (index) => ({
  headers: { 'X-Etcd-Index': String(index - 1) },
  json: { action: 'set', node: { key: '/k', value: 'v', modifiedIndex: index, createdIndex: index } },
});
/** As `once`, which would reject for an event of that name. */
const nextError = (watcher) => new Promise((resolve) => watcher.once('error', (...args) => resolve(args)));
/** An answer, and itself as what is told of it. */
const twice = (json) => [{ json }, json];
const urlsOf = (requests) => requests.map(({ url }) => url);

describe('a watcher whose server', { timeout: 60_000 }, () => {
  test('is killed and started again reconnects, and sees what happened in between', async () => {
    const { node } = await t.etcd.set(t.key, 'first');
    const watcher = keep(t.connect().watcher(t.key, node.modifiedIndex));
    await once(watcher, 'change');
    const reconnect = once(watcher, 'reconnect');
    await t.server.kill();
    const [err] = await reconnect;
    assert.equal(err.message, 'Connection error, reconnecting.');
    assert.deepEqual([err.reconnectCount, err.error.message], [0, 'All servers returned error']);
    assert.match(err.error.errors[0].httperror.code, /^ECONN/);
    const values = [];
    const last = new Promise((resolve) => {
      watcher.on('change', (body) => {
        values.push(body.node.value);
        if (body.node.value === 'last') resolve();
      });
    });
    await t.server.start();
    for (const value of ['second', 'third', 'last']) await t.etcd.set(t.key, value);
    await last;
    assert.deepEqual([values, watcher.retryAttempts], [['second', 'third', 'last'], 0]);
  });

  test('is not there counts its attempts', async () => {
    const watcher = watch(`127.0.0.1:${await freePort()}`, 'k');
    const [first] = await once(watcher, 'reconnect');
    assert.equal(watcher.retryAttempts, 1);
    const [second] = await once(watcher, 'reconnect');
    assert.deepEqual([first.reconnectCount, second.reconnectCount, watcher.index], [0, 1, null]);
    assert.equal(first.error.errors[0].httperror.code, 'ECONNREFUSED');
  });

  test('drops the connection before the first event asks for what came since, also after a start at 0', async () => {
    for (const start of [0, '0', null]) {
      const cut = { cut: { bytes: 0, after: 'reset', ...event(5) } };
      const wire = await scripted([cut, { reply: event(5) }], { fallback: { stall: true } });
      const watcher = watch(wire.host, 'k', start);
      assert.equal(watcher.index, null);
      assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 5);
      const [first, second] = urlsOf(await wire.requests());
      assert.deepEqual([first, second], ['/v2/keys/k?wait=true', '/v2/keys/k?waitIndex=5&wait=true']);
    }
  });

  test('drops the connection asks again for the same index', async () => {
    const steps = [{ reset: true }, { cut: { ...event(4), bytes: 9 } }, { reply: event(4) }];
    const wire = await scripted(steps, { fallback: { stall: true } });
    const watcher = watch(wire.host, 'k', 3);
    const reconnects = [];
    watcher.on('reconnect', (err) => reconnects.push(err.error.errors[0].httperror.code));
    const [body] = await once(watcher, 'change');
    assert.deepEqual([body.node.modifiedIndex, reconnects], [4, ['ECONNRESET', 'ECONNRESET']]);
    const again = '/v2/keys/k?waitIndex=3&wait=true';
    assert.deepEqual(urlsOf(await wire.waitFor(4)), [again, again, again, '/v2/keys/k?waitIndex=5&wait=true']);
  });

  test('sends an event slowly is waited for as long as bytes come, by one poll', async () => {
    const body = JSON.stringify(event(4).json);
    const chunks = Array.from({ length: 20 }, (_, at) => ({
      data: body.slice((at * body.length) / 20, ((at + 1) * body.length) / 20),
      delayMs: 100,
    }));
    const wire = await scripted([{ reply: { ...event(4), json: undefined, chunks } }], { fallback: { stall: true } });
    // A poll that is quiet is replaced after 1 s at the latest.
    const watcher = keep(new Etcd(wire.host).watcher('k', 3, { liveness: 2000 }));
    const [change] = await once(watcher, 'change');
    assert.equal(change.node.modifiedIndex, 4);
    assert.deepEqual(urlsOf(await wire.requests()).filter((url) => url.includes('waitIndex=3&')).length, 1);
  });

  test('sends a part of an event, and then dies, has not said that there was none', async () => {
    const outdated = { status: 400, json: { errorCode: 401, message: 'outdated', cause: '', index: 2000 } };
    const part = { headers: { 'X-Etcd-Index': '900' }, chunks: ['{"action":'], hold: true };
    const wire = await scripted([{ reply: part }, { reply: outdated }], { fallback: { stall: true } });
    const watcher = keep(new Etcd(wire.host).watcher('k', 3, { liveness: 400 }));
    const [reconnect] = await once(watcher, 'reconnect');
    assert.equal(reconnect.error.errors[0].httperror.code, 'ESOCKETTIMEDOUT');
    const [resync] = await once(watcher, 'resync');
    assert.equal(resync.error.index, 2000);
  });

  test('wants other credentials is an error event, and the watcher stays', async () => {
    const denied = { errorCode: 110, message: 'The request requires user authentication', index: 0 };
    const wire = await scripted([{ reply: { status: 401, json: denied } }], { fallback: { stall: true } });
    const watcher = watch(wire.host, 'k');
    const [err] = await nextError(watcher);
    assert.deepEqual([err.message, err.response], ['Received unexpected response', denied]);
    assert.deepEqual([watcher.stopped, watcher.retryAttempts], [false, 1]);
  });

  test('has another error goes on asking', async () => {
    const denied = { errorCode: 300, message: 'Raft Internal Error', index: 2 };
    const wire = await scripted([{ reply: { status: 400, json: denied } }, { reply: event(3) }], {
      fallback: { stall: true },
    });
    const watcher = watch(wire.host, 'k');
    const [err] = await once(watcher, 'reconnect');
    assert.deepEqual([err.error.errorCode, err.reconnectCount], [300, 0]);
    assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 3);
  });

  test('ends a poll without an event reconnects with the headers, and asks again', async () => {
    const empty = { headers: { 'X-Etcd-Index': '8' } };
    const wire = await scripted([{ reply: event(3) }, { reply: empty }, { reply: event(9) }], {
      fallback: { stall: true },
    });
    const watcher = watch(wire.host, 'k');
    await once(watcher, 'change');
    const [err] = await once(watcher, 'reconnect');
    assert.equal(err.message, 'Etcd timed out watcher, reconnecting.');
    assert.deepEqual([err.headers['x-etcd-index'], err.error], ['8', undefined]);
    assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 9);
    assert.equal(urlsOf(await wire.requests())[2], '/v2/keys/k?waitIndex=4&wait=true');
  });

  test('no longer has the events of its index emits resync and goes on from where etcd is', async () => {
    await t.etcd.set(t.key, 'old');
    for (let round = 0; round < 11; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => t.etcd.set(`${t.key}-other`, i)));
    }
    const watcher = keep(t.connect().watcher(t.key, 1));
    const events = [];
    watcher.on('change', (body) => events.push(body.node.value));
    const [err] = await once(watcher, 'resync');
    assert.deepEqual([err.errorCode, err.error.errorCode], [401, 401]);
    assert.equal(watcher.index, err.error.index);
    const change = once(watcher, 'change');
    await t.etcd.set(t.key, 'new');
    await change;
    assert.deepEqual(events, ['new']);
  });
});

describe('an answer that is no event', { timeout: 60_000 }, () => {
  const odd = [
    ['a page', { body: '<html>' }, '<html>'],
    ['JSON without a node', { json: { health: 'true' } }, { health: 'true' }],
    ['nothing, from a server that is no etcd', {}, undefined],
    ['a text with a status of 404', { status: 404, body: '404 page not found\n' }, '404 page not found\n'],
    ['an event before the index that was asked for', { ...event(1) }, event(1).json],
    [
      'a node without an index',
      { json: { action: 'get', node: { dir: true } } },
      { action: 'get', node: { dir: true } },
    ],
    ['an event without an action', { json: { node: event(5).json.node } }, { node: event(5).json.node }],
    ['an action that is no string', ...twice({ ...event(5).json, action: {} })],
    ['a list in the place of the node', ...twice({ action: 'set', node: ['/k', 5] })],
    ['a list in the place of the event', ...twice(['set', event(5).json.node, null, null])],
    ['a list in the place of an error', ...twice(['set', null, 401, 5])],
  ];

  for (const [what, reply, response] of odd) {
    test(`such as ${what} is an error event, and the watcher goes on`, async () => {
      const wire = await scripted([{ reply }, { reply: event(5) }], { fallback: { stall: true } });
      const watcher = watch(wire.host, 'k', 4);
      const [err] = await nextError(watcher);
      assert.equal(err.message, 'Received unexpected response');
      assert.equal(err.code, 'ERR_NOT_ETCD');
      assert.deepEqual(err.response, response);
      assert.equal((await once(watcher, 'change'))[0].node.modifiedIndex, 5);
    });
  }

  test('such as one with an action of another name is a change alone, also if that is an event of the watcher', async () => {
    const names = ['error', 'stop', 'resync', 'reconnect', 'newListener', 'get', '', '__proto__'];
    const steps = names.map((action, i) => ({ reply: { json: { ...event(i + 4).json, action } } }));
    const wire = await scripted([...steps, { reply: event(99) }], { fallback: { stall: true } });
    const watcher = watch(wire.host, 'k', 4);
    const changes = [];
    watcher.on('change', ({ action }) => changes.push(action));
    const told = new Set();
    watcher.emit = new Proxy(watcher.emit, {
      apply(emit, self, [name, body, ...rest]) {
        if (body?.node) told.add(name);
        return emit.call(self, name, body, ...rest);
      },
    });
    await once(watcher, 'set');
    assert.deepEqual(
      [changes, [...told]],
      [
        [...names, 'set'],
        ['change', 'set'],
      ],
    );
  });

  test('is a process warning if nobody listens for errors', async () => {
    const wire = await scripted([{ reply: { body: '<html>' } }, { reply: event(5) }], { fallback: { stall: true } });
    const source = `
      const Etcd = require('.');
      const watcher = new Etcd(process.argv[1]).watcher('k');
      const seen = [];
      process.on('warning', ({ message }) => seen.push(message));
      watcher.on('change', ({ node }) => {
        watcher.stop();
        console.log(JSON.stringify([...seen, node.modifiedIndex]));
      });`;
    const [warning, index, ...rest] = await printedBy(source, { args: [wire.host] });
    assert.match(warning, /'k'.*unexpected response/);
    assert.deepEqual([index, rest], [5, []]);
  });
});

describe('a listener that throws', { timeout: 60_000 }, () => {
  for (const name of ['change', 'set']) {
    test(`for ${name} is an uncaught exception, and the watch goes on`, async () => {
      const source = `
        const Etcd = require('.');
        const [host, key, name] = process.argv.slice(1);
        const etcd = new Etcd(host);
        const [index] = [1, 2, 3].map((value) => etcd.setSync(key, value).body.node.modifiedIndex);
        const seen = [];
        process.on('uncaughtException', (err) => seen.push(err.message));
        const watcher = etcd.watcher(key, index);
        watcher.on(name, ({ node }) => {
          if (node.value === '3') watcher.stop();
          throw new Error('thrown at ' + node.value);
        });
        watcher.on('stop', () => setImmediate(() => console.log(JSON.stringify(seen))));`;
      assert.deepEqual(await printedBy(source, { args: [t.host, t.key, name] }), [
        'thrown at 1',
        'thrown at 2',
        'thrown at 3',
      ]);
    });
  }

  test('ends a process that does not handle it', async () => {
    const source = `
      const Etcd = require('.');
      const [host, key] = process.argv.slice(1);
      const etcd = new Etcd(host);
      const { node } = etcd.setSync(key, 1).body;
      process.on('exit', (code) => {
        console.log(code);
        process.exitCode = 0;
      });
      etcd.watcher(key, node.modifiedIndex).on('change', () => { throw new Error('on purpose'); });`;
    assert.equal(await printedBy(source, { args: [t.host, t.key] }), 1);
  });
});

describe('a watcher of several hosts', { timeout: 60_000 }, () => {
  test('goes on with the next one, without a word', async () => {
    const wire = await scripted([{ reply: event(3) }], { fallback: { stall: true } });
    for (let round = 0; round < 4; round++) {
      const watcher = watch([`127.0.0.1:${await freePort()}`, wire.host], 'k', 3);
      watcher.on('reconnect', () => assert.fail('one of the hosts answers'));
      await waitUntil(async () => (await wire.requests()).length > round);
      watcher.stop();
    }
  });

  test('reconnects once all of them have failed, and says how each did', async () => {
    const broken = await scripted([], { fallback: { reply: { status: 500, body: 'broken' } } });
    const hosts = [`127.0.0.1:${await freePort()}`, broken.host];
    const watcher = watch(hosts, 'k');
    for (const count of [0, 1, 2]) {
      const [err] = await once(watcher, 'reconnect');
      const { errors, retries } = err.error;
      assert.deepEqual([err.reconnectCount, errors.length, retries], [count, 2, 0]);
      const byServer = Object.fromEntries(errors.map((entry) => [entry.server, entry]));
      assert.equal(byServer[`http://${hosts[0]}`].httperror.code, 'ECONNREFUSED');
      assert.equal(byServer[`http://${hosts[1]}`].httpstatus, 500);
    }
  });

  test('asks a refusing one again and again, and counts', async () => {
    const watcher = watch(`127.0.0.1:${await freePort()}`, 'k');
    const counts = [];
    for (let round = 0; round < 6; round++) {
      const [{ reconnectCount }] = await once(watcher, 'reconnect');
      counts.push(reconnectCount);
    }
    assert.deepEqual(counts, [0, 1, 2, 3, 4, 5]);
  });
});

describe('during a pause', { timeout: 60_000 }, () => {
  const script = (stop) => `
    const Etcd = require('.');
    const controller = new AbortController();
    const watcher = new Etcd(process.argv[1]).watcher('k', null, { signal: controller.signal });
    const seen = [];
    for (const name of ['change', 'reconnect', 'error', 'stop']) watcher.on(name, () => seen.push(name));
    watcher.on('reconnect', () => {
      // The pause now is 1.28 s at least.
      if (seen.length === 9) setImmediate(() => {
        ${stop};
        const stopped = Date.now();
        process.on('exit', () => console.log(JSON.stringify([seen, watcher.stopped, Date.now() - stopped < 1000])));
      });
    });`;

  for (const [what, stop] of [
    ['stop ends the pause, and the process can end', 'watcher.stop()'],
    ['so does a signal', 'controller.abort()'],
  ]) {
    test(what, async () => {
      const wire = await scripted([], { fallback: { reset: true } });
      const seen = [...Array(9).fill('reconnect'), 'stop'];
      assert.deepEqual(await printedBy(script(stop), { args: [wire.host] }), [seen, true, true]);
      assert.equal((await wire.requests()).length, 9);
    });
  }
});

test('a watcher keeps the process alive until it is stopped', async () => {
  const source = `
    const Etcd = require('.');
    const [host, key] = process.argv.slice(1);
    const etcd = new Etcd(host);
    const watcher = etcd.watcher(key);
    watcher.on('change', ({ node }) => {
      watcher.stop();
      console.log(JSON.stringify(node.value));
    });
    setInterval(() => etcd.set(key, 'v', () => {}), 100).unref();`;
  assert.equal(await printedBy(source, { args: [t.host, t.key] }), 'v');
});
