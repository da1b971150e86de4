'use strict';

// The fault proxy, a tool of other tests, tested.

const assert = require('node:assert/strict');
const net = require('node:net');
const { once } = require('node:events');
const { after, before, describe, test } = require('node:test');
const { keep } = require('../clean-up');
const { waitUntil } = require('../promises');
const { startFaultProxy } = require('.');

const HEAD = 'HTTP/1.1 200 OK\r\nX-Number: 123456789\r\n\r\n';
const REPLY = HEAD + 'b'.repeat(500);
const REQUEST = 'GET / HTTP/1.1\r\n\r\n';

/** Sends REPLY for each REQUEST. */
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  const connection = { received: 0, hasEnded: false };
  served.push(connection);
  let answered = 0;
  socket.on('error', () => {});
  socket.on('end', () => {
    connection.hasEnded = true;
    socket.end();
  });
  socket.on('data', ({ length }) => {
    connection.received += length;
    for (; answered < Math.floor(connection.received / REQUEST.length); answered++) socket.write(REPLY);
  });
});
const served = [];

before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
after(() => server.close());

async function proxied(faults, limits) {
  const plan = faults && { faults, bytes: 400, replies: 1, ...limits };
  return keep(await startFaultProxy(server.address().port, { seed: 7, plan }));
}

/** A connection on which REQUEST was sent: { text, chunks, end }, `end` being 'end' or an error's code, once it came. */
function request({ port }) {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const seen = { socket, text: '', chunks: 0, end: undefined };
  seen.ended = new Promise((resolve) => {
    const end = (how) => {
      seen.end ??= how;
      resolve();
    };
    socket.on('end', () => end('end'));
    socket.on('error', ({ code }) => end(code));
  });
  socket.setEncoding('latin1').on('data', (text) => {
    seen.text += text;
    seen.chunks += 1;
  });
  socket.write(REQUEST);
  return seen;
}

/** As `request`, to its end once it was harmed, for which some have to wait for `calm`. */
async function harmed(proxy, name, { calm = false } = {}) {
  const seen = request(proxy);
  await waitUntil(async () => (await proxy.report()).struck[name] === 1);
  if (calm) await proxy.calm();
  await seen.ended;
  seen.socket.destroy();
  return seen;
}

const isCutShort = ({ text }) => text.length < REPLY.length && REPLY.startsWith(text);

describe('a fault proxy', { timeout: 30_000 }, () => {
  test('without a plan passes everything on', async () => {
    const seen = request(await proxied());
    await waitUntil(() => seen.text === REPLY);
    seen.socket.end();
    await seen.ended;
    assert.equal(seen.end, 'end');
  });

  test('resets', async () => {
    const seen = await harmed(await proxied({ reset: 1 }, { bytes: REQUEST.length }), 'reset');
    assert.equal(seen.end, 'ECONNRESET');
  });

  test('cuts within a head', async () => {
    const seen = await harmed(await proxied({ cutHead: 1 }), 'cutHead');
    assert.equal(seen.end, 'end');
    assert.ok(isCutShort(seen) && seen.text.length < HEAD.length);
  });

  test('cuts within a body', async () => {
    const seen = await harmed(await proxied({ cutBody: 1 }), 'cutBody');
    assert.equal(seen.end, 'end');
    assert.ok(isCutShort(seen) && seen.text.length >= HEAD.length);
  });

  test('stalls, until it is calm', async () => {
    const seen = await harmed(await proxied({ stall: 1 }), 'stall', { calm: true });
    assert.equal(seen.end, 'ECONNRESET');
    assert.ok(isCutShort(seen));
  });

  test('resets what stalls in the end, if it is told to', async () => {
    const seen = request(await proxied({ stall: 1 }, { holdMs: [1, 10] }));
    await seen.ended;
    assert.equal(seen.end, 'ECONNRESET');
  });

  test('lets the bytes of one direction vanish', async () => {
    const seen = await harmed(await proxied({ blackHole: 1 }, { bytes: REQUEST.length }), 'blackHole', { calm: true });
    assert.equal(seen.end, 'ECONNRESET');
    assert.ok(isCutShort(seen));
  });

  test('sends garbage', async () => {
    const seen = await harmed(await proxied({ garbage: 1 }), 'garbage');
    assert.equal(seen.end, 'end');
    assert.ok(!REPLY.startsWith(seen.text));
  });

  test('closes one direction and keeps the other', async () => {
    const proxy = await proxied({ halfClose: 1 }, { bytes: REQUEST.length });
    const before = served.length;
    const seen = request(proxy);
    await waitUntil(async () => (await proxy.report()).struck.halfClose === 1);
    const connection = served[before];
    await waitUntil(() => seen.end === 'end' || connection.hasEnded);
    if (!connection.hasEnded) {
      seen.socket.write(REQUEST);
      await waitUntil(() => connection.received === 2 * REQUEST.length);
    }
    seen.socket.destroy();
  });

  for (const name of ['drip', 'delay']) {
    test(`lets all come, late, by ${name}`, async () => {
      const seen = request(await proxied({ [name]: 1 }, { bytes: 1, delayMs: [1, 20] }));
      await waitUntil(() => seen.text === REPLY);
      seen.socket.destroy();
    });
  }

  test('sends a chunk twice', async () => {
    const seen = request(await proxied({ duplicate: 1 }));
    await waitUntil(() => seen.text === REPLY + REPLY);
    seen.socket.destroy();
  });

  test('refuses connections for a while', async () => {
    const proxy = await proxied({ refuse: 1 }, { inARow: 1, refuseMs: [300, 300] });
    const first = request(proxy);
    await first.ended;
    const second = request(proxy);
    await second.ended;
    assert.deepEqual([first.end, second.end], ['ECONNRESET', 'ECONNREFUSED']);
    await waitUntil(async () => {
      const seen = request(proxy);
      await Promise.race([seen.ended, once(seen.socket, 'data').catch(() => {})]);
      seen.socket.destroy();
      return seen.text === REPLY;
    });
  });

  test('harms as its seed and plan say', async () => {
    const plan = { cutHead: 0.3, cutBody: 0.3 };
    const lengths = () =>
      Promise.all([0, 1].map(() => proxied(plan, { inARow: 2 }))).then((pair) => Promise.all(pair.map(twenty)));
    const [one, other] = await lengths();
    assert.deepEqual(one, other);
    const isWhole = (length) => length === REPLY.length;
    assert.ok(one.some(isWhole) && !one.every(isWhole));
    for (let at = 2; at < one.length; at++) assert.ok(one.slice(at - 2, at + 1).some(isWhole), 'at most two in a row');
  });

  test('cuts, closes and opens when it is told to', async () => {
    const proxy = await proxied();
    const first = request(proxy);
    await waitUntil(() => first.text === REPLY);
    await proxy.cut();
    await first.ended;
    const second = request(proxy);
    await waitUntil(() => second.text === REPLY);
    await proxy.close();
    const third = request(proxy);
    await Promise.all([second.ended, third.ended]);
    await proxy.open();
    const fourth = request(proxy);
    await waitUntil(() => fourth.text === REPLY);
    fourth.socket.destroy();
    assert.deepEqual([first.end, second.end, third.end], ['ECONNRESET', 'ECONNRESET', 'ECONNREFUSED']);
    await waitUntil(async () => (await proxy.report()).open === 0);
    assert.equal((await proxy.report()).connections, 3);
  });
});

/** How much of the reply each of twenty connections brings. */
async function twenty(proxy) {
  const lengths = [];
  for (let i = 0; i < 20; i++) {
    const seen = request(proxy);
    await waitUntil(() => seen.text === REPLY || seen.end !== undefined);
    seen.socket.destroy();
    lengths.push(seen.text.length);
  }
  return lengths;
}
