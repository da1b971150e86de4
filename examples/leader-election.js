'use strict';

// One of several candidates leads: who has the lock. All the others see who that is, and one of them follows when it ends.
//   node examples/leader-election.js                        two candidates on a store in this process
//   node examples/leader-election.js 127.0.0.1:2379 ann     one, on an etcd: start others beside it, and end the leader

const Etcd = require('node-etcd-native');
const { LiveDirectory } = require('./live-directory');
const { Lock } = require('./lock');

const KEY = '/examples/leader';

/** The name in the lock's value, which is the owner's and an id. */
const nameIn = (value) => value?.slice(0, value.lastIndexOf(' '));

/** Calls back with the name of each leader, and with undefined while there is none. */
function observe(etcd, callback) {
  const election = new LiveDirectory(etcd, KEY);
  callback(nameIn(election.values.get(KEY)));
  election.on('change', (_, value) => callback(nameIn(value)));
  return election;
}

/**
 * Leads each time that this candidate is elected, until the signal aborts. `lead` gets the term, which rises from leader to
 * leader, and a signal that aborts when the leadership is lost: it has to stop then, as another one may lead.
 */
async function campaign(etcd, owner, ttl, signal, lead) {
  const lock = new Lock(etcd, KEY, { owner, ttl });
  while (!signal.aborted) {
    const held = await lock.acquire(signal);
    if (!held) return;
    try {
      await lead(held.fence, held.signal);
    } finally {
      await held.release(); // the next one need not wait for the TTL
    }
  }
}

const aborted = (signal) => signal.aborted || new Promise((resolve) => signal.addEventListener('abort', resolve));

async function main(host = 'memory:', ...names) {
  const etcd = new Etcd(host);
  const ttl = Number(process.env.TTL ?? 10);
  const run = async (name) => {
    const end = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end.abort());
    await campaign(etcd, name, ttl, end.signal, async (term, lost) => {
      console.log(`${name} leads, term ${term}`);
      if (names.length === 0) return end.abort(); // in this process alone each leads once
      await Promise.race([aborted(lost), aborted(end.signal)]);
      console.log(`${name} leads no longer`);
    });
  };
  const observer = observe(etcd, (name) => console.log(name ? `${name} is the leader` : 'there is no leader'));
  await Promise.all((names.length > 0 ? names : ['ann', 'bob']).map(run));
  observer.close();
}

if (require.main === module) main(...process.argv.slice(2));

module.exports = { campaign, observe };
