'use strict';

// A server that answers anything: every call settles once and in time, and the client works on.
// SEED=n repeats the fuzzed replies of a run that printed this seed.

const assert = require('node:assert/strict');
const zlib = require('node:zlib');
const { after, before, describe, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('..');
const { called, scriptedServers } = require('./support/calls');
const { goodReply, startHostile } = require('./support/hostile-server');

const SEED = Number(process.env.SEED ?? Date.now() % 1e9);
const TIMEOUT = 2000;
/** What a busy machine may add to a timeout. */
const GRACE = 3000;
const MAX_GROWTH = 200e6;

let server;
before(async () => {
  server = await startHostile();
});
after(() => server?.stop());

let lastGood = 0;

/** The next request gets its own reply, both ways. */
async function assertUsable(etcd) {
  const first = `good-${++lastGood}`;
  const { err, body } = etcd.getSync(first);
  assert.deepEqual([err, body?.node.value], [null, first]);
  const second = `good-${++lastGood}`;
  assert.equal((await etcd.get(second)).node.value, second);
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

const head = (...lines) => `${['HTTP/1.1 200 OK', ...lines].join('\r\n')}\r\n\r\n`;
const ok = (body, ...lines) =>
  Buffer.concat([Buffer.from(head(`Content-Length: ${body.length}`, ...lines)), Buffer.from(body)]);
const chunked = head('Transfer-Encoding: chunked');
const okText = '{"node":{"value":"v"}}';
const zeros = zlib.gzipSync(Buffer.alloc(64e6));
const closing = (raw) => ({ raw, after: 'close' });
const DEEP = 100_000;

const table = {
  'content length too long, closed': closing(`${head('Content-Length: 100')}{}`),
  'content length too long, open': { raw: `${head('Content-Length: 100')}{}` },
};
