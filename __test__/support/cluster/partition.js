'use strict';

// A cluster whose leader is cut off by the network: it lives in a network namespace of its own, and this process, the
// client's, in another with the other members. Both are made by `unshare`, so nothing of the machine's network changes.
//   unshare --user --map-root-user --net node partition.js LOAD [SEED]    prints how a load fared, as JSON

const fs = require('node:fs');
const { execFile, execFileSync, spawn } = require('node:child_process');
const { promisify } = require('node:util');
const { setTimeout: sleep } = require('node:timers/promises');
const { ownNetwork } = require('../own-network');
const { waitUntil } = require('../promises');
const { chosenTransport } = require('../transports');
const { History } = require('./history');
const { Workload, writesOnce } = require('./workload');

const NEAR = '192.0.2.1';
const FAR = '192.0.2.2';
const NOBODY = '02:00:00:00:00:99';
const CUT_MS = 5000;

const PROBE = 'ip link set lo up && ip link add near type veth peer name far';

/** Why there can be no partition here, or false. */
function noPartition() {
  if (ownNetwork(PROBE)) return false;
  return 'unshare and ip cannot make network namespaces here; a member that hangs must stand for one that is cut off';
}

/** Runs a load of `LOADS`, by a seed, while the leader is cut off, and resolves with its result. */
async function partitioned(load, seed = 0) {
  const [command, ...args] = [...ownNetwork(PROBE), process.execPath, __filename, load, String(seed)];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { stdout } = await promisify(execFile)(command, args, { env, timeout: 90_000 });
  return JSON.parse(stdout);
}

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** The far namespace, held open by a process: `inside` is how a command gets there. */
async function makeFar() {
  const namespace = (pid) => fs.readlinkSync(`/proc/${pid}/ns/net`);
  const holder = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
  process.on('exit', () => holder.kill());
  while (namespace(holder.pid) === namespace('self')) await sleep(5);
  const inside = ['nsenter', '--target', String(holder.pid), '--net'];
  const ipThere = (...args) => execFileSync(inside[0], [...inside.slice(1), 'ip', ...args]);
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
  ip('link', 'set', 'far', 'netns', String(holder.pid));
  ip('address', 'add', `${NEAR}/24`, 'dev', 'near');
  ip('link', 'set', 'near', 'up');
  ipThere('address', 'add', `${FAR}/24`, 'dev', 'far');
  for (const device of ['lo', 'far']) ipThere('link', 'set', device, 'up');
  return {
    inside,
    /** Sends both sides' packets to a hardware address that nobody has: they are lost, and nobody is told. */
    cut: () => {
      ip('neighbour', 'replace', FAR, 'lladdr', NOBODY, 'dev', 'near', 'nud', 'permanent');
      ipThere('neighbour', 'replace', NEAR, 'lladdr', NOBODY, 'dev', 'far', 'nud', 'permanent');
    },
    heal: () => {
      ip('neighbour', 'delete', FAR, 'dev', 'near');
      ipThere('neighbour', 'delete', NEAR, 'dev', 'far');
    },
  };
}

const PREFIX = 'partition';

/** What goes on meanwhile, made of (connect, { members, seed, current }): each has progress() and result(). */
const LOADS = {
  writes: (connect, { current }) => new Workload(connect({ timeout: 1000 }), PREFIX, { current }),
  once: (connect, { current }) => writesOnce(connect, PREFIX, current),
  history: (connect, options) => new History(connect, { ...options, prefix: PREFIX }),
};

async function run(name, seed) {
  const Etcd = require('../../..');
  const { cluster: startCluster, options, current } = chosenTransport();
  const far = await makeFar();
  const near = { address: NEAR };
  const cluster = await startCluster({ members: [near, near, { address: FAR, inside: far.inside }] });
  const alone = cluster.members[2];
  await cluster.lead(alone);
  const connect = (more, members = cluster.members) =>
    new Etcd(
      members.map(({ host }) => host),
      { ...options, ...more },
    );
  const load = LOADS[name](connect, { members: cluster.members, seed, current });
  await load.progress();
  far.cut();
  await Promise.all([sleep(CUT_MS), load.progress()]);
  far.heal();
  await load.progress();
  const result = await load.result();
  // The one that was cut off catches up.
  await connect().set('last', 'v');
  const client = connect({}, [alone]);
  await waitUntil(
    async () => (await client.get('last', { quorum: false }).catch(() => undefined))?.node.value === 'v',
    {
      timeoutMs: 30_000,
    },
  );
  await cluster.stop();
  console.log(JSON.stringify(result));
}

if (require.main === module) {
  run(process.argv[2], Number(process.argv[3])).then(
    () => process.exit(),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}

module.exports = { noPartition, partitioned };
