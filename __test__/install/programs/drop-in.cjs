// As programs for node-etcd are written: CommonJS and callbacks, and Sync methods.
const assert = require('node:assert');
const Etcd = require('node-etcd');

const [host] = process.argv.slice(2);
const etcd = new Etcd([host]);
const prefix = `/cjs-${process.pid}`;

const written = etcd.setSync(`${prefix}/sync`, 'blocking');
assert.strictEqual(written.err, null);
assert.strictEqual(etcd.getSync(`${prefix}/sync`).body.node.value, 'blocking');

etcd.set(`${prefix}/key`, 'one', (err, body, headers) => {
  assert.ifError(err);
  assert.ok(headers['x-etcd-index']);
  const watcher = etcd.watcher(prefix, body.node.modifiedIndex + 1, { recursive: true });
  watcher.on('change', (event) => {
    assert.strictEqual(event.node.value, 'two');
    watcher.stop();
    etcd.get(`${prefix}/none`, (error) => {
      assert.strictEqual(error.errorCode, 100);
      console.log('works');
    });
  });
  etcd.compareAndSwap(`${prefix}/key`, 'two', 'one', (error) => assert.ifError(error));
});
