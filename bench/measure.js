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

/** CPU time of another process in microseconds; Linux counts it in hundredths of a second. */
function cpuOf(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** How many connections this process has open to a port. */
function connectionsTo(port) {
  const links = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // that of the listing itself
    }
  });
  const own = new Set(links);
  const rows = fs.readFileSync('/proc/self/net/tcp', 'utf8').trim().split('\n').slice(1);
  const isOwn = (row) => {
    const [, , remote, state, , , , , , inode] = row.trim().split(/\s+/);
    return state === '01' && Number.parseInt(remote.split(':')[1], 16) === port && own.has(`socket:[${inode}]`);
  };
  return rows.filter(isOwn).length;
}

/**
 * Measures `work`, which resolves with the count of requests and the microseconds that some of them took. With the id of
 * the server's process what a request costs there as well.
 */
async function measured(work, server) {
  const ofServer = () => (server === undefined ? undefined : cpuOf(server));
  const [thread, all, there, start] = [threadCpu(), processCpu(), ofServer(), performance.now()];
  const { count, times } = await work();
  const seconds = (performance.now() - start) / 1000;
  const [threadUsed, allUsed] = [threadCpu() - thread, processCpu() - all];
  times.sort((a, b) => a - b);
  return {
    rate: count / seconds,
    jsCpu: threadUsed / count,
    cpu: allUsed / count,
    ...(server !== undefined && { serverCpu: (ofServer() - there) / count }),
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
