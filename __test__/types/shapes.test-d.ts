// Nodes, errors and the watcher.

import { type EventEmitter, once } from 'node:events';
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd';

import Etcd = require('node-etcd-native');

const etcd = new Etcd();

// Nodes
declare const response: Etcd.EtcdResponse;
expectType<Etcd.Action>(response.action);
expectType<Etcd.EtcdNode | undefined>(response.prevNode);
expectType<string>(response.node.key);
expectType<string | undefined>(response.node.value);
expectType<Etcd.EtcdNode[] | undefined>(response.node.nodes);
expectType<number>(response.node.modifiedIndex);
expectType<number>(response.node.createdIndex);
expectType<number | undefined>(response.node.ttl);
expectType<string | undefined>(response.node.expiration);
expectType<boolean | undefined>(response.node.dir);
declare const event: Etcd.EtcdEvent;
expectAssignable<Etcd.EtcdResponse>(event);
expectNotAssignable<Etcd.EventAction>('get');
expectType<Etcd.EventAction>(event.action);

// Errors
declare const error: Etcd.EtcdError;
expectAssignable<Error>(error);
expectType<number | undefined>(error.errorCode);
expectType<string | undefined>(error.error?.cause);
expectType<number | undefined>(error.retries);
expectType<string | undefined>(error.code);
expectType<number | undefined>(error.httpstatus);
expectType<unknown>(error.httpbody);
for (const failure of error.errors ?? []) {
  expectType<string>(failure.server);
  expectType<string | undefined>(failure.httperror?.code);
  expectType<boolean | undefined>(failure.httperror?.connect);
  expectType<number | undefined>(failure.httpstatus);
  expectType<number | undefined>(failure.response?.statusCode);
  expectType<Date>(failure.timestamp);
}
declare const aborted: Etcd.AbortError;
expectType<'ABORT_ERR'>(aborted.code);
expectAssignable<Etcd.EtcdError>(aborted);

// The handle of a store in this process
declare const store: Etcd.MemoryStore;
expectType<string>(store.host);
expectType<void>(store.reset());
expectType<void>(store.load({ '/a': '1', '/b': { value: '2', ttl: 60 }, '/c/': {}, '/d/': { ttl: 0.5 } }));
expectType<void>(store.load(store.dump()));
expectError(store.load({ '/a': 1 }));
expectError(store.load({ '/a': { value: '1', tll: 60 } }));
expectError(store.load());
expectAssignable<string | Etcd.MemoryEntry | undefined>(store.dump()['/a']);
const tree = { '/a': 'b' };
expectAssignable<Etcd.MemoryTree>(tree);
expectType<void>(store.advance(1000));
expectError(store.advance());
expectType<void>(store.fail());
expectType<void>(store.fail(null));
expectType<void>(store.fail({ method: 'PUT', key: 'a', times: Infinity, with: 'lost' }));
expectError(store.fail({ with: 'fire' }));
expectError(store.fail({ keys: 'a' }));
expectType<void>(store.delay(10));
expectType<void>(store.delay(10, { method: 'GET', key: undefined }));
expectError(store.delay());
expectError(store.delay(10, { with: 'lost' }));
for (const request of store.requests()) {
  expectType<string>(request.method);
  expectType<string | undefined>(request.key);
  expectType<string | undefined>(request.path);
  expectType<string>(request.query);
  expectType<string | undefined>(request.value);
}
for (const work of [store.disconnect, store.reconnect, store.compact]) expectType<() => void>(work);

// Diagnostics
declare const message: Etcd.DiagnosticsMessages['node-etcd-native:request:reply'];
expectType<string>(message.target);
expectType<number>(message.status);
expectType<Etcd.CancellationToken>(message.token);

// The watcher
const watcher = etcd.watcher('k');
expectType<Etcd.Watcher>(watcher);
expectType<Etcd.Watcher>(etcd.watcher('k', 7));
expectType<Etcd.Watcher>(etcd.watcher('k', null, { recursive: true, maxRetries: 0, timeout: 1000 }));
expectType<Etcd.Watcher>(
  etcd.watcher('k', null, { signal: new AbortController().signal, buffer: 1000, bufferBytes: 1e6 }),
);
expectType<Etcd.Watcher>(new Etcd.Watcher(etcd, 'k', null, { recursive: true }));
expectAssignable<EventEmitter>(watcher);
expectError(etcd.watcher('k', null, { recusive: true }));
expectError(etcd.watcher('k', '7'));
expectError(etcd.watcher('k', null, { synchronous: true }));

expectType<Etcd.Watcher>(
  watcher.on('change', (body, headers) => {
    expectType<Etcd.EtcdEvent>(body);
    expectType<Etcd.ResponseHeaders>(headers);
  }),
);
for (const action of ['set', 'create', 'update', 'delete', 'expire', 'compareAndSwap', 'compareAndDelete'] as const) {
  watcher.once(action, (body) => expectType<Etcd.EtcdEvent>(body));
}
watcher.on('reconnect', (err) => {
  expectType<Etcd.EtcdError | undefined>(err.error);
  expectType<number | undefined>(err.reconnectCount);
});
watcher.on('resync', (err) => {
  expectType<Etcd.ResyncError>(err);
  expectAssignable<Etcd.EtcdError>(err);
  expectType<[number, Etcd.ErrorBody]>([err.errorCode, err.error]);
});
watcher.on('reconnect', (err) => expectType<Etcd.ResponseHeaders | undefined>(err.headers));
watcher.on('error', (err) => expectType<unknown>(err.response));
watcher.on('error', (err) => expectType<string | undefined>(err.code));
watcher.on('stop', (message) => expectType<string>(message));
watcher.off('change', console.log);
expectError(watcher.on('chnage', () => {}));
expectError(watcher.on('stop', (message: number) => message));
expectType<Promise<any[]>>(once(watcher, 'change'));

expectType<boolean>(watcher.stop());
expectType<boolean>(watcher.stopped);
expectType<string>(watcher.key);
expectType<number | null>(watcher.index);
expectType<Etcd.WatcherOptions>(watcher.options);
expectType<number>(watcher.retryAttempts);
expectType<Etcd>(watcher.etcd);

// Beside the events
expectType<Etcd.Watcher>(etcd.watcher('k', null, { liveness: 5000 }));
expectType<Etcd.Watcher>(watcher.ref().unref());
expectType<Promise<void>>(watcher.close());
expectAssignable<AsyncIterable<Etcd.EtcdEvent>>(watcher);
expectAssignable<AsyncDisposable>(watcher);
