// TypeScript compiled to CommonJS.
import Etcd = require('node-etcd');

const etcd = new Etcd([process.argv[2] as string], { timeout: 5000 });
const key: string = `/cts-${process.pid}`;

function check(err: Etcd.EtcdError | null, body: Etcd.EtcdResponse): void {
  if (err) throw err;
  const value: string | undefined = body.node.value;
  const result = etcd.getSync(key);
  if (result.err) throw result.err;
  if (value !== 'typed' || result.body.node.value !== value) throw new Error(`got ${value}`);
  const watcher: Etcd.Watcher = etcd.watcher(key, body.node.modifiedIndex);
  watcher.once('set', (event, headers) => {
    const index: string | undefined = headers['x-etcd-index'];
    watcher.stop();
    console.log(event.node.value === 'typed' && index ? 'works' : event);
  });
}
etcd.set(key, 'typed', { ttl: 60 }, check);
