'use strict';

// What is measured, each in a process of its own: resolves with an object of figures. Times are in microseconds if
// nothing else is said.

const path = require('node:path');
const { execFile } = require('node:child_process');
const { monitorEventLoopDelay } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const { CLIENTS, MODULES } = require('./clients');
const { connectionsTo, measured, residentKb, residentMbOf, threads } = require('./measure');
const { KEY, LIST, VALUE } = require('./replies');

const IN_MEMORY = 'node-etcd-native, memory';
const WRITER = path.join(__dirname, '..', '__test__', 'support', 'loads', 'writes.js');

/** Ways to send one request. */
const SENDERS = {
  get: (client) => (done) => client.get(KEY, done),
  set: (client) => (done) => client.set(KEY, VALUE, done),
  list: (client) => (done) => client.list(LIST, done),
};

/** With several in flight one request of so many is timed: timing costs the JavaScript thread a fifth of what a request does. */
const TIMED = 8;

/** Keeps so many requests in flight until the time is over; resolves with how many there were, and what some took. */
function keepInFlight(send, inFlight, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  return new Promise((resolve, reject) => {
    let running = inFlight;
    let count = 0;
    let isOver = false;
    const done = (err) => {
      if (err) return reject(err);
      count += 1;
      if (!isOver) next();
      else if (--running === 0) resolve({ count, times });
    };
    const timed = () => {
      const start = performance.now();
      send((err) => {
        const now = performance.now();
        times.push((now - start) * 1000);
        isOver ||= now >= end;
        done(err);
      });
    };
    const next = () => {
      if (inFlight === 1 || count % TIMED === 0) timed();
      else send(done);
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}

/** The same, by count: nothing is kept of a request. Resolves when all have ended. */
function sendMany(send, inFlight, count) {
  if (count === 0) return undefined;
  return new Promise((resolve, reject) => {
    let started = 0;
    let ended = 0;
    const next = () => {
      if (started++ >= count) return;
      send((err) => {
        if (err) return reject(err);
        ended += 1;
        if (ended === count) resolve();
        else next();
      });
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}

/** With `hosts` the server stands for so many members; `past` requests come before. */
async function requests({ client, host, pid, verb, inFlight, warmUp, time, hosts = 1, past = 0 }) {
  const send = SENDERS[verb](CLIENTS[client](hosts === 1 ? host : Array(hosts).fill(host)));
  await sendMany(send, inFlight, past);
  await keepInFlight(send, inFlight, warmUp);
  return measured(() => keepInFlight(send, inFlight, time), pid);
}

/** The same, and the connections that the client has open then. */
async function connected(parameters) {
  const figures = await requests(parameters);
  return { ...figures, connections: connectionsTo(portOf(parameters.host)) };
}

const portOf = (host) => Number(host.split(':')[1]);

async function sync({ client, host, verb, warmUp, time }) {
  const { getSync, setSync } = CLIENTS[client](host);
  const call = verb === 'get' ? () => getSync(KEY) : () => setSync(KEY, VALUE);
  const run = (milliseconds) => {
    const times = [];
    for (let now = performance.now(), end = now + milliseconds; now < end; ) {
      const { err } = call();
      if (err) throw err;
      times.push((performance.now() - now) * 1000);
      now = performance.now();
    }
    return { count: times.length, times };
  };
  run(warmUp);
  return measured(() => run(time));
}

/** One large reply after the other; `stall` is the longest time in ms that the event loop was held up. */
async function large({ client, host, warmUp, time }) {
  const send = SENDERS.list(CLIENTS[client](host));
  await keepInFlight(send, 1, warmUp);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const figures = await measured(() => keepInFlight(send, 1, time));
  return { ...figures, stall: delay.max / 1e6 };
}

/** Loading the package and making a client, in a process that did nothing before: ms, threads, KB. */
async function start({ client, host }) {
  const before = { resident: residentKb(), threads: threads() };
  const begin = performance.now();
  const Client = require(MODULES[client]);
  const made = client === 'undici' ? new Client.Pool(`http://${host}`) : new Client(host);
  const ms = performance.now() - begin;
  return { ms, threads: threads() - before.threads, residentKb: residentKb() - before.resident, made: typeof made };
}

/**
 * Resident KB before there is a client and after many requests, what V8 has taken of it for its heap, and by how many
 * times all grew in as many requests again.
 */
async function memory({ client, host, count }) {
  const beforeKb = residentKb();
  const send = SENDERS.get(CLIENTS[client](host));
  await sendMany(send, 64, count);
  const end = residentKb();
  const heapKb = process.memoryUsage().heapTotal / 1024;
  await sendMany(send, 64, count);
  return { beforeKb, residentKb: end, heapKb, growth: residentKb() / end };
}

/** Events a second that reach a listener while a writer, started by the parent, writes as fast as etcd takes it. */
async function burst({ client, host, time }) {
  const { etcd } = CLIENTS[client](host);
  const watcher = etcd.watcher('bench', null, { recursive: true });
  let events = 0;
  let first;
  let last;
  watcher.on('change', () => {
    last = performance.now();
    first ??= last;
    events += 1;
  });
  watcher.on('error', () => {});
  await sleep(time);
  watcher.stop();
  return { rate: ((events - 1) * 1000) / (last - first) };
}

/** One recursive watcher of 50 keys, which are set so often from a process of its own by an API. */
async function lossless({ client, host, writers, sets, api = '' }) {
  const { etcd } = CLIENTS[client](host);
  const prefix = `lossless-${process.pid}`;
  const start = await new Promise((resolve, reject) => {
    etcd.set(`${prefix}-start`, 1, (err, body) => (err ? reject(err) : resolve(body.node.modifiedIndex)));
  });
  const seen = new Set();
  let resyncs = 0;
  let lastAt;
  const watcher = etcd.watcher(prefix, start + 1, { recursive: true });
  watcher.on('change', ({ node }) => {
    seen.add(node.modifiedIndex);
    lastAt = performance.now();
  });
  watcher.on('resync', () => {
    resyncs += 1;
  });
  watcher.on('error', () => {});
  const began = performance.now();
  const args = [WRITER, host, prefix, 0, sets, 50, writers].map(String);
  const env = { ...process.env, NODE_ETCD_API: api };
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26, env });
  const ended = performance.now();
  // What does not come within a second does not come.
  while (seen.size < sets && performance.now() - Math.max(lastAt, ended) < 1000) await sleep(5);
  watcher.stop();
  const written = JSON.parse(stdout).indexes;
  const lost = written.filter(([index]) => !seen.has(index)).length;
  return {
    rate: (sets * 1000) / (ended - began),
    lost: (100 * lost) / written.length,
    resyncs,
    behind: Math.max(0, lastAt - ended),
  };
}

async function watchMany(etcd, count) {
  const watchers = [];
  for (let i = 0; i < count; i++) watchers.push(etcd.watcher(`watched/${i}`));
  while (watchers.some(({ index }) => index === null)) await sleep(50);
  return watchers;
}

/** Requests beside open watchers. */
async function beside({ client, host, watchers, warmUp, time }) {
  const { etcd, get } = CLIENTS[client](host);
  await watchMany(etcd, watchers);
  const send = (done) => get(KEY, done);
  await keepInFlight(send, 64, warmUp);
  return measured(() => keepInFlight(send, 64, time));
}

/** Resident KB of one of many watchers, their connections, and the MB by which the server's process grows. */
async function watching({ client, host, pid, watchers }) {
  const { etcd, get, set } = CLIENTS[client](host);
  await sendMany((done) => set(KEY, VALUE, done), 1, 1);
  await sendMany((done) => get(KEY, done), 64, 1000);
  const before = { own: residentKb(), server: residentMbOf(pid), connections: connectionsTo(portOf(host)) };
  await watchMany(etcd, watchers);
  await sleep(500);
  return {
    residentKb: (residentKb() - before.own) / watchers,
    connections: connectionsTo(portOf(host)) - before.connections,
    serverMb: residentMbOf(pid) - before.server,
  };
}

/** Bytes of a key in a store in this process, over those of its name and value. */
async function kept({ keys }) {
  const { etcd } = CLIENTS[IN_MEMORY]();
  const name = (i) => `kept/${i}`;
  const send = (i) => etcd.setSync(name(i), VALUE);
  send(0);
  const before = residentKb();
  for (let i = 0; i < keys; i++) send(i);
  const own = Array.from({ length: keys }, (_, i) => name(i).length + VALUE.length).reduce((a, b) => a + b);
  return { overhead: ((residentKb() - before) * 1024 - own) / keys };
}

/** Many watchers of a key each in a store in this process: KB of a watcher, and the events that do not come, in percent. */
async function watched({ watchers, sets }) {
  const { etcd } = CLIENTS[IN_MEMORY]();
  const before = residentKb();
  const open = await watchMany(etcd, watchers);
  const resident = (residentKb() - before) / watchers;
  let seen = 0;
  for (const watcher of open) watcher.on('change', () => seen++);
  const began = performance.now();
  let i = 0;
  await sendMany((done) => etcd.set(`watched/${i++ % watchers}`, i, done), 64, sets);
  const rate = (sets * 1000) / (performance.now() - began);
  for (let last = -1; seen < sets && seen > last; last = seen) await sleep(1000);
  return { rate, residentKb: resident, lost: (100 * (sets - seen)) / sets };
}

const WORKLOADS = { requests, connected, sync, large, start, memory, burst, lossless, beside, watching, kept, watched };

module.exports = { WORKLOADS };
