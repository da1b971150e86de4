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
expectType<Etcd>(new Etcd('a:2379', { api: 'v3', namespace: '/app' }));
expectError(new Etcd('a:2379', { api: 'v4' }));
expectError(new Etcd('a:2379', { timeout: '1000' }));
expectError(new Etcd('a:2379', { unknown: true }));

// A store in this process.
expectType<Etcd>(new Etcd('memory:'));
expectType<Etcd>(new Etcd('memory:name', { timeout: 0, maxRetries: 1, resendWrites: false }));
const store = Etcd.memory();
expectType<Etcd.MemoryStore>(store);
expectType<Etcd.MemoryStore>(Etcd.memory('name'));
expectError(Etcd.memory(1));
expectError(Etcd.memory(null));
expectType<Etcd>(new Etcd(store.host));

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

// A method overridden by one that hands on whatever it is given, and by one with forms of its own.
class Prefixed extends Etcd {
  override get(key: string, ...rest: any[]): any {
    return Reflect.apply(super.get, this, [`prefix/${key}`, ...rest]);
  }

  override del(key: string, options?: Etcd.AsyncOptions<Etcd.DeleteOptions>): Etcd.PendingToken;
  override del(key: string, options: Etcd.SyncOptions<Etcd.DeleteOptions>): Etcd.SyncResult;
  override del(
    key: string,
    options: Etcd.AsyncOptions<Etcd.DeleteOptions>,
    callback: Etcd.Callback | null | undefined,
  ): Etcd.CancellationToken;
  override del(key: string, callback: Etcd.Callback): Etcd.CancellationToken;
  override del(key: string, ...rest: any[]): any {
    return Reflect.apply(super.del, this, [`prefix/${key}`, ...rest]);
  }

  override getSync(key: string, options?: Etcd.GetOptions | null): Etcd.SyncResult {
    return super.getSync(`prefix/${key}`, options);
  }

  override version = (): any => super.version({ timeout: 100 });
}
const prefixed = new Prefixed();
expectAssignable<Etcd>(prefixed);
expectType<Etcd.PendingToken>(prefixed.del('k'));
expectType<Etcd.CancellationToken>(prefixed.del('k', (err, body) => expectType<Etcd.EtcdResponse>(body)));
expectType<Etcd.PendingToken>(prefixed.set('k', 'v'));

// Every method can be overridden by a method: none is a property.
declare class Replaced extends Etcd {
  override getHosts(...args: any[]): any;
  override set(...args: any[]): any;
  override get(...args: any[]): any;
  override del(...args: any[]): any;
  override delete(...args: any[]): any;
  override create(...args: any[]): any;
  override post(...args: any[]): any;
  override mkdir(...args: any[]): any;
  override rmdir(...args: any[]): any;
  override compareAndSwap(...args: any[]): any;
  override testAndSet(...args: any[]): any;
  override compareAndDelete(...args: any[]): any;
  override testAndDelete(...args: any[]): any;
  override watch(...args: any[]): any;
  override watchIndex(...args: any[]): any;
  override watcher(...args: any[]): any;
  override raw(...args: any[]): any;
  override machines(...args: any[]): any;
  override leader(...args: any[]): any;
  override leaderStats(...args: any[]): any;
  override selfStats(...args: any[]): any;
  override version(...args: any[]): any;
  override setSync(...args: any[]): any;
  override getSync(...args: any[]): any;
  override delSync(...args: any[]): any;
  override mkdirSync(...args: any[]): any;
  override rmdirSync(...args: any[]): any;
  override close(...args: any[]): any;
  override [Symbol.asyncDispose](...args: any[]): any;
}
// None is missing above: a method left out would return something else than `any`.
type ReturnsAny<M> = M extends (...args: any[]) => infer R ? (0 extends R & 1 ? true : false) : false;
type Overridden = { [K in keyof Etcd]: ReturnsAny<Replaced[K]> extends true ? K : never }[keyof Etcd];
expectType<keyof Etcd>({} as Overridden);
