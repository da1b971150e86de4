'use strict';

// The writer of the watcher's model test, a process: does all that makes events, in a random order that depends on the
// seed. It never writes further than it is allowed to, so that no reader falls out of etcd's history.
//   node writer.js <host> <seed> <api>

const { setTimeout: sleep } = require('node:timers/promises');
const { RawEtcd } = require('../raw-etcd');
const { Dice } = require('../random');
const { answerCalls } = require('../remote-process');
const { Client } = require('./client');

const [host, seed, api] = process.argv.slice(2);
const etcd = api === 'v2' ? new RawEtcd(host, 16) : new Client(host, api);
const dice = new Dice(Number(seed), 1);

const FILES = ['/m/d1/a', '/m/d1/b', '/m/d1/_c', '/m/d1x', '/m/d2/a', '/m/k1', '/m/k2', '/m/_x', '/m/_h/a', '/m/_h/_y'];
const DIRECTORIES = ['/m/d1', '/m/d2', '/m/_h', '/m/d1/e'];
/** After so many operations each watched key is written. */
const ROUND = 120;
const TTL = 1;

/** What each key was last set to, if nobody changed it since. */
const values = new Map();
/** The last index known, and how far we may go. */
let reached = 0;
let allowed = 0;
const wakers = [];
let number = 0;

async function waitForLeave() {
  while (reached >= allowed) {
    await new Promise((resolve) => wakers.push(resolve));
  }
}

/**
 * Whether asking again may help. With the first words etcd 3.5 refuses for good to let a directory expire that is there;
 * with the others this package does on v3, where it is too large.
 */
const isTransient = ({ status, body }) =>
  (status >= 500 || body.errorCode === 300) && !/ : Not a file|too much is in it/.test(body.cause);

/** Asks until etcd answers, be it with a refusal: an operation may take place twice. */
async function ask(method, key, options) {
  await waitForLeave();
  for (;;) {
    const answer = await etcd.ask(method, key, options).catch(() => undefined);
    if (answer && !isTransient(answer)) {
      reached = Math.max(reached, answer.body.node?.modifiedIndex ?? 0);
      return answer;
    }
    await sleep(20);
  }
}

async function put(key, form) {
  const value = String(++number);
  const { status } = await ask('PUT', key, { form: { value, ...form } });
  if (status < 400) values.set(key, value);
}

async function remove(key, query) {
  await ask('DELETE', key, { query });
  values.delete(key);
}

const OPERATIONS = {
  set: [20, (key) => put(key)],
  create: [6, (key) => put(key, { prevExist: 'false' })],
  update: [6, (key) => put(key, { prevExist: 'true' })],
  compareAndSwap: [8, (key) => put(key, { prevValue: values.get(key) ?? 'none' })],
  setToExpire: [2, (key) => put(key, { ttl: TTL })],
  refresh: [3, (key) => ask('PUT', key, { form: { refresh: 'true', ttl: TTL, prevExist: 'true' } })],
  delete: [5, (key) => remove(key)],
  compareAndDelete: [4, (key) => remove(key, { prevValue: values.get(key) ?? 'none' })],
  createInOrder: [2, () => ask('POST', '/m/d2', { form: { value: ++number } })],
  makeDirectory: [2, (_, directory) => ask('PUT', directory, { form: { dir: 'true', prevExist: 'false' } })],
  makeDirectoryToExpire: [
    1,
    (_, directory) => ask('PUT', directory, { form: { dir: 'true', prevExist: 'false', ttl: TTL } }),
  ],
  letDirectoryExpire: [
    1,
    (_, directory) => ask('PUT', directory, { form: { dir: 'true', prevExist: 'true', ttl: TTL } }),
  ],
  deleteDirectory: [3, (_, directory) => remove(directory, { recursive: 'true' })],
};
const CHOICES = Object.values(OPERATIONS).flatMap(([share, operation]) => Array(share).fill(operation));

/** An event for whoever watches any of it; the last one's key is not hidden. */
async function round() {
  await remove('/m/d2', { recursive: 'true' });
  await ask('PUT', '/m/d2', { form: { dir: 'true' } });
  for (const key of ['/m/_h/_y', '/m/_h/a', '/m/d1/a', '/m/d1x', '/m/k1']) await put(key);
}

/** Makes a directory that will expire, in place of what there is. */
async function makeDirectoryToExpire(key) {
  await remove(key, { recursive: 'true' });
  await ask('PUT', key, { form: { dir: 'true', ttl: TTL } });
}

/** Lets watched keys and directories expire, while others are written. */
async function expire() {
  const directories = ['/m/d1', '/m/d2'];
  for (const key of directories) await makeDirectoryToExpire(key);
  for (const key of ['/m/d1/a', '/m/d1x', '/m/_h/_y']) await put(key, { ttl: TTL });
  while (directories.length > 0) {
    const { status, body } = await ask('GET', directories[0]);
    if (status !== 200) directories.shift();
    // When it had expired before something was put into it, it is there anew, and for ever.
    else if (body.node.expiration === undefined) await makeDirectoryToExpire(directories[0]);
    await put('/m/k2');
    await sleep(20);
  }
}

answerCalls({
  expire,
  /** Carries out so many operations, `concurrency` at once. */
  async write(count, concurrency) {
    let done = 0;
    const work = async () => {
      while (done++ < count) {
        await dice.pick(CHOICES)(dice.pick(FILES), dice.pick(DIRECTORIES));
        if (done % ROUND === 0) await round();
      }
    };
    await Promise.all(Array.from({ length: concurrency }, work));
  },
  /** Writes something to each watched key, so many times, and resolves with the last index. */
  async rounds(count) {
    for (let i = 0; i < count; i++) await round();
    return reached;
  },
  /** Lets it write up to this index, roughly. */
  allow(index) {
    allowed = index;
    for (const wake of wakers.splice(0)) wake();
  },
});
