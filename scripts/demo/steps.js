'use strict';

// The steps of the demo. Each shows what it does, and makes sure that it is so. They get { etcd, home, isInProcess, … }.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { setImmediate: nextTurn } = require('node:timers/promises');
const Etcd = require('../..');
const { keysOf } = require('./raw-keys');
const { note, show, showError } = require('./screen');

/** The error that a request must end with. */
async function errorOf(request) {
  try {
    await request;
  } catch (error) {
    return error;
  }
  throw new Error('This request should have failed');
}

const inWords = ({ message, errorCode, code }) => `${message} (${errorCode ?? code})`;

async function setAndGet({ etcd, home }) {
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
  show("etcd.get('greeting', (err, body, headers) =>", `${value}, X-Etcd-Index ${index}`);
  assert.equal(value, 'hello');

  const { err, body: now } = etcd.getSync(`${home}/greeting`);
  show("etcd.getSync('greeting') blocks", now.node.value);
  assert.ifError(err);

  await etcd.set(`${home}/session`, 'ann', { ttl: 60 });
  const session = await etcd.get(`${home}/session`);
  show("set('session', 'ann', { ttl: 60 })", `gone in ${session.node.ttl} s`);
  assert.ok(session.node.ttl > 0);
}

async function errors({ etcd, home }) {
  const missing = await errorOf(etcd.get(`${home}/nowhere`));
  showError("etcd.get('nowhere')", inWords(missing));
  assert.equal(missing.errorCode, 100);
  showError("etcd.getSync('nowhere').err", inWords(etcd.getSync(`${home}/nowhere`).err));
  assert.throws(() => etcd.get(42), TypeError);
  showError('etcd.get(42)', 'throws a TypeError at once');
}

async function directories({ etcd, home }) {
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
  showError("rmdir('pets')", inWords(full));
  assert.equal(full.errorCode, 108);
  const { action } = await etcd.rmdir(`${home}/pets`, { recursive: true });
  show("rmdir('pets', { recursive: true })", action);

  for (const job of ['first', 'second', 'third']) await etcd.create(`${home}/queue`, job);
  const queue = await etcd.get(`${home}/queue`, { sorted: true });
  const jobs = queue.node.nodes.map(({ value }) => value);
  show("three times create('queue', job)", jobs.join(', '));
  assert.deepEqual(jobs, ['first', 'second', 'third']);
}

async function compareAndSwap({ etcd, home }) {
  await etcd.set(`${home}/leader`, 'ann');
  const { prevNode, node } = await etcd.compareAndSwap(`${home}/leader`, 'bob', 'ann');
  show("compareAndSwap('leader', 'bob', 'ann')", `${prevNode.value} -> ${node.value}`);
  assert.deepEqual([prevNode.value, node.value], ['ann', 'bob']);
  const error = await errorOf(etcd.compareAndSwap(`${home}/leader`, 'cid', 'ann'));
  showError("compareAndSwap('leader', 'cid', 'ann')", `${inWords(error)} ${error.error.cause}`);
  assert.equal(error.errorCode, 101);
}

async function watching({ etcd, home }) {
  const { node } = await etcd.set(`${home}/config/colour`, 'red');
  const watcher = etcd.watcher(`${home}/config`, node.modifiedIndex, { recursive: true });
  const seen = [];
  watcher.on('change', ({ action, node: { key, value } }) => {
    seen.push(action);
    show(`  event '${action}'`, `${key.split('/').pop()}${value === undefined ? '' : ` = ${value}`}`);
  });
  note(`etcd.watcher('config', ${node.modifiedIndex}, { recursive: true }), an index in the past`);
  await etcd.set(`${home}/config/colour`, 'green');
  const last = once(watcher, 'delete');
  await etcd.del(`${home}/config/colour`);
  await last;
  watcher.stop();
  assert.deepEqual(seen, ['set', 'set', 'delete']);
}

async function watchingABurst({ etcd, home }) {
  // Twice as many as the v2 store remembers. On a machine that is busy the writers wait, so that it forgets nothing.
  const [count, lead] = [2000, 500];
  const { node } = await etcd.mkdir(`${home}/burst`);
  const watcher = etcd.watcher(`${home}/burst`, node.modifiedIndex + 1, { recursive: true });
  const indexes = [];
  const all = new Promise((resolve, reject) => {
    watcher.on('resync', reject);
    watcher.on('change', (event) => {
      if (indexes.push(event.node.modifiedIndex) === count) resolve();
    });
  });
  let written = 0;
  const write = async () => {
    while (written < count) {
      if (written - indexes.length < lead) await etcd.set(`${home}/burst/${written % 10}`, written++);
      else await nextTurn();
    }
  };
  const start = performance.now();
  try {
    await Promise.all([all, ...Array.from({ length: 32 }, write)]);
  } finally {
    watcher.stop();
  }
  const ms = performance.now() - start;
  show(`${count} times set, 32 at once`, `${ms.toFixed(0)} ms`);
  show('  the watcher meanwhile', `${indexes.length} events, each once and in order`);
  assert.equal(indexes.length, count);
  assert.ok(indexes.every((index, place) => place === 0 || index > indexes[place - 1]));
}

async function aborting({ etcd, home }) {
  const waiting = errorOf(etcd.watch(`${home}/never`, { signal: AbortSignal.timeout(50) }));
  const error = await waiting;
  showError('watch(key, { signal: AbortSignal.timeout(50) })', `${error.name}, ${error.code}`);
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

async function severalHosts({ host, home, options }) {
  const dead = await deadHost();
  const cluster = new Etcd([dead, host], options);
  // Hosts are tried in random order: in ten requests both orders come up.
  const bodies = await Promise.all(Array.from({ length: 10 }, () => cluster.get(`${home}/greeting`)));
  show('ten requests to two hosts, one of them dead', `${bodies.length} answers`);
  assert.ok(bodies.every(({ node }) => node.value === 'hello'));
  const { message, errors: tries } = await errorOf(new Etcd(dead, options).get('key', { maxRetries: 0 }));
  showError('the dead one alone', inWords({ message, code: tries[0].httperror.code }));
  assert.equal(tries[0].httperror.code, 'ECONNREFUSED');
}

/** What tests of programs do. */
async function handle({ etcd, home }) {
  const store = Etcd.memory();
  store.advance(60_000);
  const gone = await errorOf(etcd.get(`${home}/session`));
  show('store.advance(60_000): a minute later', inWords(gone));
  assert.equal(gone.errorCode, 100);
  store.fail({ method: 'GET', with: 'refused' });
  const { message, errors: tries } = await errorOf(etcd.get(home, { maxRetries: 0 }));
  showError("store.fail({ method: 'GET', with: 'refused' })", inWords({ message, code: tries[0].httperror.code }));
  assert.equal(tries[0].httperror.code, 'ECONNREFUSED');
}

/** What lies in the store, by those who know nothing of this package. */
async function whatIsThere({ etcd, api, home, isInProcess }) {
  await etcd.rmdir(`${home}/burst`, { recursive: true });
  if (isInProcess) note('store.dump()');
  else
    note(api === 'v2' ? `curl ${etcd.getHosts()[0]}/v2/keys/${home}?recursive=true` : `etcdctl get --prefix /${home}/`);
  const keys = isInProcess ? Object.entries(Etcd.memory().dump()) : await keysOf(etcd.getHosts()[0], api, home);
  for (const [key, value] of keys) show(`  ${key.replace(`/${home}`, '')}`, value?.value ?? value);
  assert.ok(keys.some(([key]) => key === `/${home}/greeting`));
  if (!isInProcess && api !== 'v2')
    note('A value is a plain key. What ends with / is a directory, and with // what v3 does not know of a value.');
}

/** The names and functions of the steps for a store. */
const stepsOn = ({ host, isInProcess }) => [
  ['Set and get', setAndGet],
  ['Errors', errors],
  ['Directories, and keys in order', directories],
  ['Compare and swap', compareAndSwap],
  ['A watcher, from an index in the past', watching],
  ['A watcher while much is written', watchingABurst],
  ['Aborting', aborting],
  isInProcess ? ['What tests of programs do', handle] : ['Several hosts', severalHosts],
  // Whoever else asks has no password.
  ...(host.includes('@') ? [] : [['What the store holds now', whatIsThere]]),
];

module.exports = { stepsOn };
