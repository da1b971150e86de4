'use strict';

// The tools of the other tests, tested.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { inspectEtcd } = require('../../scripts/etcd');
const { DEFAULT_V3, NEWEST } = require('../../scripts/etcd-versions');
const { keep, scripted } = require('./clean-up');
const { freePort, freshPrefix, startCluster, withEtcd } = require('./etcd');
const { runScript } = require('./node-script');
const { waitUntil } = require('./promises');
const { describe, test } = require('./test');
const { TRANSPORTS, whyLeftOut } = require('./transports');

const oneSocket = () => new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(url, { method = 'GET', body, headers, agent = false, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent, signal }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Whether nobody listens there. */
function isRefused(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('error', ({ code }) => resolve(code === 'ECONNREFUSED'));
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}

const form = (value) => ({
  method: 'PUT',
  body: `value=${value}`,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
});

describe('the throw-away etcd', () => {
  const etcd = withEtcd();

  test('keeps its data and port when it is killed and started again', async () => {
    const url = `${etcd.url}/v2/keys/${freshPrefix()}`;
    assert.equal((await ask(url, form('kept'))).status, 201);
    const { host, pid } = etcd;
    await etcd.server.kill();
    await assert.rejects(ask(url), { code: 'ECONNREFUSED' });
    await etcd.server.start();
    assert.equal(etcd.host, host);
    assert.notEqual(etcd.pid, pid);
    assert.equal(JSON.parse((await ask(url)).body).node.value, 'kept');
  });

  test('ends with the process that started it, even by an uncaught exception', async () => {
    const source = `
      require('./scripts/etcd').startEtcd().then((server) => {
        console.log(server.port);
        throw new Error('on purpose');
      });`;
    const { code, stdout, stderr } = await runScript(source);
    assert.equal(code, 1, stderr);
    // It is killed, which takes effect a moment later.
    await waitUntil(() => isRefused(Number(stdout)));
  });
});

describe('scripts/etcd.js find', () => {
  const find = (...args) => runScript('scripts/etcd.js', { args: ['find', ...args], timeoutMs: 120_000 });

  test('prints where the newest patch of a minor version is', async () => {
    const { code, stdout, stderr } = await find(DEFAULT_V3);
    assert.equal(code, 0, stderr);
    assert.equal(inspectEtcd(stdout.trim()).version, NEWEST[DEFAULT_V3]);
  });

  test('says which versions there are when a word is none', async () => {
    const { code, stderr } = await find('newest');
    assert.deepEqual(
      [code, stderr],
      [1, `\nError: "newest" is no version of etcd: ${Object.keys(NEWEST).join(', ')}, or one with its patch\n`],
    );
  });
});

test('the throw-away cluster elects another leader when one is killed, and takes it back with its data', async () => {
  const cluster = keep(await startCluster());
  const key = `v2/keys/${freshPrefix()}`;
  const first = await cluster.leader();
  assert.equal((await ask(`${first.url}/${key}`, form('before'))).status, 201);
  await first.kill();
  const second = await cluster.leader();
  assert.notEqual(second, first);
  assert.equal((await ask(`${second.url}/${key}`, form('after'))).status, 200);
  await first.start();
  const { node } = JSON.parse((await ask(`${first.url}/${key}?quorum=true`)).body);
  assert.deepEqual([node.value, cluster.members.length, new Set(cluster.hosts).size], ['after', 3, 3]);
});

describe('the scripted server', () => {
  test('answers by the script, over one kept-alive connection, and records what came', async () => {
    const server = await scripted([
      {
        reply: {
          status: 201,
          reason: 'Made',
          headers: [
            ['X-A', '1'],
            ['x-a', '2'],
          ],
          body: 'one',
        },
      },
      { reply: { json: { two: true }, chunked: true, delayMs: 20 } },
      { reply: { chunks: ['th', { data: 'ree', delayMs: 20 }] } },
    ]);
    const agent = oneSocket();
    const first = await ask(`${server.url}/v2/keys/a?x=1`, { ...form('v'), agent });
    assert.deepEqual([first.status, first.headers['x-a'], first.body], [201, '1, 2', 'one']);
    const chunkedBody = { method: 'POST', body: 'chunky', headers: { 'transfer-encoding': 'chunked' }, agent };
    assert.equal((await ask(server.url, chunkedBody)).body, '{"two":true}');
    assert.equal((await ask(server.url, { agent })).body, 'three');
    assert.equal((await ask(server.url, { agent })).status, 418);
    agent.destroy();

    const [put, post] = await server.waitFor(4);
    assert.deepEqual([put.method, put.path, put.query, put.body], ['PUT', '/v2/keys/a', 'x=1', 'value=v']);
    assert.equal(put.headers['content-type'], 'application/x-www-form-urlencoded');
    assert.ok(put.rawHeaders.some(([name]) => name === 'Host'));
    assert.deepEqual([post.method, post.body, post.connection], ['POST', 'chunky', 1]);
    assert.equal(await server.connections(), 1);
  });

  test('chooses steps by what they match and how often they may answer', async () => {
    const server = await scripted(
      [
        { match: { method: 'PUT', path: /a$/ }, reply: { body: 'put' } },
        { match: /b=1/, times: 2, reply: { body: 'b' } },
      ],
      { fallback: { reply: { body: 'else' } } },
    );
    const bodies = [];
    for (const path of ['/?b=1', '/?b=1', '/?b=1', '/a']) bodies.push((await ask(server.url + path)).body);
    bodies.push((await ask(`${server.url}/a`, form(1))).body);
    assert.deepEqual(bodies, ['b', 'b', 'else', 'else', 'put']);
    await server.setScript([{ match: '/a', reply: { body: 'new' } }]);
    assert.equal((await ask(`${server.url}/a`)).body, 'new');
  });

  test('echoes a request as etcd-like JSON', async () => {
    const server = await scripted([], { fallback: { echo: true } });
    const { body, headers } = await ask(`${server.url}/v2/keys/a/b?ttl=5`, form('%C3%BC'));
    const { action, node, request } = JSON.parse(body);
    assert.deepEqual([action, node.key, node.value, request.query], ['put', '/a/b', 'ü', 'ttl=5']);
    assert.equal(headers['x-etcd-index'], '1');
  });

  test('cuts, resets, closes, stalls and sends raw bytes', async () => {
    const server = await scripted([
      { cut: { body: '0123456789', bytes: 4 } },
      { cut: { body: '0123456789', chunked: true, bytes: 4, after: 'reset' } },
      { reset: true },
      { close: true },
      { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nraw', after: 'close' },
      { raw: 'no http at all\r\n\r\n' },
      { stall: true },
    ]);
    await assert.rejects(ask(server.url), { message: 'aborted' });
    await assert.rejects(ask(server.url), { code: 'ECONNRESET' });
    await assert.rejects(ask(server.url), { code: 'ECONNRESET' });
    await assert.rejects(ask(server.url), { message: 'socket hang up' });
    assert.equal((await ask(server.url)).body, 'raw');
    await assert.rejects(ask(server.url), { code: /^HPE_/ });
    const controller = new AbortController();
    const stalled = ask(server.url, { signal: controller.signal });
    await server.waitFor(7);
    controller.abort();
    await assert.rejects(stalled, { name: 'AbortError' });
    await server.waitFor((requests) => requests[6].aborted);
  });

  test('holds a chunked reply open, sends on request, and ends connections', async () => {
    const server = await scripted([{ reply: { chunks: ['first\n'], hold: true } }]);
    const socket = net.connect(server.port, '127.0.0.1');
    let seen = '';
    const sees = (text) =>
      new Promise((resolve) => {
        const look = () => seen.includes(text) && resolve();
        socket.on('data', look);
        look();
      });
    socket.setEncoding('utf8').on('data', (text) => {
      seen += text;
    });
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await sees('first');
    const [connection] = await server.openConnections();
    await server.send(connection, '7\r\nsecond\n\r\n');
    await sees('second');
    const closed = new Promise((resolve) => socket.once('error', resolve));
    await server.closeConnections('reset');
    assert.equal((await closed).code, 'ECONNRESET');
  });

  test('answers while the thread that started it is blocked', async () => {
    const server = await scripted([], { fallback: { reply: { body: 'still here' } } });
    const { execFileSync } = require('node:child_process');
    const source = `require('http').get(process.argv[1], (r) => r.pipe(process.stdout))`;
    const output = execFileSync(process.execPath, ['-e', source, server.url], { timeout: 10_000 });
    assert.equal(output.toString(), 'still here');
  });
});

describe('what is to be done after a test', () => {
  test('is done then, the last first, whatever of it fails', async () => {
    const source = `
      const { test } = require('node:test');
      const { cleanUp } = require('./__test__/support/clean-up');
      const say = (word) => require('node:fs').writeSync(2, word + ' ');
      test('first', () => {
        cleanUp(() => say('asked for first'));
        cleanUp(() => { throw new Error('on purpose'); });
        cleanUp(async () => say('asked for last'));
      });
      test('second', () => say('second'));`;
    const { code, stdout, stderr } = await runScript(source);
    assert.equal(stderr, 'asked for last asked for first second ');
    assert.equal(code, 1);
    assert.match(stdout, /on purpose/);
  });
});

describe('a transport', () => {
  const leavesOut = [
    { file: 'watcher/many', because: 'it has no connections' },
    { file: 'requests/keys', tests: ['set', 'expires'], because: 'it has no clock' },
  ];

  test('that nobody knows is an error that names those that there are', async () => {
    const { code, stderr } = await runScript(`require('./__test__/support/etcd')`, {
      env: { TEST_TRANSPORT: 'smoke' },
    });
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`TEST_TRANSPORT is "smoke"\\. There is: ${Object.keys(TRANSPORTS).join(', ')}\n`));
  });

  test('leaves out tests of a file, or the whole file, and says why', () => {
    const why = (file, name) => whyLeftOut({ leavesOut }, file, name);
    assert.equal(why('watcher/many', 'whatever'), 'it has no connections');
    assert.equal(why('requests/keys', 'set'), 'it has no clock');
    assert.deepEqual([why('requests/keys', 'get'), why('requests/values', 'set')], [undefined, undefined]);
  });

  test('leaves out tests that exist', () => {
    for (const { file, tests = [], because } of Object.values(TRANSPORTS).flatMap((row) => row.leavesOut)) {
      const text = fs.readFileSync(path.join(__dirname, '..', `${file}.test.js`), 'utf8');
      const missing = tests.filter((name) => !text.includes(name));
      assert.deepEqual(missing, [], `${file}: ${because}`);
    }
  });

  test('has what it leaves out skipped, with the reason', async () => {
    const source = `
      const runner = require('node:test');
      const { skipping } = require('./__test__/support/test');
      const reasonFor = (name) => (name.startsWith('left') ? 'it has no clock' : undefined);
      const [describe, test] = [runner.describe, runner.test].map((run) => skipping(run, reasonFor));
      const fail = () => { throw new Error('it ran'); };
      test('left out', fail);
      test('left out, with options', { timeout: 1000 }, fail);
      describe('left out, with all of it', () => test('part of it', fail));
      test('stays', { timeout: 1000 }, () => {});`;
    const { code, stdout } = await runScript(source, { execArgv: ['--test-reporter=tap'] });
    assert.equal(code, 0, stdout);
    assert.equal(stdout.match(/# SKIP it has no clock/g).length, 3, stdout);
    assert.match(stdout, /# pass 1\n/);
  });
});

test('a free port refuses connections', async () => {
  await assert.rejects(ask(`http://127.0.0.1:${await freePort()}`), { code: 'ECONNREFUSED' });
});

describe('what a script of the project runs in a group', { timeout: 30_000 }, () => {
  const LISTENING = `require('node:net').createServer().listen(Number(process.argv[1]), '127.0.0.1', () => console.log('up'))`;
  // As `node --test` does: it starts a process and does not end it.
  const CARELESS = `
    const { spawn } = require('node:child_process');
    process.on('SIGTERM', () => process.exit(1));
    spawn(process.execPath, ['-e', ${JSON.stringify(LISTENING)}, process.argv[1]], { stdio: 'inherit' });`;
  const SCRIPT = `
    const { main, runGroup } = require('./scripts/command');
    const [code, port] = process.argv.slice(1);
    main(() => runGroup(process.execPath, ['-e', code, port], { stdio: ['ignore', 'inherit', 'inherit'] }));`;

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    test(`ends when ${signal} ends the script`, { skip: process.platform === 'win32' }, async () => {
      const port = await freePort();
      const script = spawn(process.execPath, ['-e', SCRIPT, CARELESS, port], {
        cwd: path.join(__dirname, '..', '..'),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      await once(script.stdout, 'data');
      assert.equal(await isRefused(port), false);
      script.kill(signal);
      const [code] = await once(script, 'exit');
      assert.equal(code, 128 + os.constants.signals[signal]);
      await waitUntil(() => isRefused(port));
    });
  }

  test('gives its exit code', async () => {
    const { code } = await runScript(SCRIPT, { args: ['process.exit(7)', '0'] });
    assert.equal(code, 7);
  });
});

describe('a script in a process of its own', () => {
  test('reports its end and output', async () => {
    const source = 'console.log(process.argv[1], process.env.X); process.exitCode = 3;';
    const result = await runScript(source, { args: ['a'], env: { X: 'x' } });
    assert.deepEqual([result.code, result.signal, result.stdout, result.timedOut], [3, null, 'a x\n', false]);
    assert.ok(result.ms > 0);
  });

  test('is killed at its deadline', async () => {
    const { signal, timedOut } = await runScript('setInterval(() => {}, 1000)', { timeoutMs: 300 });
    assert.deepEqual([signal, timedOut], ['SIGKILL', true]);
  });
});
