'use strict';

// For a process with `refusals.c`, which holds the same order.

const fs = require('node:fs');
const os = require('node:os');

const CALLS = ['socket', 'bind', 'connect', 'epoll_create1', 'eventfd', 'pthread_create'];
/** Open all the time: there may be no descriptor left. */
const file = fs.openSync(process.env.REFUSALS, 'r+');

/** From now on the call fails with this error, or without one works again. */
module.exports = function refuse(call, code) {
  const number = code === undefined ? 0 : os.constants.errno[code];
  if (number === undefined || !CALLS.includes(call)) throw new Error(`Nothing known of ${call} and ${code}`);
  fs.writeSync(file, Int32Array.of(number), 0, 4, 4 * CALLS.indexOf(call));
};
