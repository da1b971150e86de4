'use strict';

const { checkBoolean, checkKey, checkOldValue, checkOptions, extended, parseOptional } = require('./arguments');
const { Client } = require('./client');
const { invalidType } = require('./errors');
const { Watcher } = require('./watcher');

/**
 * A client of an etcd cluster.
 *
 * A function with prototype methods that call each other through `this`, because programs inherit from it with
 * `util.inherits` and `Etcd.call(this)`, promisify its prototype and replace single methods.
 */
function Etcd(hosts, options) {
  if (!(this instanceof Etcd)) throw new TypeError("Class constructor Etcd cannot be invoked without 'new'");
  this.client = new Client(hosts ?? '127.0.0.1:2379', options);
  // Bound, as node-etcd has it.
  this.watcher = this.watcher.bind(this);
}

Etcd.prototype.set = function set(key, value, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.client.key('PUT', checkKey('key', key), value, opts, done);
};

Etcd.prototype.get = function get(key, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.client.key('GET', checkKey('key', key), undefined, opts, done);
};

Etcd.prototype.create = function create(dir, value, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.client.key('POST', checkKey('dir', dir), value, opts, done);
};

Etcd.prototype.del = function del(key, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.client.key('DELETE', checkKey('key', key), undefined, opts, done);
};

Etcd.prototype.mkdir = function mkdir(dir, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.set(checkKey('dir', dir), null, extended(opts, { dir: true }), done);
};

Etcd.prototype.rmdir = function rmdir(dir, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.del(checkKey('dir', dir), extended(opts, { dir: true }), done);
};

Etcd.prototype.compareAndSwap = function compareAndSwap(key, value, oldValue, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.set(key, value, withOldValue(opts, oldValue), done);
};

Etcd.prototype.compareAndDelete = function compareAndDelete(key, oldValue, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.del(key, withOldValue(opts, oldValue), done);
};

Etcd.prototype.watch = function watch(key, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.get(key, extended(opts, { wait: true }), done);
};

Etcd.prototype.watchIndex = function watchIndex(key, index, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  return this.watch(key, extended(opts, { waitIndex: index }), done);
};

Etcd.prototype.watcher = function watcher(key, index, options) {
  return new Watcher(this, key, index, options);
};

Etcd.prototype.raw = function raw(method, path, value, options, callback) {
  const [opts, done] = parseOptional(options, callback);
  if (typeof method !== 'string') throw invalidType('method', 'a string', method);
  // A fragment, which would take the options along, is nothing that a server gets.
  const target = `/${checkKey('path', String(path)).replace(/^\/+/, '').replaceAll('#', '%23')}`;
  return this.client.path(method.toUpperCase(), target, value, opts, done);
};

Etcd.prototype.setSync = function setSync(key, value, options) {
  return this.set(key, value, extended(options, { synchronous: true }));
};

Etcd.prototype.getSync = function getSync(key, options) {
  return this.get(key, extended(options, { synchronous: true }));
};

Etcd.prototype.delSync = function delSync(key, options) {
  return this.del(key, extended(options, { synchronous: true }));
};

Etcd.prototype.mkdirSync = function mkdirSync(dir, options) {
  return this.mkdir(dir, extended(options, { synchronous: true }));
};

Etcd.prototype.rmdirSync = function rmdirSync(dir, options) {
  return this.rmdir(dir, extended(options, { synchronous: true }));
};

Etcd.prototype.machines = information('/v2/keys/_etcd/machines');
Etcd.prototype.leader = information('/v2/leader');
Etcd.prototype.leaderStats = information('/v2/stats/leader');
Etcd.prototype.selfStats = information('/v2/stats/self');
Etcd.prototype.version = information('/version');

Etcd.prototype.getHosts = function getHosts() {
  return this.hosts.slice();
};

/**
 * The hosts with their passwords, which nothing that prints a client shows: `hosts` is no property of the object, and with
 * `showHidden` and `getters` util.inspect goes up its prototypes only to the first whose constructor has a built-in name.
 */
const unprinted = Object.create(Object.prototype, {
  constructor: { value: Object },
  hosts: {
    get() {
      return this.client?.hosts();
    },
    set(value) {
      Object.defineProperty(this, 'hosts', { value, writable: true, configurable: true });
    },
    configurable: true,
  },
});
Object.setPrototypeOf(Etcd.prototype, unprinted);

Etcd.prototype.post = Etcd.prototype.create;
Etcd.prototype.delete = Etcd.prototype.del;
Etcd.prototype.testAndSet = Etcd.prototype.compareAndSwap;
Etcd.prototype.testAndDelete = Etcd.prototype.compareAndDelete;

function close(options) {
  checkOptions(options);
  return this.client.close(checkBoolean('options.abort', options?.abort ?? false));
}

// Not enumerable, so that who goes through the prototype finds node-etcd's methods. Node 18 has the symbol from 18.18 on.
for (const name of ['close', Symbol.asyncDispose]) {
  if (name) Object.defineProperty(Etcd.prototype, name, { value: close, writable: true, configurable: true });
}

/** A store in this process, for tests of programs. */
Etcd.memory = (name) => {
  // Not before: most programs have no use for it.
  const { MemoryStore } = require('./memory-store');
  return new MemoryStore(name);
};

/** Options with an old value as a condition; undefined is none. */
function withOldValue(options, oldValue) {
  return extended(options, oldValue === undefined ? {} : { prevValue: checkOldValue(oldValue) });
}

/** A method that asks the server about itself. */
function information(path) {
  return function get(options, callback) {
    const [opts, done] = parseOptional(options, callback);
    return this.client.path('GET', path, undefined, opts, done);
  };
}

module.exports = { Etcd };
