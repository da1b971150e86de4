'use strict';

// What a process costs, as Linux counts it; elsewhere nothing is known.

const fs = require('node:fs');

const LOOK_EVERY = 50;
/** Linux counts processor time by this part of a second. */
const TICKS = 100;

function read(pid, name) {
  try {
    return fs.readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined; // it has ended, or this is no Linux
  }
}

/** The seconds of processor time that a process has used. */
function cpuSeconds(pid) {
  const fields = read(pid, 'stat')?.split(') ')[1]?.split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** The seconds that the machine's processors were busy. */
function machineSeconds() {
  const [user, nice, system, , , irq, softirq] = (read('.', 'stat') ?? '')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS;
}

const peakMib = (pid) => {
  const kib = /^VmHWM:\s+(\d+)/m.exec(read(pid, 'status') ?? '')?.[1];
  return kib && Math.round(Number(kib) / 1024);
};

/** Looks at a process until it ends: the last that was seen is what it used. */
class Meter {
  #pid;
  #timer;
  cpu;
  peak;

  constructor(child) {
    this.#pid = child.pid;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
    child.once('exit', () => clearInterval(this.#timer));
  }

  #look() {
    this.cpu = cpuSeconds(this.#pid) ?? this.cpu;
    this.peak = peakMib(this.#pid) ?? this.peak;
  }
}

module.exports = { Meter, cpuSeconds, machineSeconds };
