// An ES module: the default export, the named ones, promises.
import assert from 'node:assert';
import Default, { CancellationToken, Etcd, Watcher } from 'node-etcd';

const [host] = process.argv.slice(2);
assert.strictEqual(Default, Etcd);
const etcd = new Etcd(host);
const key = `/esm-${process.pid}`;

const { node } = await etcd.set(key, 'one');
const token = etcd.watchIndex(key, node.modifiedIndex + 1);
assert.ok(token instanceof CancellationToken);
await etcd.set(key, 'two');
assert.strictEqual((await token).node.value, 'two');
await assert.rejects(async () => await etcd.get(`${key}/none`), { errorCode: 104 });
assert.strictEqual(typeof Watcher, 'function');
console.log('works');
