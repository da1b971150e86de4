// The types a CommonJS module sees, through the package's own name.
import { expectAssignable, expectError, expectType } from 'tsd';

import Etcd = require('node-etcd-native');

// The export carries itself and its classes.
expectType<typeof Etcd>(Etcd.Etcd);
expectType<typeof Etcd>(Etcd.default);
expectAssignable<typeof Etcd.Etcd>(Etcd);
const named: Etcd.Etcd = new Etcd.Etcd();
expectType<Etcd>(named);
expectType<Etcd>(new Etcd.default());

// Construction.
expectType<Etcd>(new Etcd());
expectType<Etcd>(new Etcd(null, null));
expectType<Etcd>(new Etcd('localhost:2379'));
expectType<Etcd>(new Etcd(['a:2379', 'b:2379'] as const, { timeout: 1000, maxRetries: 0 }));
new Etcd('a:2379', { auth: { user: 'u', pass: 'p' }, headers: { 'x-a': 'b' } });
new Etcd('a:2379', { auth: { username: 'u', password: 'p' } });
new Etcd('a:2379', { auth: { bearer: 'token' } });
new Etcd('https://a:2379', { ca: Buffer.from(''), cert: 'pem', key: Buffer.from('') });
new Etcd('https://a:2379', { ca: ['pem', Buffer.from('')] });
new Etcd('a:2379', { timeout: undefined, auth: undefined, ca: undefined });
new Etcd('a:2379', { timeout: 0, maxRetries: 1, resendWrites: false, maxResponseSize: 2 ** 20, gzip: true });
new Etcd('a:2379', { headers: { 'x-a': 1, 'x-b': ['c', true], 'x-d': undefined } });
new Etcd('a:2379', { followRedirect: false, followAllRedirects: false, maxRedirects: 2 });
new Etcd('a:2379', { followOriginalHttpMethod: true, removeRefererHeader: true });
new Etcd('a:2379', { proxy: 'http://u:p@proxy:8080', tunnel: false, forever: true, localAddress: '127.0.0.1' });
new Etcd('a:2379', { proxy: null, maxSockets: 10, pool: { maxSockets: 10 } });
new Etcd('https://a:2379', { pfx: Buffer.from(''), passphrase: 's', servername: 'b', agentOptions: { maxSockets: 1 } });
new Etcd('https://a:2379', { rejectUnauthorized: false, strictSSL: false, agentOptions: { ca: new Uint8Array() } });
expectError(new Etcd('a:2379', { followOriginalHttpMethod: false }));
expectError(new Etcd('a:2379', { agent: {} }));
expectError(new Etcd('a:2379', { pool: { maxFreeSockets: 1 } }));
expectError(new Etcd('a:2379', { auth: { user: 'u', sendImmediately: false } }));
expectError(new Etcd('a:2379', { pfx: 'archive' }));
expectError(new Etcd(4001));
expectError(new Etcd('127.0.0.1', 4001));
expectError(new Etcd('a:2379', { timeout: '1000' }));
expectError(new Etcd('a:2379', { unknown: true }));

const etcd = new Etcd();
expectType<string[]>(etcd.getHosts());

// An ES module's view from here: import() resolves through the package's "import" condition.
async function dynamic(): Promise<void> {
  const esm = await import('node-etcd-native');
  expectType<typeof Etcd>(esm.default);
  expectType<typeof Etcd>(esm.Etcd);
  expectType<typeof Etcd.Watcher>(esm.Watcher);
  expectType<typeof Etcd.CancellationToken>(esm.CancellationToken);
}
expectType<Promise<void>>(dynamic());

// Inheritance, new and old.
class Client extends Etcd {
  readonly prefix: string;

  constructor(prefix: string) {
    super(['a:2379'], { timeout: 1000 });
    this.prefix = prefix;
  }

  getHere(key: string): Etcd.PendingToken {
    return this.get(`${this.prefix}/${key}`);
  }
}
expectAssignable<Etcd>(new Client('p'));
expectType<Etcd.PendingToken>(new Client('p').getHere('k'));

function OldStyle(this: Etcd): void {
  Etcd.call(this, '127.0.0.1:2379');
}
OldStyle.prototype = Object.create(Etcd.prototype);
expectType<Etcd>(Etcd.prototype);

// A method replaced on one instance.
etcd.get = new Etcd().get;
