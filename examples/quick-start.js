'use strict';

// node examples/quick-start.js                     a store in this process: no server is needed
// node examples/quick-start.js 127.0.0.1:2379      an etcd with the v2 API: etcd --enable-v2=true

const Etcd = require('node-etcd-native');

const etcd = new Etcd(process.argv[2] ?? 'memory:');

async function main() {
  await etcd.set('quick-start/color', 'red');
  const { node } = await etcd.get('quick-start/color');
  console.log(`${node.key} is ${node.value}`);

  // With an index, the watcher misses nothing that happens before etcd has registered it.
  const watcher = etcd.watcher('quick-start', node.modifiedIndex + 1, { recursive: true });
  const changed = new Promise((resolve) => watcher.once('change', resolve));
  await etcd.compareAndSwap('quick-start/color', 'green', 'red');
  const event = await changed;
  watcher.stop();
  console.log(`${event.action}: ${event.prevNode.value} became ${event.node.value}`);

  const { err } = etcd.rmdirSync('quick-start', { recursive: true });
  if (err) throw err;
  console.log('cleaned up');
}

main().catch((err) => {
  console.error(err.errors?.map((failure) => `${failure.server}: ${failure.httperror?.message}`).join('\n') ?? err);
  process.exitCode = 1;
});
