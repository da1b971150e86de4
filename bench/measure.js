'use strict';

const fs = require('node:fs');

/** CPU time of the JavaScript thread in microseconds: the process's first thread, as Linux counts it. */
function threadCpu() {
  return Number(fs.readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

/** CPU time of all threads in microseconds. */
function processCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const threads = () => fs.readdirSync('/proc/self/task').length;

/** Resident memory in KB, after what can be collected was. */
function residentKb() {
  for (let i = 0; i < 3; i++) global.gc();
  return process.memoryUsage.rss() / 1024;
}

/** Resident memory of another process in MB, from the lines of its status. */
const residentMbOf = (pid) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

/** How many connections are open to a port of this machine, as who opened them sees them. */
function connectionsTo(port) {
  const rows = fs.readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n').slice(1);
  const isOpen = (row) => {
    const [, , remote, state] = row.trim().split(/\s+/);
    return state === '01' && Number.parseInt(remote.split(':')[1], 16) === port;
  };
  return rows.filter(isOpen).length;
}

/** Measures `work`, which resolves with the count of requests and the microseconds that some of them took. */
async function measured(work) {
  const [thread, all, start] = [threadCpu(), processCpu(), performance.now()];
  const { count, times } = await work();
  const seconds = (performance.now() - start) / 1000;
  const [threadUsed, allUsed] = [threadCpu() - thread, processCpu() - all];
  times.sort((a, b) => a - b);
  return {
    rate: count / seconds,
    jsCpu: threadUsed / count,
    cpu: allUsed / count,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
  };
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function median(numbers) {
  return percentile(
    numbers.toSorted((a, b) => a - b),
    0.5,
  );
}

module.exports = { connectionsTo, measured, median, residentKb, residentMbOf, threads };
