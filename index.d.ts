/// <reference types="node" />

import { EventEmitter } from 'node:events';

import EtcdClass = Etcd;

// Short names for what the signatures of the class repeat.
import AsyncOptions = Etcd.AsyncOptions;
import CallOptions = Etcd.CallOptions;
import Callback = Etcd.Callback;
import CancellationToken = Etcd.CancellationToken;
import ComparableValue = Etcd.ComparableValue;
import CreateOptions = Etcd.CreateOptions;
import DeleteOptions = Etcd.DeleteOptions;
import EtcdEvent = Etcd.EtcdEvent;
import GetOptions = Etcd.GetOptions;
import LeaderStats = Etcd.LeaderStats;
import MemoryStore = Etcd.MemoryStore;
import Method = Etcd.Method;
import MkdirOptions = Etcd.MkdirOptions;
import PendingToken = Etcd.PendingToken;
import RawOptions = Etcd.RawOptions;
import RmdirOptions = Etcd.RmdirOptions;
import SelfStats = Etcd.SelfStats;
import SetOptions = Etcd.SetOptions;
import StatsMessage = Etcd.StatsMessage;
import SyncOptions = Etcd.SyncOptions;
import SyncResult = Etcd.SyncResult;
import Value = Etcd.Value;
import Version = Etcd.Version;
import WatchOptions = Etcd.WatchOptions;

export = Etcd;

/**
 * A client of etcd's v2 API, for one server or a cluster.
 *
 * Every asynchronous method takes `([options], [callback])` last and comes in three forms:
 *
 * - without a callback it returns a {@link Etcd.PendingToken}, which can be awaited and aborted;
 * - with a callback `(err, body, headers)` it returns a {@link Etcd.CancellationToken}, which can be aborted but not
 *   awaited;
 * - with `{ synchronous: true }` it blocks the thread and returns `{ err, body, headers }`; a callback is not called.
 *
 * Mistakes in the arguments throw a TypeError at once, with `code` `ERR_INVALID_ARG_TYPE` or
 * `ERR_INVALID_ARG_VALUE` and the argument's name in the message. All that the server or the network does
 * comes as an {@link Etcd.EtcdError} through the callback, the promise or `err`.
 *
 * @example
 * ```js
 * const Etcd = require('node-etcd-native');
 * const etcd = new Etcd();
 * etcd.set('color', 'red', (err, body) => console.log(err || body.node));
 * ```
 */
declare class Etcd {
  /**
   * Makes a client. Nothing is sent until a method is called.
   *
   * @param hosts one host or several, default `'127.0.0.1:2379'`. `http://` is put in front of a host without a scheme.
   * Give the port: without one it is 80, or 443 for https. A `user:password@` in a host is sent as basic
   * authentication, a path is put before every request's. `'memory:'` or `'memory:NAME'`, alone, is a store in this
   * process that needs no server: all clients that name it share it, see {@link Etcd.memory}.
   * @param options see {@link Etcd.EtcdOptions}; an unknown option throws, with a `memory:` host all but `timeout`,
   * `maxRetries` and `resendWrites`
   *
   * @example
   * ```js
   * const etcd = new Etcd(['10.0.0.1:2379', '10.0.0.2:2379'], { timeout: 2000 });
   * ```
   */
  constructor(hosts?: string | readonly string[] | null, options?: Etcd.EtcdOptions | null);

  /**
   * The handle of a store in this process, for tests of programs: what `new Etcd('memory:NAME')` reads and writes. The
   * store is there from when it is first named until the process ends. Every handle of a name is of the same store, in
   * all threads and also where a test runner loads this package anew.
   *
   * @param name the part after `memory:`, as it is; default `''`
   *
   * @example
   * ```js
   * const store = Etcd.memory();
   * store.load({ '/config/color': 'red' });
   * console.log((await new Etcd('memory:').get('config/color')).node.value); // red
   * ```
   */
  static memory(name?: string): MemoryStore;

  /**
   * The hosts as URLs, without a trailing slash: a new array each time.
   *
   * @example
   * ```js
   * new Etcd('localhost:2379').getHosts(); // ['http://localhost:2379']
   * ```
   */
  getHosts(): string[];

  // Each form is an overload of a method. One type that carries all forms would make the member a property, which a
  // subclass cannot override with a method (TS2425). The plain callback is the last overload, because `util.promisify`,
  // `Parameters` and typed stubs see that one only. The docstring is at the first overload alone: on hovering, editors
  // show it for the others too, as long as they have none of their own.

  /**
   * Writes a key, creating the directories above it.
   *
   * Without a value (`null`, `undefined` or left out) the key gets the value `''`; with `dir: true` it becomes a
   * directory.
   * A set without `ttl` removes a time to live that the key had.
   *
   * @param key the key; one leading slash makes no difference
   * @param value what to store; etcd stores text
   * @param options see {@link Etcd.SetOptions}
   * @returns the answer has `node` and, if the key existed, `prevNode`
   *
   * @example
   * ```js
   * await etcd.set('color', 'red', { ttl: 60 });
   * ```
   */
  set(key: string, value?: Value, options?: AsyncOptions<SetOptions>): PendingToken;
  set(key: string, value: Value, options: SyncOptions<SetOptions>): SyncResult;
  set(
    key: string,
    value: Value,
    options: AsyncOptions<SetOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  set(key: string, value: Value, callback: Callback): CancellationToken;

  /**
   * Reads a key or lists a directory.
   *
   * A missing key is an error with `errorCode` 100. A directory's children are in `node.nodes`; hidden keys (name
   * starting with `_`) are not listed.
   *
   * @example
   * ```js
   * const { node } = await etcd.get('color');
   * console.log(node.value);
   * ```
   */
  get(key: string, options?: AsyncOptions<GetOptions>): PendingToken;
  get(key: string, options: SyncOptions<GetOptions>): SyncResult;
  get(key: string, options: AsyncOptions<GetOptions>, callback: Callback | null | undefined): CancellationToken;
  get(key: string, callback: Callback): CancellationToken;

  /**
   * Deletes a key; with `recursive: true` also a directory and all below it.
   *
   * The answer's `prevNode` has the value that was deleted. A directory without `recursive` is an error: `errorCode`
   * 102, or 108 if `dir: true` is given and it is not empty.
   *
   * @example
   * ```js
   * await etcd.del('color');
   * ```
   */
  del(key: string, options?: AsyncOptions<DeleteOptions>): PendingToken;
  del(key: string, options: SyncOptions<DeleteOptions>): SyncResult;
  del(key: string, options: AsyncOptions<DeleteOptions>, callback: Callback | null | undefined): CancellationToken;
  del(key: string, callback: Callback): CancellationToken;

  /** The same as {@link Etcd.del}. */
  delete(key: string, options?: AsyncOptions<DeleteOptions>): PendingToken;
  delete(key: string, options: SyncOptions<DeleteOptions>): SyncResult;
  delete(key: string, options: AsyncOptions<DeleteOptions>, callback: Callback | null | undefined): CancellationToken;
  delete(key: string, callback: Callback): CancellationToken;

  /**
   * Creates a key with a new name in a directory. The names grow with each call, so that a sorted listing is in the
   * order of creation. The new key is `node.key`.
   *
   * @param dir the directory, created if need be
   * @param value the new key's value
   *
   * @example
   * ```js
   * const { node } = await etcd.create('queue', 'first job');
   * console.log(node.key); // such as /queue/00000000000000000042
   * ```
   */
  create(dir: string, value: Value, options?: AsyncOptions<CreateOptions>): PendingToken;
  create(dir: string, value: Value, options: SyncOptions<CreateOptions>): SyncResult;
  create(
    dir: string,
    value: Value,
    options: AsyncOptions<CreateOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  create(dir: string, value: Value, callback: Callback): CancellationToken;

  /** The same as {@link Etcd.create}. */
  post(dir: string, value: Value, options?: AsyncOptions<CreateOptions>): PendingToken;
  post(dir: string, value: Value, options: SyncOptions<CreateOptions>): SyncResult;
  post(
    dir: string,
    value: Value,
    options: AsyncOptions<CreateOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  post(dir: string, value: Value, callback: Callback): CancellationToken;

  /**
   * Creates a directory, and those above it.
   *
   * If there is a directory of that name already, the error's `errorCode` is 102; a key of that name is replaced by the
   * directory.
   *
   * @example
   * ```js
   * await etcd.mkdir('jobs');
   * ```
   */
  mkdir(dir: string, options?: AsyncOptions<MkdirOptions>): PendingToken;
  mkdir(dir: string, options: SyncOptions<MkdirOptions>): SyncResult;
  mkdir(dir: string, options: AsyncOptions<MkdirOptions>, callback: Callback | null | undefined): CancellationToken;
  mkdir(dir: string, callback: Callback): CancellationToken;

  /**
   * Removes a directory. It has to be empty (`errorCode` 108 if not), unless `recursive: true` is given.
   *
   * @example
   * ```js
   * await etcd.rmdir('jobs', { recursive: true });
   * ```
   */
  rmdir(dir: string, options?: AsyncOptions<RmdirOptions>): PendingToken;
  rmdir(dir: string, options: SyncOptions<RmdirOptions>): SyncResult;
  rmdir(dir: string, options: AsyncOptions<RmdirOptions>, callback: Callback | null | undefined): CancellationToken;
  rmdir(dir: string, callback: Callback): CancellationToken;

  /**
   * Writes a key only if it has the value `oldValue`. If it has another, the error's `errorCode` is 101; if it is
   * missing, 100.
   *
   * etcd cannot compare with an empty value: `''` is refused (201). Use `set` with `prevIndex` for that. At run time an
   * `oldValue` of `undefined` is no condition at all, as in node-etcd; an object, array or function throws a TypeError.
   *
   * @example
   * ```js
   * await etcd.compareAndSwap('color', 'green', 'red');
   * ```
   */
  compareAndSwap(
    key: string,
    value: Value,
    oldValue: ComparableValue,
    options?: AsyncOptions<SetOptions>,
  ): PendingToken;
  compareAndSwap(key: string, value: Value, oldValue: ComparableValue, options: SyncOptions<SetOptions>): SyncResult;
  compareAndSwap(
    key: string,
    value: Value,
    oldValue: ComparableValue,
    options: AsyncOptions<SetOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  compareAndSwap(key: string, value: Value, oldValue: ComparableValue, callback: Callback): CancellationToken;

  /** The same as {@link Etcd.compareAndSwap}. */
  testAndSet(key: string, value: Value, oldValue: ComparableValue, options?: AsyncOptions<SetOptions>): PendingToken;
  testAndSet(key: string, value: Value, oldValue: ComparableValue, options: SyncOptions<SetOptions>): SyncResult;
  testAndSet(
    key: string,
    value: Value,
    oldValue: ComparableValue,
    options: AsyncOptions<SetOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  testAndSet(key: string, value: Value, oldValue: ComparableValue, callback: Callback): CancellationToken;

  /**
   * Deletes a key only if it has the value `oldValue`. Errors as in {@link Etcd.compareAndSwap}.
   *
   * @example
   * ```js
   * await etcd.compareAndDelete('color', 'green');
   * ```
   */
  compareAndDelete(key: string, oldValue: ComparableValue, options?: AsyncOptions<DeleteOptions>): PendingToken;
  compareAndDelete(key: string, oldValue: ComparableValue, options: SyncOptions<DeleteOptions>): SyncResult;
  compareAndDelete(
    key: string,
    oldValue: ComparableValue,
    options: AsyncOptions<DeleteOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  compareAndDelete(key: string, oldValue: ComparableValue, callback: Callback): CancellationToken;

  /** The same as {@link Etcd.compareAndDelete}. */
  testAndDelete(key: string, oldValue: ComparableValue, options?: AsyncOptions<DeleteOptions>): PendingToken;
  testAndDelete(key: string, oldValue: ComparableValue, options: SyncOptions<DeleteOptions>): SyncResult;
  testAndDelete(
    key: string,
    oldValue: ComparableValue,
    options: AsyncOptions<DeleteOptions>,
    callback: Callback | null | undefined,
  ): CancellationToken;
  testAndDelete(key: string, oldValue: ComparableValue, callback: Callback): CancellationToken;

  /**
   * Waits for the next change of a key: one long poll, one event, no reconnecting. {@link Etcd.watcher} goes on.
   *
   * `timeout` bounds connecting and the arrival of the response headers, not the wait for the event.
   *
   * @example
   * ```js
   * const event = await etcd.watch('color');
   * console.log(event.action, event.node.value);
   * ```
   */
  watch(key: string, options?: AsyncOptions<WatchOptions>): PendingToken<EtcdEvent>;
  watch(key: string, options: SyncOptions<WatchOptions>): SyncResult<EtcdEvent>;
  watch(
    key: string,
    options: AsyncOptions<WatchOptions>,
    callback: Callback<EtcdEvent> | null | undefined,
  ): CancellationToken;
  watch(key: string, callback: Callback<EtcdEvent>): CancellationToken;

  /**
   * Waits for the first change of a key whose index is `index` or greater; one that has happened already is delivered
   * at once.
   *
   * etcd keeps the last 1,000 events of all keys together: an older index is an error with `errorCode` 401. So is one
   * that the store is far from for 4 s, as after it was wiped or restored.
   *
   * @example
   * ```js
   * const { node } = await etcd.get('color');
   * const event = await etcd.watchIndex('color', node.modifiedIndex + 1);
   * ```
   */
  watchIndex(key: string, index: number, options?: AsyncOptions<WatchOptions>): PendingToken<EtcdEvent>;
  watchIndex(key: string, index: number, options: SyncOptions<WatchOptions>): SyncResult<EtcdEvent>;
  watchIndex(
    key: string,
    index: number,
    options: AsyncOptions<WatchOptions>,
    callback: Callback<EtcdEvent> | null | undefined,
  ): CancellationToken;
  watchIndex(key: string, index: number, callback: Callback<EtcdEvent>): CancellationToken;

  /**
   * Watches a key, or with `recursive: true` all below it, until `stop()` is called. It starts at once and reconnects
   * by itself. See {@link Etcd.Watcher}.
   *
   * @param index the first index of interest; left out or `null`: from now on, which is when etcd registers the watch
   *
   * @example
   * ```js
   * const watcher = etcd.watcher('config', null, { recursive: true });
   * watcher.on('change', (event) => console.log(event.action, event.node.key));
   * ```
   */
  watcher(key: string, index?: number | null, options?: Etcd.WatcherOptions | null): Etcd.Watcher;

  /**
   * Sends any request. `path` is the whole path without the leading slash; `value`, if given, is sent as the form field
   * `value`; options other than those of {@link Etcd.CallOptions} become query parameters.
   *
   * The body is whatever the server sent: an object if it was JSON, else a string, `undefined` if empty. A JSON body
   * with an `errorCode` is an error, any other answer with a status below 500 is not.
   *
   * @typeParam T what you know the body to be; it is not checked
   *
   * @example
   * ```js
   * const health = await etcd.raw('GET', 'health');
   * ```
   */
  raw<T = unknown>(method: Method, path: string, value?: Value, options?: AsyncOptions<RawOptions>): PendingToken<T>;
  raw<T = unknown>(method: Method, path: string, value: Value, options: SyncOptions<RawOptions>): SyncResult<T>;
  raw<T = unknown>(
    method: Method,
    path: string,
    value: Value,
    options: AsyncOptions<RawOptions>,
    callback: Callback<T> | null | undefined,
  ): CancellationToken;
  raw<T = unknown>(method: Method, path: string, value: Value, callback: Callback<T>): CancellationToken;

  /**
   * Reads the key `_etcd/machines`, where etcd 0.4 listed its members. Later etcds answer with `errorCode` 100; there,
   * use `raw('GET', 'v2/machines')`.
   *
   * @example
   * ```js
   * etcd.machines((err, body) => console.log(err ? err.message : body));
   * ```
   */
  machines(options?: AsyncOptions<CallOptions>): PendingToken;
  machines(options: SyncOptions<CallOptions>): SyncResult;
  machines(options: AsyncOptions<CallOptions>, callback: Callback | null | undefined): CancellationToken;
  machines(callback: Callback): CancellationToken;

  /**
   * Reads `/v2/leader`, where etcd 0.4 named its leader. Later etcds answer with the text `404 page not found`, which
   * is handed over as the body; there, use `raw('GET', 'v2/members/leader')`.
   *
   * @example
   * ```js
   * console.log(await etcd.leader());
   * ```
   */
  leader(options?: AsyncOptions<CallOptions>): PendingToken<unknown>;
  leader(options: SyncOptions<CallOptions>): SyncResult<unknown>;
  leader(options: AsyncOptions<CallOptions>, callback: Callback<unknown> | null | undefined): CancellationToken;
  leader(callback: Callback<unknown>): CancellationToken;

  /**
   * The leader's figures about its followers. A member that is not the leader answers with a {@link Etcd.StatsMessage}.
   *
   * @example
   * ```js
   * const stats = await etcd.leaderStats();
   * if ('followers' in stats) console.log(Object.keys(stats.followers));
   * ```
   */
  leaderStats(options?: AsyncOptions<CallOptions>): PendingToken<LeaderStats | StatsMessage>;
  leaderStats(options: SyncOptions<CallOptions>): SyncResult<LeaderStats | StatsMessage>;
  leaderStats(
    options: AsyncOptions<CallOptions>,
    callback: Callback<LeaderStats | StatsMessage> | null | undefined,
  ): CancellationToken;
  leaderStats(callback: Callback<LeaderStats | StatsMessage>): CancellationToken;

  /**
   * The figures of the member that answered.
   *
   * @example
   * ```js
   * console.log((await etcd.selfStats()).state);
   * ```
   */
  selfStats(options?: AsyncOptions<CallOptions>): PendingToken<SelfStats>;
  selfStats(options: SyncOptions<CallOptions>): SyncResult<SelfStats>;
  selfStats(options: AsyncOptions<CallOptions>, callback: Callback<SelfStats> | null | undefined): CancellationToken;
  selfStats(callback: Callback<SelfStats>): CancellationToken;

  /**
   * The version of the member that answered, and of its cluster.
   *
   * @example
   * ```js
   * console.log((await etcd.version()).etcdserver);
   * ```
   */
  version(options?: AsyncOptions<CallOptions>): PendingToken<Version>;
  version(options: SyncOptions<CallOptions>): SyncResult<Version>;
  version(options: AsyncOptions<CallOptions>, callback: Callback<Version> | null | undefined): CancellationToken;
  version(callback: Callback<Version>): CancellationToken;

  /**
   * {@link Etcd.set}, blocking the thread until the answer is there. Like every Sync method it reports what the server
   * or the network does in `err` and does not throw for it.
   *
   * @example
   * ```js
   * const { err } = etcd.setSync('color', 'red');
   * if (err) throw err;
   * ```
   */
  setSync(key: string, value?: Value, options?: SetOptions | null): SyncResult;

  /**
   * {@link Etcd.get}, blocking.
   *
   * @example
   * ```js
   * const { err, body } = etcd.getSync('color');
   * if (!err) console.log(body.node.value);
   * ```
   */
  getSync(key: string, options?: GetOptions | null): SyncResult;

  /**
   * {@link Etcd.del}, blocking.
   *
   * @example
   * ```js
   * const { err } = etcd.delSync('color');
   * ```
   */
  delSync(key: string, options?: DeleteOptions | null): SyncResult;

  /**
   * {@link Etcd.mkdir}, blocking.
   *
   * @example
   * ```js
   * const { err } = etcd.mkdirSync('jobs');
   * ```
   */
  mkdirSync(dir: string, options?: MkdirOptions | null): SyncResult;

  /**
   * {@link Etcd.rmdir}, blocking.
   *
   * @example
   * ```js
   * const { err } = etcd.rmdirSync('jobs', { recursive: true });
   * ```
   */
  rmdirSync(dir: string, options?: RmdirOptions | null): SyncResult;

  /**
   * Ends the client; there is no need to. Resolves when all requests under way have ended, retries included, and the
   * connections are being closed. Watchers are stopped, and requests that wait for a change are aborted. Whatever is
   * asked of the client from now on fails with `ERR_CLIENT_CLOSED`.
   *
   * @param options `abort: true` aborts all requests.
   *
   * @example
   * ```js
   * await etcd.close();
   * ```
   */
  close(options?: Etcd.CloseOptions | null): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

declare namespace Etcd {
  // The export is also its own `Etcd` and `default` property.
  export { EtcdClass as Etcd, EtcdClass as default };

  // ---- Values and answers ----

  /**
   * What can be stored. Numbers, booleans and bigints are stored as their text, a Date as its ISO text, a Buffer or
   * other Uint8Array as UTF-8 text.
   * `null` and `undefined` mean no value. Objects and arrays throw a TypeError: use `JSON.stringify`.
   */
  export type Value = string | number | boolean | bigint | Date | Uint8Array | null | undefined;

  /** A value to compare with; as {@link Value}, but there has to be one. */
  export type ComparableValue = string | number | boolean | bigint | Date | Uint8Array;

  /** What happened to a node. */
  export type EventAction = 'set' | 'create' | 'update' | 'delete' | 'expire' | 'compareAndSwap' | 'compareAndDelete';

  /** What a request did: a change, or `get`. */
  export type Action = EventAction | 'get';

  /** A key or a directory. */
  export interface EtcdNode {
    /** The whole key, with a leading slash. The root directory has no `key` and no indexes. */
    key: string;
    /** The value; directories and deleted keys have none. */
    value?: string;
    /** `true` for a directory; keys do not have it. */
    dir?: boolean;
    /** A directory's children, in no particular order unless `sorted` was asked for. An empty directory has none. */
    nodes?: EtcdNode[];
    /** Seconds left to live, if a time to live was set. */
    ttl?: number;
    /** When the node expires: an ISO 8601 text, with nanoseconds. */
    expiration?: string;
    /** The index of the last change. */
    modifiedIndex: number;
    /** The index of the creation; `set` on an existing key counts as one. */
    createdIndex: number;
  }

  /** etcd's answer to a request on a key. */
  export interface EtcdResponse {
    /** What was done. */
    action: Action;
    /** The node after the request. Missing if `noValueOnSuccess` was asked for. */
    node: EtcdNode;
    /** The node before the request, if there was one and it was changed. */
    prevNode?: EtcdNode;
  }

  /** A change seen by a watch. */
  export interface EtcdEvent extends EtcdResponse {
    /** What was done. */
    action: EventAction;
  }

  /** The response's headers: lower-case names, repeated headers joined with `, `, except `set-cookie`. */
  export interface ResponseHeaders {
    /** etcd's index at the time of the answer. For a watch: when the watch was registered. */
    'x-etcd-index'?: string;
    /** The cluster's id. */
    'x-etcd-cluster-id'?: string;
    /** The index of etcd's raft log. */
    'x-raft-index'?: string;
    /** The raft term: a number that grows with each election. */
    'x-raft-term'?: string;
    'set-cookie'?: string[];
    [name: string]: string | string[] | undefined;
  }

  /**
   * Called once, never before the method has returned; not called after an abort.
   *
   * @param err `null`, or the error
   * @param body the answer. If a server's answer is the error it is `''`, with any other error `undefined`
   * @param headers the response's headers; `undefined` if no server answered
   */
  export type Callback<T = EtcdResponse> = (err: EtcdError | null, body: T, headers: ResponseHeaders) => void;

  /** What a blocking call returns. Test `err` first; TypeScript then knows the rest. */
  export type SyncResult<T = EtcdResponse> =
    | { err: null; body: T; headers: ResponseHeaders }
    | { err: EtcdError; body: '' | undefined; headers: ResponseHeaders | undefined };

  /** The answer of `version()`. */
  export interface Version {
    /** The member's version, such as `3.4.23`. */
    etcdserver: string;
    /** The cluster's version, such as `3.4.0`. */
    etcdcluster: string;
  }

  /** The answer of `selfStats()`. With `{ api: 'v3' }` what v3 does not tell is missing: times and numbers of requests. */
  export interface SelfStats {
    name: string;
    id: string;
    /** `StateLeader`, `StateFollower` or `StateCandidate`. */
    state: string;
    /** When the member started: ISO 8601 text. */
    startTime?: string;
    leaderInfo: {
      /** The leader's id. */
      leader: string;
      /** How long it has been the leader, such as `1h2m3.4s`. */
      uptime?: string;
      /** Since when: ISO 8601 text. */
      startTime?: string;
    };
    recvAppendRequestCnt?: number;
    /** Requests a second; missing while there are none. */
    recvPkgRate?: number;
    /** Bytes a second; missing while there are none. */
    recvBandwidthRate?: number;
    sendAppendRequestCnt?: number;
    /** Requests a second; missing while there are none. */
    sendPkgRate?: number;
    /** Bytes a second; missing while there are none. */
    sendBandwidthRate?: number;
  }

  /** The answer of `leaderStats()` from the leader. */
  export interface LeaderStats {
    /** The leader's id. */
    leader: string;
    /** The followers by their ids. Latencies are in milliseconds; with `{ api: 'v3' }` nothing is told of them. */
    followers: {
      [id: string]: {
        latency?: {
          current: number;
          average: number;
          standardDeviation: number;
          minimum: number;
          maximum: number;
        };
        counts?: { fail: number; success: number };
      };
    };
  }

  /** The answer of `leaderStats()` from a member that is not the leader. */
  export interface StatsMessage {
    message: string;
  }

  /** A method for `raw`. */
  export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE' | (string & {});

  // ---- Options ----

  /** Which of etcd's APIs keeps the keys. */
  export type Api = 'v2' | 'v3' | 'v3-json';

  /**
   * The options of `new Etcd(hosts, options)`. A value of the wrong type throws an error with code
   * `ERR_INVALID_ARG_TYPE`; a value that cannot be used, and any option that is not listed here, throws one with code
   * `ERR_INVALID_ARG_VALUE`. Both name the option.
   */
  export interface EtcdOptions extends TlsOptions {
    /**
     * Which of etcd's APIs keeps the keys: `'v2'`, over HTTP; `'v3'`, over gRPC, with which the same methods work on
     * etcd 3.4 and newer; `'v3-json'`, the same over etcd's JSON gateway, where only HTTP/1.1 gets through. The stores of
     * v2 and v3 are separate. Default: the environment variable `NODE_ETCD_API`, else `'v2'`.
     */
    api?: Api | undefined;
    /** The prefix of all keys on etcd v3, such as `/app`. Default: none. Refused with `v2`. */
    namespace?: string | undefined;
    /**
     * Milliseconds without progress after which a try at one host fails: while connecting (`ETIMEDOUT`) or while
     * waiting for data (`ESOCKETTIMEDOUT`). The next host is tried then. It is not a limit for the whole request, and
     * on a watch it does not bound the wait for an event. Default: none; so is 0.
     */
    timeout?: number | undefined;
    /** How often all hosts are tried again when the cluster seems to elect a leader. Default 3; 0 for never. */
    maxRetries?: number | undefined;
    /**
     * Whether a write is sent again after a failure that leaves open whether it took place: a lost connection, a
     * timeout, a status of 500 or more. Default `true`, as in node-etcd. With `false` such a write ends with an error
     * whose `code` is `ERR_UNKNOWN_OUTCOME`.
     */
    resendWrites?: boolean | undefined;
    /**
     * Bytes that an answer's body may have, default 64 MiB. A larger one is a failed try at this host: the code of
     * its `httperror` is `ERR_RESPONSE_TOO_LARGE`. So is one with more JSON values than one for each 64 bytes of this, and
     * than 1,048,576, which are about 200,000 keys. A larger event is an `error` of the
     * watcher, which goes on behind it.
     */
    maxResponseSize?: number | undefined;

    /** Credentials for every request. They win over those in a host's URL. */
    auth?: Auth | undefined;
    /** Headers for every request; an array sends one several times. */
    headers?: { [name: string]: HeaderValue | readonly HeaderValue[] | undefined } | undefined;
    /** Ask for compressed answers and unpack them. Default `false`. */
    gzip?: boolean | undefined;

    /** Whether redirects are followed at all; only looked at with `followAllRedirects: false`. Default `true`. */
    followRedirect?: boolean | undefined;
    /** Whether redirects of writes are followed. Default `true`. */
    followAllRedirects?: boolean | undefined;
    /** How many redirects in a row are followed. Default 10. */
    maxRedirects?: number | undefined;
    /** Redirected writes always keep their method. */
    followOriginalHttpMethod?: true | undefined;
    /** A `Referer` is never sent. */
    removeRefererHeader?: true | undefined;

    /**
     * The proxy, such as `http://user:password@host:8080`; `null` or `''` for none. Left out: what HTTP_PROXY,
     * HTTPS_PROXY and NO_PROXY, or their lower-case forms, are at the time of each request.
     */
    proxy?: string | null | undefined;
    /** Only what is done anyway is accepted: `true` if the hosts are https, `false` if they are http. */
    tunnel?: boolean | undefined;
    /** Whether connections are kept open for the next request. Default `true`. */
    forever?: boolean | undefined;
    /** How many requests go to a host at once; watches do not count. Default 100. */
    maxSockets?: number | undefined;
    /** The same `maxSockets`, at its place in `request`. */
    pool?: { maxSockets?: number | undefined } | undefined;
    /** The local IP address to connect from. */
    localAddress?: string | undefined;
    /** The options of https and `maxSockets`, at their place in `request`. */
    agentOptions?: AgentOptions | undefined;
  }

  /** The value of a header. */
  export type HeaderValue = string | number | boolean;

  /** The options for `https://` hosts. What cannot be read throws an error that names the option. */
  export interface TlsOptions {
    /**
     * The certificates to trust, in PEM, instead of those that Node trusts (which include NODE_EXTRA_CA_CERTS): of
     * authorities, or of servers themselves.
     */
    ca?: string | Uint8Array | ReadonlyArray<string | Uint8Array> | undefined;
    /** The client's certificate and its chain, in PEM; needs `key`. */
    cert?: string | Uint8Array | undefined;
    /** The client's private key, in PEM; needs `cert`. */
    key?: string | Uint8Array | undefined;
    /** What opens `key` or `pfx`. */
    passphrase?: string | undefined;
    /** The client's certificate and private key in a PKCS#12 archive, instead of `cert` and `key`. */
    pfx?: Uint8Array | undefined;
    /**
     * `false`: take any certificate. Default `true`, unless NODE_TLS_REJECT_UNAUTHORIZED is 0 when the client is made.
     */
    rejectUnauthorized?: boolean | undefined;
    /** The same as `rejectUnauthorized`, and wins over it. */
    strictSSL?: boolean | undefined;
    /**
     * The name that the server's certificate must hold, also sent in the handshake (SNI). Default: a `host` header's,
     * else the host's.
     */
    servername?: string | undefined;
  }

  /** The option `agentOptions`. */
  export interface AgentOptions extends TlsOptions {
    /** See {@link EtcdOptions.maxSockets}. */
    maxSockets?: number | undefined;
  }

  /** User and password for basic authentication, or a bearer token. */
  export interface Auth {
    /** The user's name. */
    user?: string | undefined;
    /** The same as `user`. */
    username?: string | undefined;
    /** The password. Default: empty. */
    pass?: string | undefined;
    /** The same as `pass`. */
    password?: string | undefined;
    /** A token, sent as `Authorization: Bearer ...`. */
    bearer?: string | undefined;
    /** Credentials always come with the first request. */
    sendImmediately?: true | undefined;
  }

  /**
   * Options of every method. What is not listed here is sent to etcd as a query parameter: a {@link Value}, as all else
   * is a TypeError. Your object is never changed.
   */
  export interface CallOptions {
    /** For this call, instead of the client's {@link EtcdOptions.maxRetries}. */
    maxRetries?: number | undefined;
    /** Milliseconds; for this call, instead of the client's {@link EtcdOptions.timeout}. */
    timeout?: number | undefined;
    /**
     * Aborts the request as the token's `abort()` does. It cannot interrupt a call that blocks the thread; if it is
     * aborted before that, nothing is sent and `err` is an {@link AbortError}.
     */
    signal?: AbortSignal | undefined;
  }

  /** A method's options with `synchronous: true`: the call blocks the thread and returns a {@link SyncResult}. */
  export type SyncOptions<O = CallOptions> = O & { synchronous: true };

  /** A method's options for the forms that do not block. */
  export type AsyncOptions<O = CallOptions> = (O & { synchronous?: false | undefined }) | null | undefined;

  /** Options of `get`. */
  export interface GetOptions extends CallOptions {
    /** List a directory with all below it. Default: only its children. */
    recursive?: boolean | undefined;
    /** List in the order of the keys. */
    sorted?: boolean | undefined;
    /** Ask the cluster's majority, so that the answer is never stale; slower. */
    quorum?: boolean | undefined;
    /** Wait for a change, as `watch` does. */
    wait?: boolean | undefined;
    /** With `wait`: the first index of interest. */
    waitIndex?: number | undefined;
  }

  /** Options of `set`, `setSync` and `compareAndSwap`. */
  export interface SetOptions extends CallOptions {
    /** Seconds to live, a whole number. `null` with `prevExist: true` removes a time to live. */
    ttl?: number | null | undefined;
    /** Make a directory. */
    dir?: boolean | undefined;
    /** `true`: only if the key exists (else `errorCode` 100); `false`: only if it does not (else 105). */
    prevExist?: boolean | undefined;
    /** Only if this is the key's `modifiedIndex` (else `errorCode` 101). */
    prevIndex?: number | undefined;
    /** Only if this is the key's value (else `errorCode` 101). Not empty. */
    prevValue?: ComparableValue | undefined;
    /** Renew the time to live, keep the value and tell no watcher. Needs `ttl`, `prevExist: true` and no value. */
    refresh?: boolean | undefined;
    /** Leave `node` and `prevNode` out of the answer. */
    noValueOnSuccess?: boolean | undefined;
  }

  /** Options of `create`. */
  export interface CreateOptions extends CallOptions {
    /** Seconds to live, a whole number. */
    ttl?: number | undefined;
    /** Make a directory. */
    dir?: boolean | undefined;
    /** Leave `node` out of the answer, and with it the new key. */
    noValueOnSuccess?: boolean | undefined;
  }

  /** Options of `mkdir` and `mkdirSync`. */
  export interface MkdirOptions extends CallOptions {
    /** Seconds to live, a whole number; everything in the directory goes with it. */
    ttl?: number | null | undefined;
    /**
     * `true`: only if it exists, to change its `ttl`; `false`: only if there is nothing of that name (else `errorCode`
     * 105).
     */
    prevExist?: boolean | undefined;
    /** Renew the time to live and tell no watcher. Needs `ttl` and `prevExist: true`. */
    refresh?: boolean | undefined;
    /** Leave `node` and `prevNode` out of the answer. */
    noValueOnSuccess?: boolean | undefined;
  }

  /** Options of `del`, `delSync` and `compareAndDelete`. */
  export interface DeleteOptions extends CallOptions {
    /** Delete a directory and all below it. */
    recursive?: boolean | undefined;
    /** Delete an empty directory. */
    dir?: boolean | undefined;
    /** Only if this is the key's `modifiedIndex` (else `errorCode` 101). */
    prevIndex?: number | undefined;
    /**
     * Only if this is the key's value (else `errorCode` 101). Not empty, and over http of up to some 4,000 bytes, escaped: else
     * the error is `ERR_REQUEST_TOO_LONG`. Longer values can be told by `prevIndex`.
     */
    prevValue?: ComparableValue | undefined;
  }

  /** Options of `rmdir` and `rmdirSync`. */
  export interface RmdirOptions extends CallOptions {
    /** Remove the directory with all below it. */
    recursive?: boolean | undefined;
  }

  /** Options of `watch` and `watchIndex`. */
  export interface WatchOptions extends CallOptions {
    /** Watch a directory and all below it. */
    recursive?: boolean | undefined;
    /** The first index of interest; `watchIndex` sets it. */
    waitIndex?: number | undefined;
  }

  /** Options of `close`. */
  export interface CloseOptions {
    /** Abort the requests under way instead of waiting for them. Default `false`. */
    abort?: boolean | undefined;
  }

  /** Options of `watcher`. */
  export interface WatcherOptions {
    /** Watch a directory and all below it. */
    recursive?: boolean | undefined;
    /** Stops the watcher as `stop()` does. */
    signal?: AbortSignal | undefined;
    /**
     * How many events may wait for the listeners before the watcher stops reading, at least 1. Default 100,000. They
     * are in memory; what is not read in time may be lost, see `resync`.
     */
    buffer?: number | undefined;
    /**
     * How many bytes these may have altogether, at least 1, or Infinity for any number. Default 64 MiB. A larger event
     * waits alone.
     */
    bufferBytes?: number | undefined;
    /**
     * Milliseconds within which a connection is noticed that died without a word, as when a load balancer dropped it:
     * from 100 to 2,147,483,647. Default 60,000. Every eighth to quarter of it a poll that waits is replaced by a new
     * one; connecting, an answer of the server when it is asked whether it is there, and each further piece of a change may take a
     * quarter of it.
     */
    liveness?: number | undefined;
    /**
     * Milliseconds for connecting, and for the server's answer if it is asked whether it is there, instead of the client's
     * {@link EtcdOptions.timeout}.
     */
    timeout?: number | undefined;
    /** Without effect: a watcher never gives up. */
    maxRetries?: number | undefined;
  }

  /** Options of `raw`: those of {@link CallOptions}, and query parameters. */
  export interface RawOptions extends CallOptions {
    [parameter: string]: unknown;
  }

  // ---- Tokens ----

  /** A request under way, or done. Not awaitable, since its callback tells the outcome; see {@link PendingToken}. */
  export class CancellationToken {
    private constructor();

    /**
     * Gives the request up: its callback is not called any more, its promise rejects with an {@link AbortError}. A
     * write may have taken effect all the same, unless this is called in the same turn as the method. Does nothing once
     * the request is done; may be called again. Bound to the token.
     */
    abort(): void;
    /** The same as `abort()`. */
    cancel(): void;
    /** Whether `abort()` was called. Bound to the token. */
    isAborted(): boolean;
    /** The same as `isAborted()`. */
    wasAborted(): boolean;

    /** Whether `abort()` was called. */
    aborted: boolean;
    /** The URLs of the hosts, without user and password, in the random order in which this request tries them. */
    servers: string[];
    /** How often all hosts may be tried again. */
    maxRetries: number;
    /** How often all hosts have been tried again so far. */
    retries: number;
    /** What went wrong so far, oldest first. */
    errors: ServerFailure[];
    /** The response's headers, once there is a response. */
    headers: ResponseHeaders | undefined;
  }

  /**
   * The token of a call without a callback: it resolves with what a callback gets as `body` and rejects with what it
   * gets as `err`, or with an {@link AbortError}. The promise is made when `then`, `catch` or `finally` is first called
   * or the token awaited, so that a call whose outcome nobody looks at is never an unhandled rejection.
   */
  export interface PendingToken<T = EtcdResponse> extends CancellationToken, PromiseLike<T> {
    then<R1 = T, R2 = never>(
      onfulfilled?: ((body: T) => R1 | PromiseLike<R1>) | null,
      onrejected?: ((reason: any) => R2 | PromiseLike<R2>) | null,
    ): Promise<R1 | R2>;
    catch<R = never>(onrejected?: ((reason: any) => R | PromiseLike<R>) | null): Promise<T | R>;
    finally(onfinally?: (() => void) | null): Promise<T>;
  }

  // ---- Errors ----

  /**
   * What a callback, a promise or `err` gets when a request fails. Which properties there are tells what happened:
   *
   * - `errorCode` and `error`: etcd refused;
   * - `errors` and `retries`: no host gave an answer, the message is `All servers returned error`;
   * - `errors`, `retries` and `code` `ERR_UNKNOWN_OUTCOME`: with `resendWrites: false`, a write may or may not have
   *   taken place;
   * - `httpstatus`, `httpbody` and `code` `ERR_NOT_ETCD`: something answered that is not etcd's v2 API, or answered nothing;
   * - `code` `ERR_INVALID_KEY`: the key has a `.` or `..` segment, and nothing was sent;
   * - `code` `ERR_REQUEST_TOO_LONG`: with this key or option the line of the request would be longer than etcd takes, which is
   *   4,096 bytes over http; the message names what is too long, and nothing was sent. Of v2 over HTTP only;
   * - `code`, `errno` and `syscall`: the system refuses what every request needs, such as a descriptor or a thread, and
   *   nothing was sent.
   */
  export interface EtcdError extends Error {
    /** etcd's number, such as 100 (no such key), 101 (comparison failed), 105 (key exists) or 401 (index too old). */
    errorCode?: number;
    /** etcd's own body. */
    error?: ErrorBody;
    /** One entry for each failed try at a host, oldest first. */
    errors?: ServerFailure[];
    /** How often all hosts were tried again. */
    retries?: number;
    /** The status of an answer that is not etcd's. */
    httpstatus?: number;
    /** The body of an answer that is not etcd's. */
    httpbody?: unknown;
    /**
     * Such as `ERR_INVALID_KEY`, `ERR_REQUEST_TOO_LONG`, `ERR_NOT_ETCD`, `ERR_UNKNOWN_OUTCOME`, `ERR_CLIENT_CLOSED` or,
     * when aborted, `ABORT_ERR`. Of the system's errors theirs, such as `EMFILE`.
     */
    code?: string;
    /** The number of a system's error, as Node has it. */
    errno?: number;
    /** What the system refused, such as `epoll` or `pthread_create`. */
    syscall?: string;
  }

  /**
   * What `resync` comes with: etcd's word on the events that it no longer has, or ours in the same shape on a store that
   * was wiped, restored or replaced by another one.
   */
  export interface ResyncError extends EtcdError {
    errorCode: number;
    error: ErrorBody;
  }

  /** What an aborted request's promise rejects with. */
  export interface AbortError extends Error {
    name: 'AbortError';
    code: 'ABORT_ERR';
  }

  /** The body of etcd's error answers. */
  export interface ErrorBody {
    errorCode: number;
    message: string;
    /** What it is about, such as the key. */
    cause?: string;
    /** etcd's index at the time. */
    index?: number;
  }

  /** A failed try at one host. */
  export interface ServerFailure {
    /** The host's URL, without user and password. */
    server: string;
    /** The network's error; `null` if the server answered with a status of 500 or more. */
    httperror: HttpError | null;
    /** The response's status, if there was a response. */
    httpstatus: number | undefined;
    /** The response's body, parsed if it was JSON. */
    httpbody: unknown;
    /** The response, if there was one. */
    response: FailureResponse | undefined;
    /** When it failed. */
    timestamp: Date;
  }

  /** The response of a {@link ServerFailure}. */
  export interface FailureResponse {
    statusCode: number;
    headers: ResponseHeaders;
    body: unknown;
  }

  /** An error of the network, with Node's properties where they apply. */
  export interface HttpError extends Error {
    /**
     * Such as `ECONNREFUSED`, `ECONNRESET`, `ENOTFOUND`, `ETIMEDOUT`, `ESOCKETTIMEDOUT`, `CERT_HAS_EXPIRED` or
     * `ERR_RESPONSE_TOO_LARGE`.
     */
    code?: string;
    errno?: number;
    syscall?: string;
    address?: string;
    port?: number;
    /** For a name that was not found: that name. */
    hostname?: string;
    /** For timeouts: whether the time ran out while connecting. */
    connect?: boolean;
  }

  // ---- A store in this process ----

  /**
   * What tests do to a store in this process. All methods take effect before they return. Mistakes in arguments throw a
   * TypeError; then nothing has changed.
   *
   * @example
   * ```js
   * const store = Etcd.memory();
   * beforeEach(() => store.reset());
   * ```
   */
  export interface MemoryStore {
    /** What `new Etcd` takes to reach it, such as `memory:NAME`. */
    readonly host: string;

    /**
     * Begins anew: no key, the first index, no orders of `fail` and `delay`, no requests remembered, the system's clock,
     * connected. Watchers of before go on in the new store, after a `resync`; requests that wait for a change end with
     * an empty body.
     */
    reset(): void;

    /**
     * Puts contents in place of all that there is. Watchers are told of it as of deletes and sets.
     *
     * @param tree see {@link MemoryTree}
     *
     * @example
     * ```js
     * store.load({ '/color': 'red', '/session': { value: 'abc', ttl: 60 }, '/empty/': {} });
     * ```
     */
    load(tree: MemoryTree): void;

    /** The contents, hidden keys too, sorted: what `load` takes. TTLs are the seconds that are left. */
    dump(): MemoryContents;

    /**
     * Sets the store's clock forward. What expires by then is gone when this returns, in the order of its times, and
     * watchers are told. Only `reset` sets the clock back.
     *
     * @param milliseconds from 0 to a hundred years
     */
    advance(milliseconds: number): void;

    /**
     * Lets the next requests that fit the rule fail as real ones do: the failure is in `errors`, may be retried, and a
     * watcher reconnects. Of several rules that fit, the one that was given first counts.
     *
     * @param rule without one, the next request of any kind is refused
     *
     * @example
     * ```js
     * store.fail({ method: 'PUT', key: 'color', with: 'lost' });
     * ```
     */
    fail(rule?: MemoryFailureRule | null): void;

    /**
     * Lets the next requests that fit the rule wait before they are carried out. It goes with a failure for the same
     * request.
     *
     * @param milliseconds at least 0; `Infinity`: for ever
     */
    delay(milliseconds: number, rule?: MemoryRule | null): void;

    /**
     * What was asked of the store since a handle of it was first made or it was last reset, the oldest first: each try
     * of a request, also those that failed, but not the polls of watchers. The last 10,000 are kept.
     */
    requests(): MemoryRequest[];

    /**
     * Cuts the connections: watchers emit `reconnect`, requests under way that wait for a change fail, and until
     * `reconnect()` everything is refused (`ECONNREFUSED`). The contents stay.
     */
    disconnect(): void;

    /** Ends what `disconnect()` began. Watchers find back by themselves, within a second, and miss nothing. */
    reconnect(): void;

    /**
     * Forgets the events before the last one, as etcd forgets those before the last 1,000: who asks for one is refused with
     * `errorCode` 401, and a watcher emits `resync`.
     */
    compact(): void;
  }

  /**
   * The contents of a store, paths and values side by side. A slash at the end of a path makes a directory. Directories
   * need not be named unless they are empty or have a TTL.
   */
  export interface MemoryTree {
    readonly [path: string]: string | MemoryEntry;
  }

  /** A key with a TTL, or a directory. */
  export interface MemoryEntry {
    /** The value of a key, which must be there. Directories, whose path ends with a slash, have none. */
    readonly value?: string;
    /** The seconds that are left, from 0 to below 9e9. A fraction counts to the millisecond. */
    readonly ttl?: number;
  }

  /** What `dump()` gives: a tree that `load` takes. */
  export interface MemoryContents extends MemoryTree {
    [path: string]: string | MemoryEntry;
  }

  /** Which requests something happens to: those that fit everything that is given. */
  export interface MemoryRule {
    /** `GET`, `PUT`, `POST`, `DELETE` …, in upper or lower case; default any. */
    method?: string | undefined;
    /** The key, with or without a leading slash; default any. A watcher's polls are GETs of the watched key. */
    key?: string | undefined;
    /** To how many requests it happens, each try counted; default 1. `Infinity` is for ever. */
    times?: number | undefined;
  }

  /**
   * How a request fails:
   *
   * - `refused`: nobody listens (`ECONNREFUSED`), and the request was not carried out;
   * - `timeout`: no reply came in time (`ESOCKETTIMEDOUT`), at once. The client cannot know, but it was not carried out;
   * - `unavailable`: a status of 503; not carried out;
   * - `election`: a status of 500 with etcd's error 301; not carried out;
   * - `lost`: it was carried out, and the connection broke before the reply (`ECONNRESET`).
   */
  export type MemoryFailure = 'refused' | 'timeout' | 'unavailable' | 'election' | 'lost';

  /** Which requests fail, and how. */
  export interface MemoryFailureRule extends MemoryRule {
    /** Default `refused`. */
    with?: MemoryFailure | undefined;
  }

  /** A request that a store was asked. */
  export interface MemoryRequest {
    method: string;
    /** The decoded key with a leading slash; for a request that is about no key there is `path` instead. */
    key?: string;
    /** The path of a request that is about no key, such as `/version`. */
    path?: string;
    /** The parameters as in a query, encoded, such as `ttl=60`; else `''`. */
    query: string;
    /** The value of a write that has one, as text. */
    value?: string;
  }

  // ---- Diagnostics ----

  /** The messages of the channels of `node:diagnostics_channel`, by their names. */
  export interface DiagnosticsMessages {
    /** A request is about to be sent. */
    'node-etcd-native:request:start': RequestMessage;
    /** A host answered, with a status below 500. `ms` is the time since the start, in milliseconds. */
    'node-etcd-native:request:reply': RequestMessage & { status: number; server: string; ms: number };
    /** The request ended with an error. */
    'node-etcd-native:request:error': RequestMessage & { error: EtcdError; ms: number };
    /** All hosts failed and are tried again; `retries` counts this. */
    'node-etcd-native:request:retry': RequestMessage & { retries: number };
  }

  /** The request that a message is about. Watchers do not publish. */
  export interface RequestMessage {
    method: string;
    /** The key as it was given or, if the request is not about a key, the path with its leading slash. */
    target: string;
    /** The query, encoded. */
    query: string;
    token: CancellationToken;
  }

  // ---- The watcher ----

  /** What a listener for a change is called with. */
  export type ChangeArguments = [body: EtcdEvent, headers: ResponseHeaders];

  /** What a watcher's listeners are called with. */
  export interface WatcherEvents {
    /** Any change; before the event named after its action. An action that is not named here has no other event. */
    change: ChangeArguments;
    set: ChangeArguments;
    create: ChangeArguments;
    update: ChangeArguments;
    delete: ChangeArguments;
    expire: ChangeArguments;
    compareAndSwap: ChangeArguments;
    compareAndDelete: ChangeArguments;
    /** All hosts failed, or a server ended the watch without an event. The watcher tries again after a pause. */
    reconnect: [err: ReconnectError];
    /**
     * The server no longer has what comes next, or its store was wiped, restored or replaced: events are lost, read the
     * keys again. Once for each gap.
     */
    resync: [err: ResyncError];
    /**
     * An answer that is no event, such as a refusal for want of credentials, after which the watcher tries again; an event
     * larger than `maxResponseSize`, behind which it goes on; or a key that cannot be watched. Without a listener this is a process warning.
     */
    error: [err: UnexpectedResponseError];
    /** `stop()` was called. */
    stop: [message: string];
  }

  /** The error of the `reconnect` event. */
  export interface ReconnectError extends Error {
    /** Why: `All servers returned error`, with an entry for each host in `errors`, or etcd's refusal. */
    error?: EtcdError;
    /** How many failures there were in a row before this one. */
    reconnectCount?: number;
    /** If a server ended the watch without an event, instead of the above: its headers. */
    headers?: ResponseHeaders;
  }

  /** The error of the `error` event. */
  export interface UnexpectedResponseError extends Error {
    /** The body that was no event; etcd's own has an `errorCode`, such as 110 for missing credentials. */
    response?: unknown;
    /**
     * `ERR_NOT_ETCD`: no etcd answers so. `ERR_INVALID_KEY`: the key has a `.` or `..` segment, and nothing is watched.
     * `ERR_REQUEST_TOO_LONG`: neither is a key that is longer than etcd takes.
     */
    code?: string;
  }

  /**
   * Watches until it is stopped, and keeps the process alive until then unless told otherwise by `unref()`. See
   * {@link WatcherEvents} for its events.
   *
   * It reads ahead of its listeners. Every event with the starting index or a later one comes exactly once and in
   * order, while the server still has it: etcd keeps the last 1,000 events of all keys. If it no longer has what comes
   * next, there is a `resync` event.
   *
   * @example
   * ```js
   * const watcher = etcd.watcher('color');
   * watcher.once('change', (event) => {
   *   console.log(event.node.value);
   *   watcher.stop();
   * });
   * ```
   *
   * A `for await` loop gets the changes one by one, from the loop's beginning on; the others wait, counted among the
   * `buffer`. Leaving the loop stops the watcher. Where there would be a `resync` event, where an event is larger than
   * `maxResponseSize`, or the key cannot be watched, the loop ends with the error, after the changes before it.
   *
   * @example
   * ```js
   * for await (const event of etcd.watcher('color')) {
   *   if (event.node.value === 'blue') break;
   * }
   * ```
   */
  export class Watcher extends EventEmitter implements AsyncIterable<EtcdEvent>, AsyncDisposable {
    /** The same as `etcd.watcher(key, index, options)`. */
    constructor(etcd: EtcdClass, key: string, index?: number | null, options?: WatcherOptions | null);

    /** Ends the watcher and emits `stop`. Returns whether somebody listened to that. Bound to the watcher. */
    stop(): boolean;
    /** The same unless it is stopped already, for `await using` and whoever awaits the end. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    /** The changes from now on; every loop gets all of them. */
    [Symbol.asyncIterator](): AsyncIterableIterator<EtcdEvent>;

    /** Keeps the process alive, as it does from the start. */
    ref(): this;
    /** Lets the process end while it watches. */
    unref(): this;

    /** Whether `stop()` was called. */
    stopped: boolean;
    /** The client. */
    etcd: EtcdClass;
    /** The key as it was given. */
    key: string;
    /** The next index of interest; `null` until the server has registered a watch without an index. */
    index: number | null;
    /** The options. */
    options: WatcherOptions;
    /** How many failures there were in a row. */
    retryAttempts: number;

    on<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    once<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    off<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    addListener<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    removeListener<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    prependListener<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    prependOnceListener<E extends keyof WatcherEvents>(event: E, listener: (...args: WatcherEvents[E]) => void): this;
    emit<E extends keyof WatcherEvents>(event: E, ...args: WatcherEvents[E]): boolean;
  }
}
