import Etcd from './index.js';

export const { CancellationToken, Watcher } = Etcd;
export { Etcd, Etcd as default };
