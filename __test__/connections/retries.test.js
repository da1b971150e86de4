'use strict';

// When all hosts are tried again. RUNNING_UNIT_TESTS shortens the waits; it is read by a process of its own.

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { keep, scripted } = require('../support/clean-up');
const Etcd = require('../..');
const { findVersion } = require('../../scripts/etcd');
const { freePort, startEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { rejection } = require('../support/promises');

const SOURCE = `
  const Etcd = require('.');
  const { hosts, clientOptions, options } = JSON.parse(process.argv[1]);
  const tell = (err, body, token) => {
    const cause = ({ httperror, httpstatus }) => httperror?.code ?? httpstatus;
    const { retries, maxRetries, errors } = token;
    console.log(JSON.stringify({ message: err && err.message, body, retries, maxRetries, errors: errors.map(cause) }));
  };
  const token = new Etcd(hosts, clientOptions).set('k', 'v', options, (err, body) => tell(err, body, token));`;

/** What became of a \`set\`, told by its token. */
function outcomeOf(hosts, { clientOptions, options } = {}) {
  const args = [JSON.stringify({ hosts, clientOptions, options })];
  return printedBy(SOURCE, { args, env: { RUNNING_UNIT_TESTS: 'true' } });
}

const status = (code, body) => ({
  reply: { status: code, body: typeof body === 'string' ? body : JSON.stringify(body) },
});
const ELECTION = status(500, { errorCode: 301, message: 'During Leader Election', index: 0 });
const refusing = async () => `127.0.0.1:${await freePort()}`;

describe('all hosts are tried again, three times,', () => {
  const elections = {
    'during an election (301)': [ELECTION, 500],
    'after an internal error of raft (300)': [status(500, { errorCode: 300 }), 500],
    'when raft took too long (300)': [status(500, { errorCode: 300, cause: 'etcdserver: request timed out' }), 500],
    'when a follower says so': [status(503, 'Not current leader'), 503],
    'when the connection is reset': [{ reset: true }, 'ECONNRESET'],
    'when the connection is closed': [{ close: true }, 'ECONNRESET'],
  };

  for (const [when, [fallback, cause]] of Object.entries(elections)) {
    test(when, async () => {
      const wire = await scripted([], { fallback });
      const { message, retries, errors } = await outcomeOf(wire.host);
      assert.deepEqual([message, retries, errors], ['All servers returned error', 3, Array(4).fill(cause)]);
      assert.equal((await wire.requests()).length, 4);
    });
  }

  test('when none can be connected to', async () => {
    const hosts = [await refusing(), await refusing()];
    const { retries, errors } = await outcomeOf(hosts);
    assert.deepEqual([retries, errors], [3, Array(8).fill('ECONNREFUSED')]);
  });

  test('when there is none', async () => {
    const { message, retries, errors } = await outcomeOf([]);
    assert.deepEqual([message, retries, errors], ['All servers returned error', 3, []]);
  });
});

describe('no host is tried again', () => {
  const others = {
    'after another failure of the server': [status(500, 'no'), 500],
    'for an election code that is no number': [status(500, { errorCode: '301' }), 500],
    'for other codes': [status(500, { errorCode: 302 }), 500],
    'for "not current leader" in small letters': [status(503, 'not current leader'), 503],
    'for "Not current leader" in JSON': [status(503, { message: 'Not current leader' }), 503],
  };

  for (const [when, [fallback, cause]] of Object.entries(others)) {
    test(when, async () => {
      const wire = await scripted([], { fallback });
      const { retries, errors } = await outcomeOf(wire.host);
      assert.deepEqual([retries, errors, (await wire.requests()).length], [0, [cause], 1]);
    });
  }

  test('after a timeout', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const { retries, errors } = await outcomeOf(wire.host, { clientOptions: { timeout: 50 } });
    assert.deepEqual([retries, errors], [0, ['ESOCKETTIMEDOUT']]);
  });

  test('when one failure of several is of another kind', async () => {
    const wire = await scripted([], { fallback: status(500, 'no') });
    const { retries, errors } = await outcomeOf([wire.host, await refusing()]);
    assert.deepEqual([retries, errors.map(String).sort()], [0, ['500', 'ECONNREFUSED']]);
  });

  test('after a failure of another kind in a later round', async () => {
    const wire = await scripted([ELECTION, ELECTION, status(500, 'no')], { fallback: ELECTION });
    const { retries, errors } = await outcomeOf(wire.host);
    assert.deepEqual([retries, errors, (await wire.requests()).length], [2, [500, 500, 500], 3]);
  });

  test('for an election code in an answer below 500, which is the answer', async () => {
    const wire = await scripted([], { fallback: status(400, { errorCode: 301, message: 'Election' }) });
    const { message, retries, errors } = await outcomeOf(wire.host);
    assert.deepEqual([message, retries, errors], ['Election', 0, []]);
  });
});

describe('a refusal of this very request that has code 300', () => {
  const cause = 'nodePath /1/k : Not a file ()';
  const refusal = { errorCode: 300, message: 'Raft Internal Error', cause, index: 0 };

  test('is told at once, from one host, which is as good as before', async () => {
    const fallback = status(500, refusal);
    const wires = [await scripted([], { fallback }), await scripted([], { fallback })];
    const etcd = new Etcd(
      wires.map(({ host }) => host),
      { resendWrites: false },
    );
    const token = etcd.mkdir('k', { prevExist: true, ttl: 5 });
    const err = await rejection(token);
    assert.deepEqual(
      [err.errorCode, err.error, err.code, token.retries, token.errors],
      [300, refusal, undefined, 0, []],
    );
    assert.deepEqual(etcd.setSync('k', 'v').err.error, refusal);
    const counts = await Promise.all(wires.map(async (wire) => (await wire.requests()).length));
    assert.equal(counts[0] + counts[1], 2);
  });

  test('is what etcd 3.5 says to a TTL for a directory that exists', async (t) => {
    let binary;
    try {
      binary = findVersion('3.5');
    } catch (error) {
      if (process.env.CI) throw error;
      return t.skip(error.message.split('\n')[0]);
    }
    const server = keep(await startEtcd({ etcd: binary }));
    const etcd = new Etcd(server.host);
    await etcd.mkdir('dir');
    const token = etcd.mkdir('dir', { prevExist: true, ttl: 60 });
    const err = await rejection(token);
    assert.deepEqual([err.errorCode, token.retries, token.errors], [300, 0, []]);
    assert.match(err.error.cause, /Not a file/);
  });
});

test('a retry that succeeds is a success, and sends the same again', async () => {
  const wire = await scripted([ELECTION, { reset: true }], { fallback: { echo: true } });
  const { message, body, retries, errors } = await outcomeOf(wire.host, { options: { ttl: 5 } });
  assert.deepEqual([message, body.node.value, retries, errors], [null, 'v', 2, [500, 'ECONNRESET']]);
  assert.deepEqual(
    (await wire.requests()).map(({ method, url, body: form }) => `${method} ${url} ${form}`),
    Array(3).fill('PUT /v2/keys/k?ttl=5 value=v'),
  );
});

test('the hosts keep their order over the rounds', async () => {
  const hosts = await Promise.all([1, 2, 3].map(refusing));
  const source = `
    const Etcd = require('.');
    const token = new Etcd(JSON.parse(process.argv[1])).get('k', (err) => {
      console.log(JSON.stringify([token.servers, err.errors.map((entry) => entry.server)]));
    });`;
  const options = { args: [JSON.stringify(hosts)], env: { RUNNING_UNIT_TESTS: 'true' } };
  const [order, tried] = await printedBy(source, options);
  assert.deepEqual(tried, [...order, ...order, ...order, ...order]);
});

describe('maxRetries', () => {
  const count = async (given) => {
    const { retries, maxRetries, errors } = await outcomeOf(await refusing(), given);
    assert.equal(errors.length, retries + 1);
    return [retries, maxRetries];
  };

  test('of the client is the default of its requests', async () => {
    assert.deepEqual(await count({ clientOptions: { maxRetries: 5 } }), [5, 5]);
    assert.deepEqual(await count({ clientOptions: { maxRetries: 0 } }), [0, 0]);
  });

  test('of a call wins', async () => {
    assert.deepEqual(await count({ options: { maxRetries: 1 } }), [1, 1]);
    assert.deepEqual(await count({ clientOptions: { maxRetries: 5 }, options: { maxRetries: 2 } }), [2, 2]);
    assert.deepEqual(await count({ clientOptions: { maxRetries: 5 }, options: { maxRetries: 0 } }), [0, 0]);
  });

  test('is 3 if it is not said', async () => {
    assert.deepEqual(await count({ clientOptions: {}, options: { maxRetries: undefined } }), [3, 3]);
  });

  test('is none if it is null, as in node-etcd', async () => {
    assert.deepEqual(await count({ clientOptions: {}, options: { maxRetries: null } }), [0, 0]);
  });
});
