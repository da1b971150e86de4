// Every method in its three forms: promise, callback, blocking.

import { promisify } from 'node:util';
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd';

import Etcd = require('node-etcd-native');

const etcd = new Etcd();
const signal = new AbortController().signal;

type Response = Etcd.EtcdResponse;
type Pending = Etcd.PendingToken<Response>;
type Result = Etcd.SyncResult<Response>;
type Token = Etcd.CancellationToken;
const done: Etcd.Callback = () => {};

// set
expectType<Pending>(etcd.set('k'));
expectType<Pending>(etcd.set('k', 'v'));
expectType<Pending>(etcd.set('k', 'v', null));
expectType<Pending>(etcd.set('k', 'v', { ttl: 60, prevExist: false, signal, timeout: 100, maxRetries: 1 }));
expectType<Token>(etcd.set('k', 'v', done));
expectType<Token>(etcd.set('k', null, { ttl: 5, refresh: true, prevExist: true }, done));
expectType<Token>(etcd.set('k', 'v', null, done));
expectType<Token>(etcd.set('k', 'v', undefined, done));
expectType<Result>(etcd.set('k', 'v', { synchronous: true }));
expectType<Pending>(etcd.set('k', 'v', { synchronous: false }));
for (const value of ['s', 1, true, 1n, new Date(), Buffer.from('b'), null, undefined]) etcd.set('k', value);
expectError(etcd.set('k', {}));
expectError(etcd.set('k', ['a']));
expectError(etcd.set('k', done));
expectError(etcd.set(1, 'v'));
expectError(etcd.set('k', 'v', { tll: 60 }));
expectError(etcd.set('k', 'v', { ttl: '60' }));
expectError(etcd.set('k', 'v', { timeout: '1s' }));
expectError(etcd.set('k', 'v', { signal: {} }));
expectError(etcd.set());

// get
expectType<Pending>(etcd.get('k'));
expectType<Pending>(etcd.get('k', { recursive: true, sorted: true, quorum: true }));
expectType<Pending>(etcd.get('k', { wait: true, waitIndex: 7 }));
expectType<Token>(etcd.get('k', done));
expectType<Token>(etcd.get('k', { recursive: true }, done));
expectType<Result>(etcd.get('k', { recursive: true, synchronous: true }));
etcd.get('k', console.log);
etcd.get('k', (err) => expectType<Etcd.EtcdError | null>(err));
etcd.get('k', (err, body, headers) => {
  expectType<Etcd.EtcdError | null>(err);
  expectType<Response>(body);
  expectType<Etcd.ResponseHeaders>(headers);
  expectType<string | undefined>(headers['x-etcd-index']);
  expectType<string | string[] | undefined>(headers['x-other']);
});
function wrapped(callback?: Etcd.Callback): Token {
  return etcd.get('k', {}, callback);
}
expectType<Token>(wrapped());
expectError(etcd.get('k', 'callback'));

// del, delete
expectType<Pending>(etcd.del('k'));
expectType<Pending>(etcd.delete('k', { recursive: true, dir: true, prevIndex: 3 }));
expectType<Token>(etcd.del('k', done));
expectType<Token>(etcd.delete('k', { prevValue: 'v' }, done));
expectType<Result>(etcd.del('k', { synchronous: true }));
expectType<Result>(etcd.delete('k', { synchronous: true }));

// create, post
expectType<Pending>(etcd.create('d', 'v'));
expectType<Pending>(etcd.post('d', 'v', { ttl: 5 }));
expectType<Token>(etcd.create('d', 'v', done));
expectType<Token>(etcd.post('d', 'v', {}, done));
expectType<Result>(etcd.create('d', 'v', { synchronous: true }));

// mkdir, rmdir
expectType<Pending>(etcd.mkdir('d'));
expectType<Pending>(etcd.mkdir('d', { ttl: 5, prevExist: true }));
expectType<Token>(etcd.mkdir('d', done));
expectType<Token>(etcd.mkdir('d', null, done));
expectType<Result>(etcd.mkdir('d', { synchronous: true }));
expectType<Pending>(etcd.rmdir('d', { recursive: true }));
expectType<Token>(etcd.rmdir('d', done));
expectType<Token>(etcd.rmdir('d', {}, done));
expectType<Result>(etcd.rmdir('d', { synchronous: true }));

// compareAndSwap, testAndSet, compareAndDelete, testAndDelete
expectType<Pending>(etcd.compareAndSwap('k', 'new', 'old'));
expectType<Pending>(etcd.testAndSet('k', 'new', 5, { ttl: 5 }));
expectType<Token>(etcd.compareAndSwap('k', 'new', 'old', done));
expectType<Token>(etcd.testAndSet('k', 'new', 'old', {}, done));
expectType<Result>(etcd.compareAndSwap('k', 'new', 'old', { synchronous: true }));
expectError(etcd.compareAndSwap('k', 'new'));
expectError(etcd.compareAndSwap('k', 'new', undefined));
expectError(etcd.compareAndSwap('k', 'new', null));
expectType<Pending>(etcd.compareAndDelete('k', 'old'));
expectType<Pending>(etcd.testAndDelete('k', 'old', { recursive: true }));
expectType<Token>(etcd.compareAndDelete('k', 'old', done));
expectType<Token>(etcd.testAndDelete('k', 'old', {}, done));
expectType<Result>(etcd.testAndDelete('k', 'old', { synchronous: true }));

// watch, watchIndex
expectType<Etcd.PendingToken<Etcd.EtcdEvent>>(etcd.watch('k'));
expectType<Etcd.PendingToken<Etcd.EtcdEvent>>(etcd.watch('k', { recursive: true }));
expectType<Token>(etcd.watch('k', (err, body) => expectType<Etcd.EtcdEvent>(body)));
expectType<Token>(etcd.watch('k', { recursive: true }, (err, body) => expectType<Etcd.EventAction>(body.action)));
expectType<Etcd.SyncResult<Etcd.EtcdEvent>>(etcd.watch('k', { synchronous: true }));
expectType<Etcd.PendingToken<Etcd.EtcdEvent>>(etcd.watchIndex('k', 7));
expectType<Token>(etcd.watchIndex('k', 7, () => {}));
expectType<Token>(etcd.watchIndex('k', 7, { recursive: true }, () => {}));
expectType<Etcd.SyncResult<Etcd.EtcdEvent>>(etcd.watchIndex('k', 7, { synchronous: true }));
expectError(etcd.watchIndex('k', done));

// raw
expectType<Etcd.PendingToken<unknown>>(etcd.raw('GET', 'health'));
expectType<Etcd.PendingToken<{ health: string }>>(etcd.raw<{ health: string }>('GET', 'health'));
expectType<Etcd.PendingToken<unknown>>(etcd.raw('PUT', 'v2/keys/k', 'v', { ttl: 5, anything: ['a'] }));
expectType<Token>(etcd.raw('PURGE', 'path', null, {}, () => {}));
expectType<Token>(etcd.raw('GET', 'path', null, (err, body) => expectType<unknown>(body)));
expectType<Etcd.SyncResult<unknown>>(etcd.raw('GET', 'path', null, { synchronous: true }));
expectError(etcd.raw('GET', 'path', null, { timeout: '1s' }));

// machines, leader, leaderStats, selfStats, version
expectType<Pending>(etcd.machines());
expectType<Token>(etcd.machines(done));
expectType<Token>(etcd.machines({ timeout: 100 }, done));
expectType<Result>(etcd.machines({ synchronous: true }));
expectType<Etcd.PendingToken<unknown>>(etcd.leader());
expectType<Token>(etcd.leader(() => {}));
expectType<Etcd.PendingToken<Etcd.LeaderStats | Etcd.StatsMessage>>(etcd.leaderStats({ signal }));
etcd.leaderStats((err, body) => {
  if ('followers' in body) expectType<Etcd.LeaderStats>(body);
  else expectType<string>(body.message);
});
expectType<Etcd.PendingToken<Etcd.SelfStats>>(etcd.selfStats());
expectType<Token>(etcd.selfStats((err, body) => expectType<string>(body.state)));
expectType<Etcd.PendingToken<Etcd.Version>>(etcd.version(null));
expectType<Etcd.SyncResult<Etcd.Version>>(etcd.version({ synchronous: true }));

// Sync methods
expectType<Result>(etcd.setSync('k'));
expectType<Result>(etcd.setSync('k', 'v', { ttl: 5 }));
expectType<Result>(etcd.getSync('k', null));
expectType<Result>(etcd.getSync('k', { recursive: true, timeout: 100 }));
expectType<Result>(etcd.delSync('k', { recursive: true }));
expectType<Result>(etcd.mkdirSync('d', { ttl: 5 }));
expectType<Result>(etcd.rmdirSync('d', { recursive: true }));
expectError(etcd.getSync('k', done));
const { err, body, headers } = etcd.getSync('k');
if (err) {
  expectType<Etcd.EtcdError>(err);
  expectType<'' | undefined>(body);
  expectType<Etcd.ResponseHeaders | undefined>(headers);
} else {
  expectType<Response>(body);
  expectType<Etcd.ResponseHeaders>(headers);
}

// What a callback is called with is known without annotations, with options and without.
etcd.set('k', 'v', (err, body, headers) => {
  expectType<Etcd.EtcdError | null>(err);
  expectType<Response>(body);
  expectType<Etcd.ResponseHeaders>(headers);
});
etcd.set('k', 'v', { ttl: 5 }, (err, body, headers) => {
  expectType<Etcd.EtcdError | null>(err);
  expectType<Response>(body);
  expectType<Etcd.ResponseHeaders>(headers);
});
etcd.get('k', { recursive: true }, (err, body) => expectType<Response>(body));
etcd.del('k', (err, body) => expectType<Response>(body));
etcd.delete('k', { recursive: true }, (err, body) => expectType<Response>(body));
etcd.create('d', 'v', (err, body) => expectType<Response>(body));
etcd.post('d', 'v', { ttl: 5 }, (err, body) => expectType<Response>(body));
etcd.mkdir('d', (err, body) => expectType<Response>(body));
etcd.rmdir('d', { recursive: true }, (err, body) => expectType<Response>(body));
etcd.compareAndSwap('k', 'new', 'old', (err, body) => expectType<Response>(body));
etcd.testAndSet('k', 'new', 'old', { ttl: 5 }, (err, body) => expectType<Response>(body));
etcd.compareAndDelete('k', 'old', (err, body) => expectType<Response>(body));
etcd.testAndDelete('k', 'old', { recursive: true }, (err, body) => expectType<Response>(body));
etcd.watchIndex('k', 7, (err, body) => expectType<Etcd.EtcdEvent>(body));
etcd.watchIndex('k', 7, { recursive: true }, (err, body) => expectType<Etcd.EtcdEvent>(body));
etcd.raw<{ health: string }>('GET', 'health', null, (err, body) => expectType<string>(body.health));
etcd.raw<{ health: string }>('GET', 'health', null, { a: 1 }, (err, body) => expectType<string>(body.health));
etcd.machines({ timeout: 100 }, (err, body) => expectType<Response>(body));
etcd.leader((err, body) => expectType<unknown>(body));
etcd.leaderStats({ timeout: 100 }, (err, body) => expectType<Etcd.LeaderStats | Etcd.StatsMessage>(body));
etcd.version({ timeout: 100 }, (err, body) => expectType<Etcd.Version>(body));
expectError(etcd.set('k', 'v', { tll: 60 }, done));
expectError(etcd.set('k', 'v', done, done));
expectError(etcd.set('k', 'v', { synchronous: true }, done));

// What looks at one form only, such as a typed stub, sees the callback.
type Arguments<M extends keyof Etcd> = Etcd[M] extends (...args: infer A) => unknown ? A : never;
expectType<[key: string, callback: Etcd.Callback]>({} as Arguments<'get'>);
expectType<[key: string, value: Etcd.Value, callback: Etcd.Callback]>({} as Arguments<'set'>);
expectType<[callback: Etcd.Callback<Etcd.Version>]>({} as Arguments<'version'>);
expectType<[method: Etcd.Method, path: string, value: Etcd.Value, callback: Etcd.Callback<unknown>]>(
  {} as Arguments<'raw'>,
);

// promisify takes the callback form.
expectType<(key: string) => Promise<Response>>(promisify(etcd.get));
expectType<Promise<Response>>(promisify(etcd.get).call(etcd, 'k'));
expectType<Promise<Response>>(promisify(etcd.set).bind(etcd)('k', 'v'));
expectType<Promise<Response>>(promisify(etcd.compareAndSwap).bind(etcd)('k', 'new', 'old'));
expectType<Promise<Etcd.Version>>(promisify(etcd.version).call(etcd));
expectType<Promise<unknown>>(promisify(etcd.raw).bind(etcd)('GET', 'health', null));

// Tokens
async function tokens(): Promise<void> {
  expectType<Response>(await etcd.get('k'));
  expectType<[Response, Etcd.Version]>(await Promise.all([etcd.get('k'), etcd.version()]));
  expectType<string | undefined>(await etcd.get('k').then(({ node }) => node.value));
  expectType<Response | null>(await etcd.get('k').catch(() => null));
  expectType<Response>(await etcd.get('k').finally(() => {}));
}
expectType<Promise<void>>(tokens());
expectAssignable<Token>(etcd.get('k'));
expectAssignable<PromiseLike<Response>>(etcd.get('k'));
expectNotAssignable<PromiseLike<Response>>(etcd.get('k', done));
const token = etcd.get('k', done);
expectType<void>(token.abort());
expectType<void>(token.cancel());
expectType<boolean>(token.isAborted());
expectType<boolean>(token.wasAborted());
expectType<boolean>(token.aborted);
expectType<number>(token.retries);
expectType<number>(token.maxRetries);
expectType<string[]>(token.servers);
expectType<Etcd.ServerFailure[]>(token.errors);
expectType<Etcd.ResponseHeaders | undefined>(token.headers);
expectNotAssignable<new (...args: any[]) => unknown>(Etcd.CancellationToken);

// Closing
expectType<Promise<void>>(etcd.close());
expectType<Promise<void>>(etcd.close({ abort: true }));
expectAssignable<AsyncDisposable>(etcd);
