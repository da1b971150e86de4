'use strict';

// How processes, threads and objects end while the client has work to do.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { scripted } = require('../support/clean-up');
const { freshPrefix, withEtcd } = require('../support/etcd');
const { printedBy } = require('../support/node-script');
const { describe, test } = require('../support/test');

const ROOT = path.join(__dirname, '..', '..');
const server = withEtcd();

/** A script that runs until somebody ends it: { child, said(text), ended } with [code, signal]. */
function begin(source, ...args) {
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const child = spawn(process.execPath, ['-e', source, '--', ...args], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 2],
  });
  let output = '';
  const said = (text) =>
    new Promise((resolve) => {
      const look = () => output.includes(text) && resolve();
      child.stdout.on('data', look);
      look();
    });
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  return { child, said, ended: once(child, 'close').then(([code, signal]) => ({ code, signal, output })) };
}

describe('a process', { timeout: 60_000 }, () => {
  test('ends by itself after the last answer, whatever is kept open', async () => {
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1]);
      let last;
      process.on('exit', () => console.log(JSON.stringify(performance.now() - last)));
      etcd.getSync('a');
      for (let i = 0; i < 20; i++) etcd.set('a', i, () => { last = performance.now(); });`;
    const ms = await printedBy(source, { args: [server.host] });
    assert.ok(ms < 2000, `${ms} ms`);
  });

  test('holds nothing of an idle client: what hears of requests comes with the first and goes after the last', async () => {
    const source = `
      const { createHook } = require('node:async_hooks');
      const { setTimeout } = require('node:timers/promises');
      const open = new Set();
      const watched = (id, type) => type.includes('threadsafe_function') && open.add(id);
      createHook({ init: watched, destroy: (id) => open.delete(id) }).enable();
      const etcd = new (require('.'))(process.argv[1]);
      const seen = [];
      const look = () => seen.push(open.size > 0);
      const untilNone = async () => { while (open.size > 0) await setTimeout(5); look(); };
      (async () => {
        look();
        for (let i = 0; i < 2; i++) {
          await etcd.get('/');
          look();
          await untilNone();
        }
        console.log(JSON.stringify(seen));
      })();`;
    assert.deepEqual(await printedBy(source, { args: [server.host] }), [false, true, false, true, false]);
  });

  test('stays as long as a watch is open', async () => {
    const source = `
      const etcd = new (require('.'))(process.argv[1]);
      const key = process.argv[2];
      etcd.watch(key, (err, body) => console.log(JSON.stringify(body.node.value)));
      setInterval(() => etcd.set(key, 'seen', () => {}), 100).unref();`;
    assert.equal(await printedBy(source, { args: [server.host, freshPrefix()] }), 'seen');
  });

  test('can exit with 100 requests and watchers in flight', { skip: process.platform === 'win32' }, async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const source = `
      const Etcd = require('.');
      const etcd = new Etcd(process.argv[1]);
      for (let i = 0; i < 90; i++) etcd.set('k', i, () => console.log('called'));
      for (let i = 0; i < 10; i++) etcd.watcher('k');
      process.on('SIGUSR2', () => process.exit(7));`;
    const { child, ended } = begin(source, wire.host);
    await wire.waitFor(100);
    child.kill('SIGUSR2');
    assert.deepEqual(await ended, { code: 7, signal: null, output: '' });
  });
});

describe('a signal', { timeout: 60_000, skip: process.platform === 'win32' }, () => {
  const PENDING = `new (require('.'))(process.argv[1]).set('k', 'v', () => {});`;
  const BLOCKED = `new (require('.'))(process.argv[1]).setSync('k', 'v');`;

  for (const signal of ['SIGINT', 'SIGTERM']) {
    for (const [what, source] of [
      ['a request is pending', PENDING],
      ['a Sync call blocks', BLOCKED],
    ]) {
      test(`${signal} ends a process in which ${what}`, async () => {
        const wire = await scripted([], { fallback: { stall: true } });
        const { child, ended } = begin(source, wire.host);
        await wire.waitFor(1);
        child.kill(signal);
        assert.equal((await ended).signal, signal);
      });
    }
  }

  test('has its handler called when the Sync call is over', async () => {
    const wire = await scripted([{ delayMs: 1000, echo: true }]);
    const source = `
      process.on('SIGTERM', () => { console.log('handled'); process.exit(3); });
      setInterval(() => {}, 1000);
      const { body } = new (require('.'))(process.argv[1]).setSync('k', 'v');
      console.log('returned', body.node.value);`;
    const { child, ended } = begin(source, wire.host);
    await wire.waitFor(1);
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: 3, signal: null, output: 'returned v\nhandled\n' });
  });
});

describe('a thread that a Sync call blocks', { timeout: 60_000, skip: process.platform === 'win32' }, () => {
  const BLOCKED = `
    const { Worker } = require('worker_threads');
    const work = \`
      const { workerData } = require('worker_threads');
      const Etcd = require(workerData.package);
      new Etcd(workerData.host, workerData.options).getSync('k');
    \`;
    const workerData = { package: require.resolve('.'), host: process.argv[1], options: JSON.parse(process.argv[2]) };
    const worker = new Worker(work, { eval: true, workerData });`;

  /** Waits until the thread is blocked, sends the process a signal, and resolves with how it ended. */
  async function interrupted(source, wire, requests, options = {}) {
    const { child, ended } = begin(`${BLOCKED}${source}`, wire.host, JSON.stringify(options));
    await wire.waitFor(requests);
    child.kill('SIGUSR2');
    return ended;
  }

  const TERMINATE = `process.on('SIGUSR2', async () => console.log(await worker.terminate()));`;

  test('is terminated while no server answers, and its connection is closed', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    assert.deepEqual(await interrupted(TERMINATE, wire, 1), { code: 0, signal: null, output: '1\n' });
    await wire.waitFor((requests) => requests.every(({ aborted }) => aborted));
  });

  test('is terminated in the long wait before all hosts are tried again', async () => {
    const wire = await scripted([], { fallback: { reset: true } });
    assert.deepEqual(await interrupted(TERMINATE, wire, 3), { code: 0, signal: null, output: '1\n' });
  });

  test('does not keep the process from exiting', async () => {
    const wire = await scripted([], { fallback: { stall: true } });
    const exit = `process.on('SIGUSR2', () => process.exit(7));`;
    assert.deepEqual(await interrupted(exit, wire, 1), { code: 7, signal: null, output: '' });
  });
});

test('200 threads come and go with requests and watchers in flight', { timeout: 120_000 }, async () => {
  const wire = await scripted([], { fallback: { stall: true } });
  const source = `
    const { Worker } = require('worker_threads');
    const { once } = require('events');
    const work = \`
      const { workerData, parentPort } = require('worker_threads');
      const Etcd = require(workerData.package);
      const [busy, stalled] = [new Etcd(workerData.host), new Etcd(workerData.stalled, { api: 'v2' })];
      for (let i = 0; i < 5; i++) stalled.set('k', i, () => {});
      for (let i = 0; i < 3; i++) stalled.watcher('k');
      busy.watcher('k', 1);
      busy.set('k', 1, () => parentPort.postMessage('ready'));
      setInterval(() => busy.set('k', 1), 1);
    \`;
    (async () => {
      const workerData = { package: require.resolve('.'), host: process.argv[1], stalled: process.argv[2] };
      for (let i = 0; i < 50; i++) {
        const workers = Array.from({ length: 4 }, () => new Worker(work, { eval: true, workerData }));
        await Promise.all(workers.map((worker) => once(worker, 'message')));
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
      const { node } = await new (require('.'))(process.argv[1]).set('k', 'after');
      console.log(JSON.stringify(node.value));
    })();`;
  assert.equal(await printedBy(source, { args: [server.host, wire.host], timeoutMs: 100_000 }), 'after');
  await wire.waitFor((requests) => requests.every(({ aborted }) => aborted));
});

test('what callbacks throw under load is each an exception of its own, and no other call notices', async () => {
  const source = `
    const Etcd = require('.');
    const [host, key] = process.argv.slice(1);
    const etcd = new Etcd(host);
    const COUNT = 2000;
    const seen = { callbacks: 0, promises: 0, thrown: 0 };
    process.on('uncaughtException', ({ message }) => { if (message === 'thrown by ' + seen.last) seen.thrown += 1; });
    let next = 0;
    async function go() {
      const i = next++;
      if (i >= COUNT) return;
      if (i % 2 === 0) {
        await etcd.get(key);
        seen.promises += 1;
        return go();
      }
      etcd.set(key, i, () => {
        seen.callbacks += 1;
        go();
        if (i % 4 === 1) throw new Error('thrown by ' + (seen.last = i));
      });
    }
    etcd.setSync(key, 'first');
    for (let i = 0; i < 50; i++) go();
    process.on('exit', () => console.log(JSON.stringify({ ...seen, last: undefined })));`;
  const printed = await printedBy(source, { args: [server.host, freshPrefix()], timeoutMs: 60_000 });
  assert.deepEqual(printed, { callbacks: 1000, promises: 1000, thrown: 500 });
});

test('clients and tokens that nobody holds are collected', { timeout: 60_000 }, async () => {
  const source = `
    const Etcd = require('.');
    const COUNT = 200;
    let collected = 0;
    const registry = new FinalizationRegistry(() => { collected += 1; });
    async function use() {
      const etcd = new Etcd(process.argv[1]);
      const token = etcd.set('k', 'v');
      const watcher = etcd.watcher('k');
      for (const object of [etcd, token, watcher]) registry.register(object);
      await token;
      watcher.stop();
    }
    (async () => {
      for (let i = 0; i < COUNT; i++) await use();
      const deadline = Date.now() + 15_000;
      while (collected < 3 * COUNT - 10 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        gc();
      }
      console.log(collected >= 3 * COUNT - 10 || collected);
    })();`;
  const options = { args: [server.host], execArgv: ['--expose-gc'], timeoutMs: 50_000 };
  assert.equal(await printedBy(source, options), true);
});

test('the processes of a cluster each have a client', { timeout: 60_000 }, async () => {
  const source = `
    const cluster = require('cluster');
    const Etcd = require('.');
    const etcd = new Etcd(process.env.HOST);
    if (cluster.isPrimary) {
      etcd.setSync(process.env.KEY + '/primary', 1);
      for (let i = 0; i < 4; i++) cluster.fork();
      let left = 4;
      cluster.on('exit', async () => {
        if (--left > 0) return;
        const { node } = await etcd.get(process.env.KEY);
        console.log(JSON.stringify(node.nodes.length));
      });
    } else {
      etcd.set(process.env.KEY + '/' + process.pid, 1, () => cluster.worker.disconnect());
    }`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-lifecycle-'));
  const script = path.join(folder, 'cluster.js');
  fs.writeFileSync(script, source.replace("require('.')", `require(${JSON.stringify(ROOT)})`));
  try {
    assert.equal(await printedBy(script, { env: { HOST: server.host, KEY: freshPrefix() } }), 5);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test('two copies of the package work in one process', { timeout: 60_000 }, async () => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'node-etcd-native-copy-'));
  try {
    for (const name of fs.readdirSync(ROOT)) {
      if (/^(index\.js|binding\.js|lib|package\.json|.*\.node)$/.test(name)) {
        fs.cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
      }
    }
    const source = `
      const [Etcd, Other] = [require('.'), require(process.argv[1])];
      const [host, key] = process.argv.slice(2);
      (async () => {
        const [one, other] = [new Etcd(host), new Other(host)];
        await one.set(key, 'one');
        const seen = other.getSync(key).body.node.value;
        const change = new Promise((resolve) => other.watch(key, (err, body) => resolve(body.node.value)));
        const again = setInterval(() => one.set(key, 'two'), 20);
        const changed = await change;
        clearInterval(again);
        console.log(JSON.stringify([Etcd === Other, seen, changed]));
      })();`;
    const printed = await printedBy(source, { args: [copy, server.host, freshPrefix()] });
    assert.deepEqual(printed, [false, 'one', 'two']);
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
});
