'use strict';

// Services that announce themselves for as long as they live, and a list of them that is always up to date.
//   node examples/service-registry.js                                      a store in this process
//   node examples/service-registry.js 127.0.0.1:2379                       the list, on an etcd
//   node examples/service-registry.js 127.0.0.1:2379 web-1=10.0.0.1:80     a service as well, until it is ended

const Etcd = require('node-etcd-native');
const { LiveDirectory } = require('./live-directory');
// A key with a TTL, renewed in time. It is a file of its own as it is the program that the tests in testing/ test.
const { Registration } = require('./testing/registration');

const DIRECTORY = '/services';

/** The services that there are, by name. */
class Registry {
  constructor(etcd) {
    this.live = new LiveDirectory(etcd, DIRECTORY);
  }

  /** [name, address] of each service whose name begins so, in order. */
  find(prefix = '') {
    const all = [...this.live.values].map(([key, address]) => [key.slice(DIRECTORY.length + 1), address]);
    return all.filter(([name]) => name.startsWith(prefix)).sort(([one], [other]) => (one < other ? -1 : 1));
  }

  /** Calls back after each change. A service that did not stop but died is gone after its TTL. */
  onChange(callback) {
    this.live.on('change', callback);
  }

  close() {
    this.live.close();
  }
}

/** Waits until there are so many services. */
const until = (registry, count) =>
  new Promise((resolve) => {
    const look = () => registry.find().length === count && resolve();
    registry.onChange(look);
    look();
  });

async function main(host = 'memory:', ...services) {
  const etcd = new Etcd(host);
  const registry = new Registry(etcd);
  const show = () => {
    const all = registry.find().map(([name, address]) => `${name} at ${address}`);
    console.log(`services: ${all.join(', ') || 'none'}`);
  };
  show();
  registry.onChange(show);

  const isAlone = host === 'memory:';
  const ttl = Number(process.env.TTL ?? 30);
  const registrations = (isAlone ? ['web-1=10.0.0.1:80', 'web-2=10.0.0.2:80'] : services).map(
    (service) => new Registration(etcd, ...service.split('='), ttl),
  );
  for (const registration of registrations) await registration.start();
  const stop = async () => {
    for (const registration of registrations) await registration.stop();
    if (isAlone) await until(registry, 0);
    registry.close();
  };
  if (!isAlone) for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  else await until(registry, 2).then(stop);
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = { Registry };
