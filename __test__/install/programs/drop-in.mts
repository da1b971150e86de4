// TypeScript compiled to an ES module.
import Etcd, { type EtcdError, type EtcdNode, type EtcdOptions, type Watcher } from 'node-etcd';

const options: EtcdOptions = { timeout: 5000, maxRetries: 1 };
const etcd = new Etcd(process.argv[2], options);
const key: string = `/mts-${process.pid}`;

const node: EtcdNode = (await etcd.set(key, 1)).node;
const watcher: Watcher = etcd.watcher(key, node.modifiedIndex);
const seen: string | undefined = await new Promise((resolve) => {
  watcher.once('change', (event) => resolve(event.node.value));
});
watcher.stop();
try {
  await etcd.get(`${key}-none`);
} catch (error) {
  if ((error as EtcdError).errorCode !== 100) throw error;
}
console.log(seen === '1' ? 'works' : seen);
