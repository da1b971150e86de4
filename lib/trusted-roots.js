'use strict';

const { readFileSync } = require('node:fs');

let roots;

/** The certificates that Node trusts by default, as Buffers. Read when the first https client asks. */
function trustedRoots() {
  roots ??= readRoots().map((pem) => Buffer.from(pem));
  return roots;
}

function readRoots() {
  // Loaded only now: it takes longer than all the rest of this package.
  const tls = require('node:tls');
  // Node >= 22.15 tells what it trusts, with every flag and variable taken into account.
  if (tls.getCACertificates) return tls.getCACertificates('default');
  return [...tls.rootCertificates, ...extraRoots()];
}

/** As Node does it: a file that cannot be read is a warning, not an error. */
function extraRoots() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  if (!file) return [];
  try {
    return [readFileSync(file)];
  } catch (error) {
    process.emitWarning(`Ignoring extra certs from \`${file}\`: ${error.message}`);
    return [];
  }
}

module.exports = { trustedRoots };
