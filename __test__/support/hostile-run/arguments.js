'use strict';

// Calls with odd arguments: `makeCall(dice, key)` gives { method, args, conditions }, where `conditions` are the names of
// the conditions of a write that the options ask for.

const vm = require('node:vm');

const ODD = [
  () => '',
  () => 'text',
  () => '\ud800',
  () => 'a&prevExist=false#',
  () => 'x'.repeat(70_000),
  () => 0,
  () => -0,
  () => -1,
  () => 1e21,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 1e-7,
  () => 2n ** 70n,
  () => true,
  () => false,
  () => ({}),
  () => [],
  () => ['a', 'b'],
  () => [undefined],
  () => () => {},
  () => Symbol('s'),
  () => Object('boxed'),
  () => Object(1n),
  () => new Date(0),
  () => new Date(Number.NaN),
  () => new Map(),
  () => new Uint8Array([1, 255]),
  () => new Float64Array(2),
  () => new ArrayBuffer(3),
  () => new DataView(new ArrayBuffer(2)),
  () => new SharedArrayBuffer(2),
  () => Promise.resolve(1),
  () => /x/,
  () => Object.create(null),
  () => vm.runInNewContext('new Date(0)'),
  () => vm.runInNewContext('new Uint8Array([1])'),
  () => vm.runInNewContext('({})'),
  () => new Proxy({}, {}),
  () => ({ toString: () => 'x' }),
  () => ({ valueOf: () => 7 }),
  () => ({
    toString() {
      throw new Error('odd');
    },
  }),
  () => ({
    get length() {
      throw new Error('odd');
    },
  }),
  () => undefined,
  () => null,
];
/** What every method takes: of odd values alone nearly all calls are refused before they are sent. */
const PLAIN = ['plain', 7, true, new Date(0), new Uint8Array([65])];
const CONDITIONS = ['prevValue', 'prevIndex', 'prevExist'];
const NAMES = [
  ...CONDITIONS,
  'ttl',
  'recursive',
  'sorted',
  'quorum',
  'dir',
  'wait',
  'waitIndex',
  'refresh',
  'noValueOnSuccess',
  'stream',
  'maxRetries',
  'signal',
  'headers',
  '__proto__',
  'constructor',
  'unknown',
  '',
];

const METHODS = {
  set: (key, odd) => [key, odd()],
  setSync: (key, odd) => [key, odd()],
  get: (key) => [key],
  getSync: (key) => [key],
  del: (key) => [key],
  delSync: (key) => [key],
  delete: (key) => [key],
  create: (key, odd) => [key, odd()],
  post: (key, odd) => [key, odd()],
  mkdir: (key) => [key],
  mkdirSync: (key) => [key],
  rmdir: (key) => [key],
  rmdirSync: (key) => [key],
  compareAndSwap: (key, odd) => [key, 'new', odd()],
  testAndSet: (key, odd) => [key, 'new', odd()],
  compareAndDelete: (key, odd) => [key, odd()],
  testAndDelete: (key, odd) => [key, odd()],
  watch: (key) => [key],
  watchIndex: (key, odd) => [key, odd()],
  raw: (key, odd, dice) => [dice.pick(['GET', 'PUT', 'DELETE', 'G T', '', 7]), `v2/keys${key}`, odd()],
  machines: () => [],
  leader: () => [],
  leaderStats: () => [],
  selfStats: () => [],
  version: () => [],
};
const COMPARING = ['compareAndSwap', 'testAndSet', 'compareAndDelete', 'testAndDelete'];
const TAKES_CONDITIONS = ['set', 'setSync', 'del', 'delSync', 'delete', ...COMPARING];

function makeOptions(dice, odd) {
  const options = {};
  for (const name of dice.sample(NAMES, dice.below(4))) {
    Object.defineProperty(options, name, { value: odd(), enumerable: true, configurable: true, writable: true });
  }
  return options;
}

/** What is undefined is not given: also an old value, as in node-etcd. */
function conditionsOf(method, options, oldValue) {
  if (!TAKES_CONDITIONS.includes(method)) return [];
  const given = CONDITIONS.filter((name) => Object.hasOwn(options, name) && options[name] !== undefined);
  return COMPARING.includes(method) && oldValue !== undefined ? [...new Set([...given, 'prevValue'])] : given;
}

function makeCall(dice, key) {
  const odd = () => (dice.number() < 0.5 ? dice.pick(PLAIN) : dice.pick(ODD)());
  const method = dice.pick(Object.keys(METHODS));
  const options = makeOptions(dice, odd);
  if (!method.endsWith('Sync') && dice.number() < 0.1) options.synchronous = true;
  const args = METHODS[method](key, odd, dice);
  return { method, args: [...args, options], conditions: conditionsOf(method, options, args.at(-1)) };
}

/** The arguments of a watcher. */
function makeWatch(dice, key) {
  const odd = () => dice.pick(ODD)();
  const isOdd = dice.number() < 0.3;
  return isOdd ? [key, odd(), dice.number() < 0.5 ? odd() : makeOptions(dice, odd)] : [key, dice.pick([null, 1, 1000])];
}

module.exports = { makeCall, makeWatch };
