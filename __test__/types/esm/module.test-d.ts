// The types an ES module sees. This directory has its own package.json ("type": "module"), so the package is imported by its files here.
import { expectAssignable, expectError, expectType } from 'tsd';

import CommonJs = require('../../../index.js');

import type {
  Callback,
  EtcdError,
  EtcdNode,
  EtcdOptions,
  EtcdResponse,
  MemoryStore,
  PendingToken,
} from '../../../index.mjs';
import Default, { CancellationToken, Etcd, Watcher } from '../../../index.mjs';

// The default export, the named one and CommonJS's are one class.
expectType<typeof CommonJs>(Default);
expectType<typeof CommonJs>(Etcd);
expectType<typeof CommonJs.Watcher>(Watcher);
expectType<typeof CommonJs.CancellationToken>(CancellationToken);

const etcd = new Default('127.0.0.1:2379');
expectType<Etcd>(etcd);
expectType<PendingToken<EtcdResponse>>(etcd.get('key'));
expectType<EtcdResponse>(await etcd.get('key'));
expectType<Watcher>(etcd.watcher('key'));
expectAssignable<CancellationToken>(etcd.get('key', () => {}));

expectType<MemoryStore>(Default.memory());
expectType<CommonJs.MemoryStore>(Etcd.memory('name'));

// The namespace and the exports name the same types.
declare const node: EtcdNode;
expectType<Default.EtcdNode>(node);
declare const error: EtcdError;
expectType<CommonJs.EtcdError>(error);
declare const callback: Callback;
expectType<Etcd.Callback>(callback);

expectAssignable<EtcdOptions>({ timeout: 1000 });
expectError(new Etcd('127.0.0.1:2379', { timout: 1000 }));

class Client extends Default {}
expectAssignable<Etcd>(new Client());
