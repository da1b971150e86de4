'use strict';

// A tour of the API, on a store in this process or on any etcd that speaks the v2 API:  node examples/tour.js [host:port]
// It keeps to a directory of its own, which it removes at the end.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const Etcd = require('..');

const host = process.argv[2] ?? process.env.ETCD_HOST ?? 'memory:';
const isInProcess = host.startsWith('memory:');
const etcd = new Etcd(host);
const home = `tour-${process.pid}-${Date.now()}`;

const show = (what, value) =>
  console.log(`   ${what.padEnd(46)} ${typeof value === 'string' ? value : JSON.stringify(value)}`);

/** The error that a request must end with. */
async function errorOf(request) {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error('This request should have failed');
}

async function setAndGet() {
  const { node } = await etcd.set(`${home}/greeting`, 'hello');
  show("await etcd.set('greeting', 'hello')", `index ${node.modifiedIndex}`);
  const body = await etcd.get(`${home}/greeting`);
  show("await etcd.get('greeting')", body.node.value);
  assert.equal(body.node.value, 'hello');

  const [value, index] = await new Promise((resolve, reject) => {
    etcd.get(`${home}/greeting`, (err, reply, headers) => {
      if (err) reject(err);
      else resolve([reply.node.value, headers['x-etcd-index']]);
    });
  });
  show('with a callback (err, body, headers)', `${value}, X-Etcd-Index ${index}`);
  assert.equal(value, 'hello');

  await etcd.set(`${home}/brief`, 'gone soon', { ttl: 60 });
  const brief = await etcd.get(`${home}/brief`);
  show("set('brief', value, { ttl: 60 })", `${brief.node.ttl} s left`);
  assert.ok(brief.node.ttl > 0);
  await etcd.del(`${home}/brief`);
}

async function errors() {
  const missing = await errorOf(etcd.get(`${home}/nowhere`));
  show("etcd.get('nowhere')", `${missing.message} (errorCode ${missing.errorCode})`);
  assert.equal(missing.errorCode, 100);
  assert.throws(() => etcd.get(42), TypeError);
  show('etcd.get(42)', 'throws a TypeError at once');
}

async function directories() {
  await etcd.mkdir(`${home}/pets`);
  await etcd.set(`${home}/pets/dog`, 'wuff');
  await etcd.set(`${home}/pets/wild/fox`, '?');
  const { node } = await etcd.get(`${home}/pets`, { recursive: true, sorted: true });
  const names = [];
  const collect = ({ nodes = [], key, dir }) => {
    names.push(`${key.split('/').pop()}${dir ? '/' : ''}`);
    for (const child of nodes) collect(child);
  };
  collect(node);
  show("get('pets', { recursive: true })", names.join(' '));
  assert.deepEqual(names, ['pets/', 'dog', 'wild/', 'fox']);

  const full = await errorOf(etcd.rmdir(`${home}/pets`));
  show("rmdir('pets')", `${full.message} (errorCode ${full.errorCode})`);
  assert.equal(full.errorCode, 108);
  const { action } = await etcd.rmdir(`${home}/pets`, { recursive: true });
  show("rmdir('pets', { recursive: true })", action);
  assert.equal(action, 'delete');
}

async function compareAndSwap() {
  await etcd.set(`${home}/leader`, 'ann');
  const { action, prevNode, node } = await etcd.compareAndSwap(`${home}/leader`, 'bob', 'ann');
  show("compareAndSwap('leader', 'bob', 'ann')", `${action}: ${prevNode.value} -> ${node.value}`);
  assert.deepEqual([action, prevNode.value, node.value], ['compareAndSwap', 'ann', 'bob']);
  const error = await errorOf(etcd.compareAndSwap(`${home}/leader`, 'cid', 'ann'));
  show('the same again, too late', `${error.message} (errorCode ${error.errorCode}) ${error.error.cause}`);
  assert.equal(error.errorCode, 101);
}

async function inOrderKeys() {
  for (const job of ['first', 'second', 'third']) await etcd.create(`${home}/queue`, job);
  const { node } = await etcd.get(`${home}/queue`, { sorted: true });
  const jobs = node.nodes.map(({ value }) => value);
  show("three times create('queue', job), then get", jobs.join(', '));
  assert.deepEqual(jobs, ['first', 'second', 'third']);
}

async function watching() {
  const watcher = etcd.watcher(`${home}/config`, null, { recursive: true });
  watcher.on('error', (error) => console.log(`   watcher: ${error.message}`));
  watcher.on('set', ({ node }) => show(`  'set' event`, `${node.key.split('/').pop()} = ${node.value}`));
  watcher.on('delete', ({ node }) => show(`  'delete' event`, node.key.split('/').pop()));
  const actions = [];
  watcher.on('change', ({ action, node }) => actions.push(`${action} ${node.value ?? ''}`.trim()));

  // A watch without an index sees what happens after it has reached the server, so the first write is repeated until
  // then. With an index, etcd.watcher(key, index), nothing can be missed.
  while (actions.length === 0) {
    await etcd.set(`${home}/config/colour`, 'red');
    await sleep(50);
  }
  await etcd.set(`${home}/config/colour`, 'green');
  const last = new Promise((resolve) => watcher.on('delete', resolve));
  await etcd.del(`${home}/config/colour`);
  await last;
  watcher.stop();
  show("'change' events", actions.join(', '));
  assert.equal(actions[0], 'set red');
  assert.deepEqual(actions.slice(-2), ['set green', 'delete']);
}

async function watchingFromAnIndex() {
  const { node } = await etcd.set(`${home}/log`, 'one');
  for (const line of ['two', 'three']) await etcd.set(`${home}/log`, line);
  const watcher = etcd.watcher(`${home}/log`, node.modifiedIndex);
  const lines = [];
  await new Promise((resolve) => {
    watcher.on('change', (event) => {
      lines.push(event.node.value);
      if (lines.length === 3) resolve();
    });
  });
  watcher.stop();
  show("watcher('log', index) replays the past", lines.join(', '));
  assert.deepEqual(lines, ['one', 'two', 'three']);
}

async function watchingABurst() {
  const count = 2000; // twice as many as etcd remembers
  const { node } = await etcd.mkdir(`${home}/burst`);
  const watcher = etcd.watcher(`${home}/burst`, node.modifiedIndex + 1, { recursive: true });
  watcher.on('resync', () => console.log('   events were lost'));
  const indexes = [];
  const all = new Promise((resolve) => {
    watcher.on('change', (event) => {
      if (indexes.push(event.node.modifiedIndex) === count) resolve();
    });
  });
  let written = 0;
  const write = async () => {
    while (written < count) await etcd.set(`${home}/burst/${written % 10}`, written++);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: 8 }, write));
  const seconds = (performance.now() - start) / 1000;
  await Promise.race([all, sleep(5000, null, { ref: false })]);
  watcher.stop();
  show(`${count} writes in ${seconds.toFixed(1)} s`, `${indexes.length} events`);
  assert.equal(indexes.length, count);
  assert.ok(indexes.every((index, place) => place === 0 || index > indexes[place - 1]));
}

async function synchronousCalls() {
  const written = etcd.setSync(`${home}/sync`, 'now');
  assert.ifError(written.err);
  const { err, body, headers } = etcd.getSync(`${home}/sync`);
  show("etcd.getSync('sync')", `${body.node.value}, X-Etcd-Index ${headers['x-etcd-index']}`);
  assert.ifError(err);
  assert.equal(body.node.value, 'now');
  const failed = etcd.getSync(`${home}/nowhere`);
  show("etcd.getSync('nowhere').err", failed.err.message);
  assert.equal(failed.err.errorCode, 100);
}

async function aborting() {
  const controller = new AbortController();
  const waiting = errorOf(etcd.watch(`${home}/never`, { signal: controller.signal }));
  setTimeout(() => controller.abort(), 50);
  const error = await waiting;
  show('watch(key, { signal }), aborted after 50 ms', `${error.name}, ${error.code}`);
  assert.equal(error.name, 'AbortError');

  const token = etcd.watch(`${home}/never`);
  token.abort();
  show('token.abort(); token.isAborted()', token.isAborted());
  assert.equal(token.isAborted(), true);
}

/** The address of a member that is down: nothing listens on its port. */
async function deadHost() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}

async function severalHosts() {
  const cluster = new Etcd([await deadHost(), host]);
  show('getHosts(), the first of them dead', cluster.getHosts().join(' '));
  // Hosts are tried in random order: in ten requests both orders come up.
  const bodies = await Promise.all(Array.from({ length: 10 }, () => cluster.get(`${home}/greeting`)));
  show('ten requests', `${bodies.filter(({ node }) => node.value === 'hello').length} answered`);
  assert.ok(bodies.every(({ node }) => node.value === 'hello'));

  const error = await errorOf(new Etcd(await deadHost()).get('key', { maxRetries: 0 }));
  show('a dead host alone', `${error.message} (${error.errors[0].httperror.code})`);
  assert.equal(error.errors[0].httperror.code, 'ECONNREFUSED');
}

/** What tests of programs do. */
async function storeInProcess() {
  const store = Etcd.memory(host.slice('memory:'.length));
  await etcd.set(`${home}/brief`, 'gone soon', { ttl: 3600 });
  store.advance(3600 * 1000);
  const gone = await errorOf(etcd.get(`${home}/brief`));
  show('store.advance(ms): a TTL of an hour is over', gone.message);
  assert.equal(gone.errorCode, 100);

  store.fail({ method: 'GET', with: 'refused' });
  const failed = await errorOf(etcd.get(home, { maxRetries: 0 }));
  show("store.fail({ method: 'GET', with: 'refused' })", `${failed.message} (${failed.errors[0].httperror.code})`);
  assert.equal(failed.errors[0].httperror.code, 'ECONNREFUSED');
  show('store.dump()', `${Object.keys(store.dump()).length} keys and empty directories`);
}

const STEPS = [
  ['Set and get', setAndGet],
  ['Errors', errors],
  ['Directories', directories],
  ['Compare and swap', compareAndSwap],
  ['Keys in order', inOrderKeys],
  ['A watcher', watching],
  ['A watcher that starts in the past', watchingFromAnIndex],
  ['A watcher of many writes', watchingABurst],
  ['Synchronous calls', synchronousCalls],
  ['Aborting', aborting],
  isInProcess ? ['The handle of a store in the process', storeInProcess] : ['Several hosts', severalHosts],
];

async function tour() {
  const { etcdserver } = await etcd.version();
  const where = isInProcess
    ? `A store in this process, as an etcd ${etcdserver} has it`
    : `etcd ${etcdserver} at ${host}`;
  console.log(`${where}, Node.js ${process.version}`);
  try {
    for (const [index, [title, step]] of STEPS.entries()) {
      console.log(`\n${index + 1}. ${title}`);
      await step();
    }
  } finally {
    await etcd.rmdir(home, { recursive: true }).catch(() => {}); // nothing there, if the first write failed
  }
  console.log('\nThe tour is complete.');
}

tour().catch((error) => {
  console.error('\nThe tour failed:', error);
  process.exitCode = 1;
  // A watcher of a failed step would go on watching.
  setImmediate(() => process.exit());
});
