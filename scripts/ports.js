'use strict';

const net = require('node:net');

// Below the range systems hand out for outgoing connections (32768 and up on Linux): a client that keeps dialling a
// port of that range on loopback can end up connected to itself, and a port once found free would soon be taken.
const LOWEST = 12000;
const HIGHEST = 32000;

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });

/** A port of 127.0.0.1 that nothing listens on, now. Whoever binds it must be ready to find it taken after all. */
async function freePort() {
  for (let tries = 0; tries < 100; tries++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port found between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
}

module.exports = { freePort };
