'use strict';

// npm run bench: time and CPU of GET requests, here and in node-etcd, against a throw-away etcd. The two run in turn,
// each in a process of its own; the medians of the rounds are printed. Needs `npm run build` first.

const { fork } = require('node:child_process');
const { startEtcd } = require('../scripts/etcd');

const CLIENTS = { 'node-etcd-native': '..', 'node-etcd': 'node-etcd' };
const ROUNDS = 5;
const CASES = [
  { inFlight: 1, requests: 3000 },
  { inFlight: 64, requests: 10000 },
];

/** In the child: microseconds of time and of CPU (all threads) for each request, warm-up not counted. */
async function measure(module, host, { inFlight, requests }) {
  const Etcd = require(module);
  const etcd = new Etcd(host);
  await getMany(etcd, inFlight, requests / 10);
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  await getMany(etcd, inFlight, requests);
  const { user, system } = process.cpuUsage(cpu);
  return { time: Number(process.hrtime.bigint() - start) / 1000 / requests, cpu: (user + system) / requests };
}

function getMany(etcd, inFlight, requests) {
  return new Promise((resolve, reject) => {
    let left = requests;
    let due = requests;
    const next = () => {
      if (left-- <= 0) return;
      etcd.get('bench', (err) => {
        if (err) return reject(err);
        due -= 1;
        if (due === 0) resolve();
        next();
      });
    };
    for (let i = 0; i < inFlight; i++) next();
  });
}

function measureInChild(...args) {
  return new Promise((resolve, reject) => {
    const child = fork(__filename, [JSON.stringify(args)]);
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => code && reject(new Error(`a round ended with exit code ${code}`)));
  });
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function main() {
  const server = await startEtcd();
  try {
    const Etcd = require('..');
    await new Etcd(server.host).set('bench', 'x'.repeat(100));
    for (const measured of CASES) {
      const results = Object.fromEntries(Object.keys(CLIENTS).map((name) => [name, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, module] of Object.entries(CLIENTS)) {
          results[name].push(await measureInChild(module, server.host, measured));
        }
      }
      for (const [name, rounds] of Object.entries(results)) {
        const [time, cpu] = ['time', 'cpu'].map((what) => median(rounds.map((round) => round[what])).toFixed(0));
        console.log(`${String(measured.inFlight).padStart(3)} in flight  ${name.padEnd(17)} ${time} us, CPU ${cpu} us`);
      }
    }
  } finally {
    await server.stop();
  }
}

if (process.send) {
  measure(...JSON.parse(process.argv[2])).then((result) => {
    process.send(result);
    process.disconnect();
  });
} else {
  main();
}
