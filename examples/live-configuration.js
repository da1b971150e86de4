'use strict';

// A configuration in etcd: complete before the program's next line, and followed from then on.
//   node examples/live-configuration.js                    a store in this process, where somebody changes it
//   node examples/live-configuration.js 127.0.0.1:2379     an etcd; change it from another terminal

const Etcd = require('node-etcd-native');
const { LiveDirectory } = require('./live-directory');

const DIRECTORY = '/examples/configuration';

/** What counts where etcd has nothing. The program runs with an empty etcd, too. */
const DEFAULTS = { 'log-level': 'info', 'requests-per-second': '100' };

class Configuration {
  constructor(etcd, directory, defaults) {
    this.prefix = `${directory}/`;
    this.defaults = defaults;
    this.live = new LiveDirectory(etcd, directory);
  }

  get(name) {
    return this.live.values.get(this.prefix + name) ?? this.defaults[name];
  }

  /** Calls back with the name and its new value, which is the default once the key is removed. */
  onChange(callback) {
    this.live.on('change', (key) => {
      const name = key.slice(this.prefix.length);
      callback(name, this.get(name));
    });
  }

  close() {
    this.live.close();
  }
}

/** Somebody who changes the configuration of a running program. */
async function operate(etcd) {
  await etcd.set(`${DIRECTORY}/log-level`, 'debug');
  await etcd.set(`${DIRECTORY}/requests-per-second`, 50);
  await etcd.del(`${DIRECTORY}/log-level`);
}

async function main(host = 'memory:') {
  const etcd = new Etcd(host);
  const configuration = new Configuration(etcd, DIRECTORY, DEFAULTS);
  for (const name of Object.keys(DEFAULTS)) console.log(`${name} is ${configuration.get(name)}`);
  let seen = 0;
  configuration.onChange((name, value) => {
    console.log(`${name} is now ${value ?? 'not set'}`);
    seen += 1;
    if (host === 'memory:' && seen === 3) configuration.close();
  });
  if (host === 'memory:') await operate(etcd);
  else console.log(`Change it: npx node-etcd-native set ${DIRECTORY}/log-level debug`);
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = { Configuration };
