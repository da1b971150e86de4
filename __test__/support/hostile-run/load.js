'use strict';

// The process of a hostile run that may crash: node load.js SEED ROUNDS SECONDS. Rounds of calls and a watcher, so many
// or, if SECONDS is not 0, for so long. Prints { wrong, … } as JSON, and ends at the tenth thing that is wrong.

const { inspect } = require('node:util');
const Etcd = require('../../..');
const { Dice } = require('../random');
const { makeCall, makeWatch } = require('./arguments');
const { startServer } = require('./server');

const CALLS = 20;
const MAX_RSS = 700 * 2 ** 20;
const MAX_WRONG = 10;
const ETCDS_ACTIONS = ['set', 'create', 'update', 'delete', 'expire', 'compareAndSwap', 'compareAndDelete'];
const FROM_SERVER = ['change', ...ETCDS_ACTIONS];
const OF_WATCHER = ['error', 'stop', 'resync', 'reconnect', 'newListener', 'removeListener'];

const [seed, rounds, seconds] = process.argv.slice(2).map(Number);
const wrong = [];
const sum = { rounds: 0, calls: 0, refused: 0, answered: 0, failed: 0, writes: 0, events: 0 };

function say(text) {
  if (wrong.length < MAX_WRONG) wrong.push(`round ${sum.rounds}: ${text}`);
}

for (const name of ['uncaughtException', 'unhandledRejection']) {
  process.on(name, (error) => say(`${name}: ${error?.stack ?? String(error)}`));
}

async function call(etcd, { method, args }) {
  sum.calls += 1;
  try {
    const result = etcd[method](...args);
    const isSync = method.endsWith('Sync') || args.at(-1).synchronous;
    if (isSync ? result.err : await result.then(() => null)) sum.failed += 1;
    else sum.answered += 1;
  } catch (error) {
    if (!(error instanceof Error)) say(`${method} threw ${typeof error}`);
    sum[error instanceof TypeError ? 'refused' : 'failed'] += 1;
  }
}

/** A watcher whose events are kept, or undefined if its arguments are refused. */
function watch(etcd, args, events) {
  try {
    const watcher = etcd.watcher(...args);
    const emit = watcher.emit;
    watcher.emit = (name, ...rest) => {
      events.push([name, ...rest]);
      return emit.call(watcher, name, ...rest);
    };
    return watcher.on('error', () => {});
  } catch {
    return undefined;
  }
}

const parsed = (text) => {
  try {
    return [JSON.stringify(JSON.parse(text))];
  } catch {
    return [];
  }
};

/** An event that no answer held, or that came more often than it was sent. */
function checkEvents(events, sent) {
  const left = new Map();
  for (const text of sent.flatMap(parsed)) left.set(text, (left.get(text) ?? 0) + 1);
  for (const [name, event] of events) {
    if (![...FROM_SERVER, ...OF_WATCHER].includes(name)) say(`an event of the name ${String(name)}`);
    if (!FROM_SERVER.includes(name)) continue;
    const text = JSON.stringify(event);
    if (!left.has(text)) say(`${name} was never sent: ${text}`);
    if (name !== 'change') continue;
    sum.events += 1;
    if (left.get(text) === 0) say(`an event came twice: ${text}`);
    left.set(text, left.get(text) - 1);
  }
}

/** A write that lacks a condition that its call was given. */
function checkWrites(calls, writes) {
  for (const { method, path, parameters } of writes) {
    sum.writes += 1;
    const made = calls.find(({ key }) => path === `/v2/keys${key}`);
    const names = parameters.map(([name]) => name);
    const lost = made?.conditions.filter((name) => !names.includes(name)) ?? [];
    if (lost.length > 0) say(`${method} of ${made.method} was sent without ${lost}: ${inspect(made.args.slice(1))}`);
  }
}

function checkMemory() {
  const { rss } = process.memoryUsage();
  if (rss > MAX_RSS) say(`${Math.round(rss / 2 ** 20)} MiB of memory`);
}

async function round(server, dice) {
  const etcd = new Etcd(server.host, { timeout: 200, maxRetries: 1 });
  const events = [];
  const watcher = watch(etcd, makeWatch(dice, `/w${sum.rounds}`), events);
  const calls = Array.from({ length: CALLS }, (_, i) => {
    const key = `/k${sum.rounds}-${i}`;
    return { key, ...makeCall(dice, key) };
  });
  await Promise.all(calls.map((made) => call(etcd, made)));
  await etcd.close();
  watcher?.stop();
  const { writes, sent } = await server.report();
  checkEvents(events, sent);
  checkWrites(calls, writes);
  checkMemory();
  sum.rounds += 1;
}

async function main() {
  const server = await startServer(seed);
  const dice = new Dice(seed);
  const end = Date.now() + seconds * 1000;
  while (wrong.length < MAX_WRONG && (seconds > 0 ? Date.now() < end : sum.rounds < rounds)) await round(server, dice);
  server.stop();
  console.log(JSON.stringify({ wrong, ...sum, rss: Math.round(process.memoryUsage.rss() / 2 ** 20) }));
}

main();
